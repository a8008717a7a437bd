package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * A proxy through which a process reaches hosts of the Internet that are servers of the test:
 * behind {@code CONNECT} it speaks TLS as the host that was asked for, and passes the plain text
 * on.
 */
final class TlsProxy implements AutoCloseable {

  private static final char[] PASSWORD = "test-only".toCharArray();

  private final TestAuthority authority = authority();
  private final ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final Map<String, Integer> ports = new ConcurrentHashMap<>();
  private final Map<Socket, String> hostByConnection = new ConcurrentHashMap<>();
  private final ExecutorService threads =
      Executors.newCachedThreadPool(
          task -> {
            Thread thread = new Thread(task, "tls-proxy");
            thread.setDaemon(true);
            return thread;
          });

  TlsProxy() throws IOException {
    threads.execute(this::accept);
  }

  private static TestAuthority authority() {
    try {
      return TestAuthority.root("test-authority");
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Lets a host be reached, as a server that speaks plain HTTP on a loopback port. */
  void up(String host, int port) {
    ports.put(host, port);
  }

  /** Lets a host be out of reach, as every host is at first; breaks its connections. */
  void down(String host) throws IOException {
    ports.remove(host);
    for (Map.Entry<Socket, String> connection : hostByConnection.entrySet()) {
      if (connection.getValue().equals(host)) {
        connection.getKey().close();
      }
    }
  }

  /** The variables of a process that goes through it, and trusts its certificates only. */
  Map<String, String> variables(Path directory) throws Exception {
    Path trust = directory.resolve("trust.p12");
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("ca", authority.certificate());
    try (OutputStream out = Files.newOutputStream(trust)) {
      store.store(out, PASSWORD);
    }
    return Map.of(
        "HTTPS_PROXY", "http://127.0.0.1:" + server.getLocalPort(),
        "JDK_JAVA_OPTIONS",
            "-Djavax.net.ssl.trustStore="
                + trust
                + " -Djavax.net.ssl.trustStorePassword="
                + new String(PASSWORD));
  }

  private void accept() {
    while (!server.isClosed()) {
      try {
        Socket client = server.accept();
        threads.execute(() -> serve(client));
      } catch (IOException e) {
        return;
      }
    }
  }

  private void serve(Socket client) {
    try (client) {
      String host = connect(client.getInputStream());
      Integer port = ports.get(host);
      OutputStream out = client.getOutputStream();
      if (port == null) {
        out.write("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n".getBytes(US_ASCII));
        return;
      }
      hostByConnection.put(client, host);
      out.write("HTTP/1.1 200 OK\r\n\r\n".getBytes(US_ASCII));
      try (SSLSocket tls =
              (SSLSocket) tls(host).getSocketFactory().createSocket(client, null, false);
          Socket backend = new Socket(InetAddress.getLoopbackAddress(), port)) {
        tls.setUseClientMode(false);
        InputStream answers = backend.getInputStream();
        OutputStream plain = tls.getOutputStream();
        threads.execute(() -> pass(answers, plain));
        pass(tls.getInputStream(), backend.getOutputStream());
      }
    } catch (Exception e) {
      // The client sees a broken connection.
    } finally {
      hostByConnection.remove(client);
    }
  }

  /** The host that a {@code CONNECT} request names. */
  private static String connect(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("no request");
      }
      head.append((char) next);
    }
    return head.toString().replaceAll("(?s)^CONNECT ([^:]+):443 .*", "$1");
  }

  private SSLContext tls(String host) throws Exception {
    TestAuthority own = authority.issue(host, TestAuthority.keys("EC-secp256r1"));
    KeyStore keys = KeyStore.getInstance("PKCS12");
    keys.load(null, null);
    X509Certificate[] chain = {own.certificate(), authority.certificate()};
    keys.setKeyEntry("host", own.keys().getPrivate(), PASSWORD, chain);
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context;
  }

  private static void pass(InputStream from, OutputStream to) {
    byte[] buffer = new byte[8192];
    try {
      for (int count = from.read(buffer); count >= 0; count = from.read(buffer)) {
        to.write(buffer, 0, count);
        to.flush();
      }
    } catch (IOException e) {
      // Closed by either side.
    }
  }

  @Override
  public void close() {
    try {
      server.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    threads.shutdownNow();
  }
}
