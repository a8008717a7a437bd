package io.github.secretscontroller.samples.quickstart;

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
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The sample webhook as a process of its own, called over TLS as the API server calls it. */
final class Webhook implements AutoCloseable {

  private static final String LISTENING = "listening on ";

  private final Process process;
  private final URI address;
  private final HttpClient client;

  private Webhook(Process process, URI address, HttpClient client) {
    this.process = process;
    this.address = address;
    this.client = client;
  }

  /** Starts it on a free loopback port, with a certificate made on the spot. */
  static Webhook start(Path jar, Path config, Path workspace)
      throws IOException, GeneralSecurityException {
    return start(jar, config, workspace, Map.of());
  }

  /** The same with more variables. */
  static Webhook start(Path jar, Path config, Path workspace, Map<String, String> variables)
      throws IOException, GeneralSecurityException {
    Path ca = workspace.resolve("ca.pem");
    ProcessBuilder builder =
        new ProcessBuilder(Java.command(), "-jar", jar.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT);
    builder
        .environment()
        .putAll(
            Map.of(
                "WEBHOOK_HOST",
                "127.0.0.1",
                "WEBHOOK_PORT",
                "0",
                "WEBHOOK_CA_OUT",
                ca.toString(),
                "WEBHOOK_CONFIG",
                config.toString()));
    builder.environment().putAll(variables);
    Process process = builder.start();
    try {
      BufferedReader output = process.inputReader(StandardCharsets.UTF_8);
      String line = output.readLine();
      while (line != null && !line.startsWith(LISTENING)) {
        line = output.readLine();
      }
      if (line == null) {
        throw new IOException("the webhook stopped before it served; see its message above");
      }
      URI address = URI.create(line.substring(LISTENING.length()));
      HttpClient client =
          HttpClient.newBuilder()
              .version(HttpClient.Version.HTTP_1_1)
              .sslContext(trusting(ca))
              .build();
      return new Webhook(process, address, client);
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      process.destroy();
      throw e;
    }
  }

  URI address() {
    return address;
  }

  /** Posts an AdmissionReview, and returns the one that comes back. */
  byte[] review(byte[] admissionReview) throws IOException, InterruptedException {
    HttpResponse<byte[]> response =
        client.send(
            HttpRequest.newBuilder(address.resolve("/mutate-pods?timeout=10s"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofByteArray(admissionReview))
                .build(),
            HttpResponse.BodyHandlers.ofByteArray());
    if (response.statusCode() != 200) {
      throw new IOException(
          "the webhook answered HTTP "
              + response.statusCode()
              + ": "
              + new String(response.body(), StandardCharsets.UTF_8));
    }
    return response.body();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }

  private static SSLContext trusting(Path ca) throws IOException, GeneralSecurityException {
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
