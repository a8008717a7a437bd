package io.github.secretscontroller.admission;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.Date;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;

/** A client that calls {@code localhost} over real TLS, and a small HTTPS server to be called. */
final class TlsPeer {

  private TlsPeer() {}

  /** Answers 200 to everything; with {@code clients}, 403 to those whom they don't allow. */
  static final class Server implements AutoCloseable {

    private final HttpsServer server;
    private final ExecutorService executor = Executors.newFixedThreadPool(8);

    Server(SSLContext context, ClientCertificates... clients) throws IOException {
      server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.setHttpsConfigurator(
          new HttpsConfigurator(context) {
            @Override
            public void configure(HttpsParameters parameters) {
              SSLParameters tls = context.getDefaultSSLParameters();
              tls.setWantClientAuth(clients.length > 0);
              parameters.setSSLParameters(tls);
            }
          });
      server.setExecutor(executor);
      server.createContext(
          "/",
          exchange -> {
            boolean allowed = true;
            for (ClientCertificates client : clients) {
              allowed = client.allow(chain((com.sun.net.httpserver.HttpsExchange) exchange));
            }
            exchange.sendResponseHeaders(allowed ? 200 : 403, -1);
            exchange.close();
          });
      server.start();
    }

    int port() {
      return ((HttpServer) server).getAddress().getPort();
    }

    @Override
    public void close() {
      server.stop(0);
      executor.shutdownNow();
    }

    private static X509Certificate[] chain(com.sun.net.httpserver.HttpsExchange exchange) {
      try {
        return (X509Certificate[]) exchange.getSSLSession().getPeerCertificates();
      } catch (javax.net.ssl.SSLPeerUnverifiedException e) {
        return null;
      }
    }
  }

  /** One connection, which can be used more than once. */
  static final class Connection implements AutoCloseable {

    private final SSLSocket socket;
    private final BufferedReader reader;

    Connection(SSLContext context, int port) throws IOException {
      Socket plain = new Socket(InetAddress.getLoopbackAddress(), port);
      plain.setSoTimeout(60_000);
      try {
        socket =
            (SSLSocket) context.getSocketFactory().createSocket(plain, "localhost", port, true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        socket.startHandshake();
        reader =
            new BufferedReader(
                new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
      } catch (IOException e) {
        plain.close();
        throw e;
      }
    }

    /** The status of a GET; the connection stays open. */
    int get() throws IOException {
      socket
          .getOutputStream()
          .write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      String status = reader.readLine();
      if (status == null) {
        throw new IOException("the connection was closed");
      }
      for (String line = reader.readLine(); line != null && !line.isEmpty(); ) {
        line = reader.readLine();
      }
      return Integer.parseInt(status.split(" ", -1)[1]);
    }

    X509Certificate serverCertificate() throws IOException {
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }

    @Override
    public void close() throws IOException {
      socket.close();
    }
  }

  /** A client that trusts this bundle, and shows the given keys. */
  static SSLContext trusting(String pem, Clock clock, KeyManager... keys) throws Exception {
    List<X509Certificate> certificates = Pem.certificates(pem, "bundle");
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    for (int i = 0; i < certificates.size(); i++) {
      store.setCertificateEntry("ca-" + i, certificates.get(i));
    }
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys, new TrustManager[] {new Trust(store, clock)}, null);
    return context;
  }

  /** Judges a certificate at the time at which it is shown, as a client does. */
  private record Trust(KeyStore store, Clock clock) implements X509TrustManager {

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      now().checkServerTrusted(chain, type);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type)
        throws CertificateException {
      now().checkClientTrusted(chain, type);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }

    private X509TrustManager now() throws CertificateException {
      try {
        PKIXBuilderParameters parameters = new PKIXBuilderParameters(store, new X509CertSelector());
        parameters.setRevocationEnabled(false);
        parameters.setDate(Date.from(clock.instant()));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(new CertPathTrustManagerParameters(parameters));
        return (X509TrustManager) trust.getTrustManagers()[0];
      } catch (GeneralSecurityException e) {
        throw new CertificateException(e);
      }
    }
  }

  /** What a client that trusts the bundle is served on a new connection. */
  static X509Certificate served(int port, String bundle, Clock clock) throws Exception {
    try (Connection connection = new Connection(trusting(bundle, clock), port)) {
      connection.get();
      return connection.serverCertificate();
    }
  }
}
