package io.github.secretscontroller.admission.testkit;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A webhook program as a process of its own, and a client that trusts its certificate. */
public final class WebhookProcess implements AutoCloseable {

  private static final String LISTENING = "listening on ";

  private final Process process;
  private final Path log;
  private final Path ca;
  private final URI address;
  private final HttpClient client;

  private WebhookProcess(Process process, Path log, Path ca, URI address, HttpClient client) {
    this.process = process;
    this.log = log;
    this.ca = ca;
    this.address = address;
    this.client = client;
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
    Path ca = workspace.resolve("ca.pem");
    Path log = workspace.resolve("stderr.log");
    ProcessBuilder builder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-jar",
                jar.toString())
            .redirectError(log.toFile());
    builder.environment().put("WEBHOOK_HOST", "127.0.0.1");
    builder.environment().put("WEBHOOK_PORT", "0");
    builder.environment().put("WEBHOOK_CA_OUT", ca.toString());
    builder.environment().putAll(environment);
    Process process = builder.start();
    BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
    String line = output.readLine();
    while (line != null && !line.startsWith(LISTENING)) {
      line = output.readLine();
    }
    if (line == null) {
      throw new IOException("the webhook stopped before it served:\n" + Files.readString(log));
    }
    HttpClient client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .sslContext(trusting(ca))
            .build();
    return new WebhookProcess(
        process, log, ca, URI.create(line.substring(LISTENING.length())), client);
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
    return send(
        HttpRequest.newBuilder(address.resolve(path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build());
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

  @Override
  public void close() throws InterruptedException {
    process.destroy();
    if (!process.waitFor(10, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
  }

  private HttpResponse<String> send(HttpRequest request) throws Exception {
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  private static SSLContext trusting(Path ca) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (InputStream pem = Files.newInputStream(ca)) {
      store.setCertificateEntry(
          "ca", CertificateFactory.getInstance("X.509").generateCertificate(pem));
    }
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }
}
