package io.github.secretscontroller.aws;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * The JVM's TLS sockets, but with other named groups for the key exchange than {@code
 * jdk.tls.namedGroups} allows. Needs Java 20.
 */
final class WiderGroups extends SSLSocketFactory {

  /**
   * Names the groups, separated by commas, that are offered to an endpoint that refuses those of
   * {@code jdk.tls.namedGroups}. Where it isn't set, the refusal stands.
   */
  static final String PROPERTY = "secrets.tls.fallbackGroups";

  private final SSLSocketFactory jvm = (SSLSocketFactory) SSLSocketFactory.getDefault();
  private final String[] groups = property().split(",");

  /** Whether there are any, and this Java can offer them. */
  static boolean areAvailable() {
    return !property().isEmpty() && Runtime.version().feature() >= 20;
  }

  private static String property() {
    return System.getProperty(PROPERTY, "");
  }

  @Override
  public Socket createSocket() throws IOException {
    return widened(jvm.createSocket());
  }

  @Override
  public Socket createSocket(Socket socket, String host, int port, boolean autoClose)
      throws IOException {
    return widened(jvm.createSocket(socket, host, port, autoClose));
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return widened(jvm.createSocket(host, port));
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    return widened(jvm.createSocket(host, port, localHost, localPort));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return widened(jvm.createSocket(host, port));
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    return widened(jvm.createSocket(address, port, localAddress, localPort));
  }

  @Override
  public String[] getDefaultCipherSuites() {
    return jvm.getDefaultCipherSuites();
  }

  @Override
  public String[] getSupportedCipherSuites() {
    return jvm.getSupportedCipherSuites();
  }

  private Socket widened(Socket socket) throws IOException {
    SSLSocket tls = (SSLSocket) socket;
    SSLParameters parameters = tls.getSSLParameters();
    try {
      // Not in Java 17, for which this is compiled.
      SSLParameters.class
          .getMethod("setNamedGroups", String[].class)
          .invoke(parameters, (Object) groups);
    } catch (ReflectiveOperationException e) {
      throw new IOException("this Java can't choose the groups of one connection", e);
    }
    tls.setSSLParameters(parameters);
    return tls;
  }
}
