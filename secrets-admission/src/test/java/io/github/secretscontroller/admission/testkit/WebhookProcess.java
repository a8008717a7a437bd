package io.github.secretscontroller.admission.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

/** A webhook program as a process of its own, and clients that trust its certificate. */
public final class WebhookProcess implements AutoCloseable {

  private static final String LISTENING = "listening on ";

  /** How a program ended that didn't serve. */
  record Refusal(int exitCode, String output) {}

  private final Process process;
  private final Path log;
  private final Path ca;
  private final URI address;
  private final SSLContext trust;
  private final HttpClient client;

  private WebhookProcess(Process process, Path log, Path ca, URI address) throws Exception {
    this.process = process;
    this.log = log;
    this.ca = ca;
    this.address = address;
    this.trust = trusting(ca);
    this.client = client(HttpClient.Version.HTTP_1_1);
  }

  /**
   * Starts it on a free loopback port, and waits until it serves.
   *
   * @param jar the runnable jar
   * @param workspace an empty folder
   * @param environment what it is configured with, besides its address
   */
  public static WebhookProcess start(Path jar, Path workspace, Map<String, String> environment)
      throws Exception {
    Path ca = Path.of(environment.getOrDefault("TEST_CA", workspace.resolve("ca.pem").toString()));
    Path log = Files.createTempFile(workspace, "webhook", ".log");
    Process process = launch(jar, workspace, log, environment);
    BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
    String line = output.readLine();
    while (line != null && !line.startsWith(LISTENING)) {
      line = output.readLine();
    }
    if (line == null) {
      throw new IOException("the webhook stopped before it served:\n" + Files.readString(log));
    }
    return new WebhookProcess(process, log, ca, URI.create(line.substring(LISTENING.length())));
  }

  /** Runs a program that is expected to end by itself. */
  static Refusal refused(Path jar, Path workspace, Map<String, String> environment)
      throws Exception {
    Path log = Files.createTempFile(workspace, "refused", ".log");
    Process process = launch(jar, workspace, log, environment);
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        throw new IOException("the webhook goes on:\n" + Files.readString(log));
      }
      return new Refusal(process.exitValue(), Files.readString(log));
    } finally {
      process.destroyForcibly();
    }
  }

  private static Process launch(Path jar, Path workspace, Path log, Map<String, String> environment)
      throws IOException {
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                jar.toString())
            .redirectError(log.toFile());
    // Whatever AWS the tests themselves use: a webhook has what it is given.
    builder.environment().keySet().removeIf(variable -> variable.startsWith("AWS_"));
    builder.environment().put("WEBHOOK_HOST", "127.0.0.1");
    builder.environment().put("WEBHOOK_PORT", "0");
    builder.environment().put("WEBHOOK_CA_OUT", workspace.resolve("ca.pem").toString());
    builder.environment().put("WEBHOOK_DRAIN_SECONDS", "0");
    builder.environment().putAll(environment);
    return builder.start();
  }

  /** Where it listens. */
  public URI address() {
    return address;
  }

  /** The certificate of the authority that a client must trust, in PEM. */
  public String caPem() throws IOException {
    return Files.readString(ca);
  }

  /** Asks for a path. */
  public HttpResponse<String> get(String path) throws Exception {
    return send(HttpRequest.newBuilder(address.resolve(path)).GET().build());
  }

  /** Posts JSON. */
  public HttpResponse<String> post(String path, byte[] body) throws Exception {
    return send(review(path, body));
  }

  HttpResponse<String> send(HttpRequest request) throws Exception {
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  CompletableFuture<HttpResponse<String>> postAsync(HttpClient from, String path, byte[] body) {
    return from.sendAsync(review(path, body), HttpResponse.BodyHandlers.ofString());
  }

  /** A client with connections of its own. */
  HttpClient client(HttpClient.Version version) {
    return HttpClient.newBuilder().version(version).sslContext(trust).build();
  }

  HttpRequest review(String path, byte[] body) {
    return HttpRequest.newBuilder(address.resolve(path))
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofByteArray(body))
        .build();
  }

  /** A connection after its handshake, to say on it whatever a test likes. */
  SSLSocket connect() throws IOException {
    Socket plain = new Socket(address.getHost(), address.getPort());
    plain.setSoTimeout(30_000);
    plain.setTcpNoDelay(true);
    SSLSocket socket =
        (SSLSocket)
            trust
                .getSocketFactory()
                .createSocket(plain, address.getHost(), address.getPort(), true);
    socket.startHandshake();
    return socket;
  }

  X509Certificate servedCertificate() throws IOException {
    try (SSLSocket socket = connect()) {
      return (X509Certificate) socket.getSession().getPeerCertificates()[0];
    }
  }

  /** Everything that the program wrote to its standard error. */
  public String log() throws IOException {
    return Files.readString(log);
  }

  /** Ends it as a crash does. */
  public void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** SIGTERM. */
  void terminate() {
    process.destroy();
  }

  boolean endsWithin(long seconds) throws InterruptedException {
    return process.waitFor(seconds, TimeUnit.SECONDS);
  }

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(10, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }

  /** A context for clients that trust the authorities in a PEM file, and no others. */
  public static SSLContext trusting(Path ca) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (var pem = Files.newInputStream(ca)) {
      int i = 0;
      for (var certificate : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
        store.setCertificateEntry("ca-" + i++, certificate);
      }
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }
}
