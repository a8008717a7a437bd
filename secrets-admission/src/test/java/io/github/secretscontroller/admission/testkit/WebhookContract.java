package io.github.secretscontroller.admission.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.ServingCertificate;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every program that hosts the webhook does, seen from outside: a separate process, real TLS.
 * Configured by its environment only ({@code WEBHOOK_HOST}, {@code WEBHOOK_PORT}, {@code
 * WEBHOOK_CA_OUT}, {@code WEBHOOK_FETCHER_IMAGE}), it prints {@code listening on
 * https://HOST:PORT}.
 */
@DisplayName("A webhook program")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class WebhookContract {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-password-hlRvvF";

  private WebhookProcess webhook;

  private Path workspace;

  /** The runnable jar. */
  protected abstract Path jar();

  /** Whether the server speaks HTTP/2 besides HTTP/1.1. */
  protected boolean speaksHttp2() {
    return false;
  }

  @BeforeAll
  void start(@TempDir Path workspace) throws Exception {
    this.workspace = workspace;
    webhook =
        WebhookProcess.start(
            jar(), workspace, Map.of("WEBHOOK_FETCHER_IMAGE", "example/fetcher:1"));
  }

  @AfterAll
  void stop() throws Exception {
    webhook.close();
  }

  @Test
  @DisplayName("is alive and ready")
  void health() throws Exception {
    assertThat(webhook.get("/healthz").statusCode()).isEqualTo(200);
    assertThat(webhook.get("/readyz").statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/mutate-pods", "/mutating-pods"})
  @DisplayName("injects the fetcher with the operator's image, on the new path and on the old one")
  void injects(String path) throws Exception {
    JsonNode response = review(path, podReview("secret-arn", ARN));
    assertThat(response.at("/response/allowed").asBoolean()).isTrue();
    String patch =
        new String(
            Base64.getDecoder().decode(response.at("/response/patch").asText()),
            StandardCharsets.UTF_8);
    assertThat(patch).contains("secrets-init-container", "secret-vol", "example/fetcher:1");
    assertThat(response.at("/response/uid").asText()).isEqualTo("the-uid");
  }

  @Test
  @DisplayName("leaves a pod without annotations alone")
  void unannotated() throws Exception {
    JsonNode response = review("/mutate-pods", podReview("unrelated.example.com/x", "y"));
    assertThat(response.at("/response/allowed").asBoolean()).isTrue();
    assertThat(response.at("/response").has("patch")).isFalse();
  }

  @Nested
  @DisplayName("speaks HTTP")
  class Http {

    @Test
    @DisplayName("1.1, and 2 where its server has it")
    void versions() throws Exception {
      HttpClient.Version best =
          speaksHttp2() ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1;
      assertThat(versionUsed(HttpClient.Version.HTTP_1_1)).isEqualTo(HttpClient.Version.HTTP_1_1);
      assertThat(versionUsed(HttpClient.Version.HTTP_2)).isEqualTo(best);
    }

    @Test
    @DisplayName("on one connection for many requests")
    void keepAlive() throws Exception {
      byte[] body = JSON.writeValueAsBytes(podReview("secret-arn", ARN));
      try (SSLSocket connection = webhook.connect()) {
        for (int request = 0; request < 3; request++) {
          answers(connection, body);
        }
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    @DisplayName("with 200 reviews at once")
    void concurrent(String version) throws Exception {
      HttpClient client =
          webhook.client(
              version.equals("1") ? HttpClient.Version.HTTP_1_1 : HttpClient.Version.HTTP_2);
      byte[] body = JSON.writeValueAsBytes(podReview("secret-arn", ARN));
      List<CompletableFuture<HttpResponse<String>>> answers =
          IntStream.range(0, 200)
              .mapToObj(i -> webhook.postAsync(client, "/mutate-pods", body))
              .toList();
      for (CompletableFuture<HttpResponse<String>> answer : answers) {
        assertThat(answer.get(60, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
        assertThat(JSON.readTree(answer.get().body()).at("/response/patch").asText()).isNotEmpty();
      }
    }

    @Test
    @DisplayName("on 250 connections that were idle meanwhile")
    void manyIdle() throws Exception {
      byte[] body = JSON.writeValueAsBytes(podReview("secret-arn", ARN));
      List<SSLSocket> connections = new ArrayList<>();
      try {
        for (int i = 0; i < 250; i++) {
          connections.add(webhook.connect());
          answers(connections.get(i), body);
        }
        for (SSLSocket connection : connections) {
          answers(connection, body);
        }
      } finally {
        for (SSLSocket connection : connections) {
          connection.close();
        }
      }
    }

    @Test
    @DisplayName("with others while slow clients take their time")
    void slowClients() throws Exception {
      List<SSLSocket> slow = new ArrayList<>();
      try {
        for (int i = 0; i < 100; i++) {
          SSLSocket connection = webhook.connect();
          slow.add(connection);
          connection.getOutputStream().write(head("POST", 5000));
          connection.getOutputStream().write('{');
          connection.getOutputStream().flush();
        }
        for (int i = 0; i < 10; i++) {
          injects("/mutate-pods");
        }
        assertAlive();
      } finally {
        for (SSLSocket connection : slow) {
          connection.close();
        }
      }
    }

    @Test
    @DisplayName("with others while 300 clients have connected and say nothing")
    void silentClients() throws Exception {
      List<SSLSocket> silent = new ArrayList<>();
      try {
        for (int i = 0; i < 300; i++) {
          silent.add(webhook.connect());
        }
        for (int i = 0; i < 10; i++) {
          injects("/mutate-pods");
        }
        assertAlive();
        // They were not forgotten.
        answers(silent.get(0), JSON.writeValueAsBytes(podReview("secret-arn", ARN)));
      } finally {
        for (SSLSocket connection : silent) {
          connection.close();
        }
      }
    }

    private void answers(SSLSocket connection, byte[] body) throws Exception {
      connection.getOutputStream().write(head("POST", body.length));
      connection.getOutputStream().write(body);
      connection.getOutputStream().flush();
      assertThat(answer(connection.getInputStream())).startsWith("HTTP/1.1 200");
    }

    private HttpClient.Version versionUsed(HttpClient.Version wanted) throws Exception {
      byte[] body = JSON.writeValueAsBytes(podReview("secret-arn", ARN));
      HttpResponse<String> answer =
          webhook
              .postAsync(webhook.client(wanted), "/mutate-pods?timeout=10s", body)
              .get(30, TimeUnit.SECONDS);
      assertThat(answer.statusCode()).isEqualTo(200);
      return answer.version();
    }
  }

  @Test
  @DisplayName("shows its metrics as a Prometheus page")
  void metrics() throws Exception {
    injects("/mutate-pods");
    HttpResponse<String> page = webhook.get("/metrics");
    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.headers().firstValue("Content-Type").orElse("")).startsWith("text/plain");
    assertThat(page.body())
        .containsPattern("secrets_admission_requests_total\\{[^}]*outcome=\"patched\"[^}]*} [1-9]")
        .containsPattern("secrets_admission_latency_seconds_count\\{outcome=\"patched\"} [1-9]")
        .containsPattern("secrets_admission_certificate_expiry_seconds [1-9]")
        .contains("secrets_admission_certificate_problem 0.0");
  }

  @Nested
  @DisplayName("asked to keep a native Secret out of etcd")
  class NativeSecrets {

    @Test
    @DisplayName("stores its values in the backend, and answers with references only")
    void references() throws Exception {
      Path backend = workspace.resolve("native");
      try (WebhookProcess storing =
          started(Map.of("WEBHOOK_SECRETS_BACKEND", "directory:" + backend))) {
        HttpResponse<String> answer =
            storing.post("/mutate-secrets", JSON.writeValueAsBytes(secretReview("CREATE")));
        assertThat(answer.statusCode()).isEqualTo(200);
        JsonNode response = JSON.readTree(answer.body()).get("response");
        assertThat(response.path("allowed").asBoolean()).as("%s", response).isTrue();
        String patch = decoded(response.path("patch").asText());
        assertThat(decoded(valueOf(JSON.readTree(patch), "/data/password")))
            .startsWith("kubernetes/shop/db/k8s?version=")
            .endsWith("#password");
        assertThat(answer.body() + patch + storing.log())
            .doesNotContain("canary-7f31b2", encoded("canary-7f31b2"));
        assertThat(backend.resolve("kubernetes/shop/db/k8s"))
            .content()
            .isEqualTo("{\"password\":\"canary-7f31b2\"}");
      }
    }

    @Test
    @DisplayName("writes nothing in a dry run")
    void dryRun() throws Exception {
      Path backend = workspace.resolve("dry");
      try (WebhookProcess storing =
          started(Map.of("WEBHOOK_SECRETS_BACKEND", "directory:" + backend))) {
        ObjectNode review = secretReview("CREATE");
        ((ObjectNode) review.get("request")).put("dryRun", true);
        HttpResponse<String> answer =
            storing.post("/mutate-secrets", JSON.writeValueAsBytes(review));
        assertThat(JSON.readTree(answer.body()).at("/response/allowed").asBoolean()).isTrue();
        assertThat(backend.resolve("kubernetes")).doesNotExist();
      }
    }

    @Test
    @DisplayName("asks for JSON and for POST there, too, and lives on after what is no review")
    void badInput() throws Exception {
      try (WebhookProcess storing =
          started(Map.of("WEBHOOK_SECRETS_BACKEND", "directory:" + workspace.resolve("bad")))) {
        assertThat(storing.get("/mutate-secrets").statusCode()).isEqualTo(405);
        assertThat(storing.post("/mutate-secrets", "{".getBytes(StandardCharsets.UTF_8)))
            .extracting(HttpResponse::statusCode)
            .isEqualTo(400);
        HttpRequest text =
            HttpRequest.newBuilder(storing.address().resolve("/mutate-secrets"))
                .header("Content-Type", "text/plain")
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build();
        assertThat(storing.send(text).statusCode()).isEqualTo(415);
        assertThat(storing.get("/healthz").statusCode()).isEqualTo(200);
      }
    }

    @Test
    @DisplayName("without a backend has no such path, so that no Secret is taken for stored safely")
    void noBackend() throws Exception {
      byte[] review = JSON.writeValueAsBytes(secretReview("CREATE"));
      assertThat(webhook.post("/mutate-secrets", review).statusCode()).isEqualTo(404);
    }

    @Test
    @DisplayName("doesn't start with a backend that it doesn't know")
    void unknownBackend() throws Exception {
      WebhookProcess.Refusal refusal =
          WebhookProcess.refused(jar(), workspace, Map.of("WEBHOOK_SECRETS_BACKEND", "vault"));
      assertThat(refusal.exitCode()).isEqualTo(1);
      assertThat(refusal.output().strip())
          .hasLineCount(1)
          .startsWith("WEBHOOK_SECRETS_BACKEND must be secretsmanager, kms or directory:/path");
    }

    private static String valueOf(JsonNode patch, String path) {
      return patch
          .valueStream()
          .filter(operation -> operation.path("path").asText().equals(path))
          .findFirst()
          .orElseThrow(() -> new AssertionError("nothing changes " + path + ": " + patch))
          .path("value")
          .asText();
    }

    private static String decoded(String base64) {
      return new String(Base64.getDecoder().decode(base64), StandardCharsets.UTF_8);
    }

    private static String encoded(String text) {
      return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }

    private static ObjectNode secretReview(String operation) throws IOException {
      ObjectNode review =
          (ObjectNode)
              JSON.readTree(
                  """
                  {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
                   "request": {
                    "uid": "the-uid", "namespace": "shop", "name": "db",
                    "kind": {"group": "", "version": "v1", "kind": "Secret"},
                    "resource": {"group": "", "version": "v1", "resource": "secrets"},
                    "userInfo": {"username": "tester"}, "dryRun": false, "oldObject": null,
                    "object": {
                     "kind": "Secret", "apiVersion": "v1", "type": "Opaque",
                     "metadata": {"name": "db", "namespace": "shop",
                                  "labels": {"secrets.k8s.aws/native": "enabled"}},
                     "data": {}}}}
                  """);
      ((ObjectNode) review.get("request")).put("operation", operation);
      ((ObjectNode) review.at("/request/object/data")).put("password", encoded("canary-7f31b2"));
      return review;
    }
  }

  @Nested
  @DisplayName("told to stop")
  class Drain {

    @Test
    @DisplayName("isn't ready any more, still answers for a while, and ends")
    void drains() throws Exception {
      try (WebhookProcess stopping = started(Map.of("WEBHOOK_DRAIN_SECONDS", "3"))) {
        assertThat(stopping.get("/readyz").statusCode()).isEqualTo(200);
        stopping.terminate();
        HttpResponse<String> ready = stopping.get("/readyz");
        while (ready.statusCode() == 200) {
          ready = stopping.get("/readyz");
        }
        assertThat(ready.statusCode()).isEqualTo(503);
        assertThat(ready.body()).contains("draining");
        byte[] body = JSON.writeValueAsBytes(podReview("secret-arn", ARN));
        assertThat(stopping.post("/mutate-pods", body).statusCode()).isEqualTo(200);
        assertThat(stopping.get("/healthz").statusCode()).isEqualTo(200);
        assertThat(stopping.endsWithin(30)).isTrue();
      }
    }

    @Test
    @DisplayName("finishes a review that has begun")
    void finishes() throws Exception {
      byte[] body = JSON.writeValueAsBytes(podReview("secret-arn", ARN));
      try (WebhookProcess stopping = started(Map.of("WEBHOOK_DRAIN_SECONDS", "3"));
          SSLSocket connection = stopping.connect()) {
        connection.getOutputStream().write(head("POST", body.length));
        connection.getOutputStream().write(body, 0, 10);
        connection.getOutputStream().flush();
        stopping.terminate();
        while (stopping.get("/readyz").statusCode() == 200) {
          assertThat(stopping.isAlive()).isTrue();
        }
        connection.getOutputStream().write(body, 10, body.length - 10);
        connection.getOutputStream().flush();
        assertThat(answer(connection.getInputStream())).startsWith("HTTP/1.1 200");
      }
    }
  }

  @Nested
  @DisplayName("serves with the certificate in its files")
  class Certificates {

    @Test
    @DisplayName("and with the next one as soon as it finds it there, without a restart")
    void reload() throws Exception {
      ServingCertificate first = certificate();
      ServingCertificate second = certificate();
      write(first);
      Path trusted = workspace.resolve("both.pem");
      Files.writeString(trusted, first.caPem() + second.caPem());
      Map<String, String> files = new HashMap<>(files());
      files.put("TEST_CA", trusted.toString());
      try (WebhookProcess reloading = started(files)) {
        String served = reloading.servedCertificate().getSerialNumber().toString();
        write(second);
        String now = served;
        while (now.equals(served)) {
          now = reloading.servedCertificate().getSerialNumber().toString();
          assertThat(reloading.get("/healthz").statusCode()).isEqualTo(200);
        }
        // The log follows a moment later.
        while (!reloading.log().contains("tls.certificate.swapped")) {
          assertThat(reloading.isAlive()).isTrue();
        }
      }
    }

    @Test
    @DisplayName("and lets only clients of the API server's authority post reviews, if asked to")
    void clients() throws Exception {
      Path authority = workspace.resolve("client-ca.pem");
      Files.writeString(authority, certificate().caPem());
      try (WebhookProcess strict = started(Map.of("WEBHOOK_CLIENT_CA", authority.toString()))) {
        byte[] body = JSON.writeValueAsBytes(podReview("secret-arn", ARN));
        assertThat(strict.post("/mutate-pods", body).statusCode()).isEqualTo(403);
        assertThat(strict.get("/healthz").statusCode()).isEqualTo(200);
        assertThat(strict.get("/metrics").statusCode()).isEqualTo(200);
      }
    }

    private ServingCertificate certificate() {
      return ServingCertificate.selfSigned(Set.of("localhost", "127.0.0.1"), Clock.systemUTC());
    }
  }

  @Nested
  @DisplayName("doesn't start, and says why in one sentence,")
  class Refusals {

    @Test
    @DisplayName("when its port is in use")
    void port() throws Exception {
      String taken = Integer.toString(webhook.address().getPort());
      assertThat(refusal(Map.of("WEBHOOK_PORT", taken)))
          .startsWith("port " + taken + " of 127.0.0.1 can't be listened on");
    }

    @Test
    @DisplayName("when the port is no number")
    void noNumber() throws Exception {
      assertThat(refusal(Map.of("WEBHOOK_PORT", "https")))
          .isEqualTo("WEBHOOK_PORT must be a number from 0 to 65535, not \"https\"");
    }

    @Test
    @DisplayName("when its configuration has an unknown option")
    void unknownOption() throws Exception {
      Path file = workspace.resolve("config.yaml");
      Files.writeString(file, "fetcherImage: example/fetcher:1\nfetcherImgae: typo\n");
      assertThat(refusal(Map.of("WEBHOOK_CONFIG", file.toString())))
          .startsWith(file + ": ")
          .contains("fetcherImgae");
    }

    @Test
    @DisplayName("when certificate and key don't match")
    void mismatch() throws Exception {
      write(ServingCertificate.selfSigned(Set.of("localhost"), Clock.systemUTC()));
      Files.write(
          workspace.resolve("tls.key"),
          ServingCertificate.selfSigned(Set.of("localhost"), Clock.systemUTC())
              .revealPrivateKeyPem());
      assertThat(refusal(files())).contains("tls.key doesn't belong to the first certificate in");
    }

    private String refusal(Map<String, String> environment) throws Exception {
      WebhookProcess.Refusal refusal = WebhookProcess.refused(jar(), workspace, environment);
      assertThat(refusal.exitCode()).isEqualTo(1);
      assertThat(refusal.output().strip()).hasLineCount(1);
      return refusal.output().strip();
    }
  }

  @Nested
  @DisplayName("answers bad input and lives on")
  class BadInput {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "secret-arn      | not an arn!   | not an arn!",
          "mount-path      | relative/path | relative/path",
          "secret-filename | ../../etc/x   | ../../etc/x",
        })
    @DisplayName("in an annotation, with pod, annotation and value in the refusal")
    void annotation(String annotation, String value, String shown) throws Exception {
      ObjectNode review = podReview("secret-arn", ARN);
      ((ObjectNode) review.at("/request/object/metadata/annotations"))
          .put("secrets.k8s.aws/" + annotation, value);
      JsonNode response = review("/mutate-pods", review);
      assertThat(response.at("/response/allowed").asBoolean()).isFalse();
      assertThat(response.at("/response/status/message").asText())
          .contains("default/web", "secrets.k8s.aws/" + annotation, shown);
      assertAlive();
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "{",
          "not json",
          "[]",
          "{\"kind\":\"Pod\",\"apiVersion\":\"v1\"}",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v2\",\"request\":{\"uid\":\"x\"}}"
        })
    @DisplayName("that is no AdmissionReview, with HTTP 400 and a reason")
    void noReview(String body) throws Exception {
      HttpResponse<String> response =
          webhook.post("/mutate-pods", body.getBytes(StandardCharsets.UTF_8));
      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(response.body()).isNotBlank();
      assertAlive();
    }

    @Test
    @DisplayName("that is too long, with HTTP 413")
    void tooLong() throws Exception {
      assertThat(webhook.post("/mutate-pods", new byte[5 * 1024 * 1024]).statusCode())
          .isEqualTo(413);
      assertAlive();
    }

    @Test
    @DisplayName("that is too long and of untold length, with HTTP 413")
    void tooLongInChunks() throws Exception {
      HttpRequest request =
          HttpRequest.newBuilder(webhook.address().resolve("/mutate-pods"))
              .header("Content-Type", "application/json")
              .POST(
                  HttpRequest.BodyPublishers.ofInputStream(
                      () -> new ByteArrayInputStream(new byte[5 * 1024 * 1024])))
              .build();
      assertThat(webhook.send(request).statusCode()).isEqualTo(413);
      assertAlive();
    }

    @ParameterizedTest
    @ValueSource(strings = {"text/plain", "application/x-www-form-urlencoded", ""})
    @DisplayName("of another content type, with HTTP 415")
    void contentType(String type) throws Exception {
      HttpRequest.Builder request =
          HttpRequest.newBuilder(webhook.address().resolve("/mutate-pods"))
              .POST(
                  HttpRequest.BodyPublishers.ofByteArray(
                      JSON.writeValueAsBytes(podReview("secret-arn", ARN))));
      if (!type.isEmpty()) {
        request.header("Content-Type", type);
      }
      assertThat(webhook.send(request.build()).statusCode()).isEqualTo(415);
      assertAlive();
    }

    @Test
    @DisplayName("by another method, with HTTP 405")
    void method() throws Exception {
      assertThat(webhook.get("/mutate-pods").statusCode()).isEqualTo(405);
    }
  }

  @Test
  @DisplayName("logs nothing of a pod's environment")
  void canary() throws Exception {
    ObjectNode review = podReview("secret-arn", ARN);
    ObjectNode container = (ObjectNode) review.at("/request/object/spec/containers/0");
    container.putArray("env").addObject().put("name", "TOKEN").put("value", "canary-52aa0e");
    review("/mutate-pods", review);
    assertThat(webhook.log()).doesNotContain("canary-52aa0e");
  }

  private WebhookProcess started(Map<String, String> environment) throws Exception {
    return WebhookProcess.start(jar(), workspace, environment);
  }

  private Map<String, String> files() {
    return Map.of(
        "WEBHOOK_TLS_CERT", workspace.resolve("tls.crt").toString(),
        "WEBHOOK_TLS_KEY", workspace.resolve("tls.key").toString());
  }

  private void write(ServingCertificate certificate) throws IOException {
    Files.writeString(workspace.resolve("tls.crt"), certificate.chainPem());
    Files.write(workspace.resolve("tls.key"), certificate.revealPrivateKeyPem());
  }

  private static byte[] head(String method, int length) {
    return (method
            + " /mutate-pods HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: "
            + length
            + "\r\n\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** The head of an answer; its body is read, too. */
  private static String answer(InputStream in) throws IOException {
    StringBuilder head = new StringBuilder();
    while (head.indexOf("\r\n\r\n") < 0) {
      int next = in.read();
      if (next < 0) {
        throw new IOException("the connection ended after: " + head);
      }
      head.append((char) next);
    }
    Matcher length =
        Pattern.compile("content-length: (\\d+)", Pattern.CASE_INSENSITIVE).matcher(head);
    assertThat(length.find()).as("%s", head).isTrue();
    in.readNBytes(Integer.parseInt(length.group(1)));
    return head.toString();
  }

  private void assertAlive() throws Exception {
    assertThat(webhook.isAlive()).isTrue();
    assertThat(webhook.get("/healthz").statusCode()).isEqualTo(200);
  }

  private JsonNode review(String path, JsonNode body) throws Exception {
    HttpResponse<String> response = webhook.post(path, JSON.writeValueAsBytes(body));
    assertThat(response.statusCode()).isEqualTo(200);
    return JSON.readTree(response.body());
  }

  private static ObjectNode podReview(String annotation, String value) throws IOException {
    ObjectNode review =
        (ObjectNode)
            JSON.readTree(
                """
                {"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
                 "request": {
                  "uid": "the-uid", "operation": "CREATE", "namespace": "default", "name": "web",
                  "kind": {"group": "", "version": "v1", "kind": "Pod"},
                  "resource": {"group": "", "version": "v1", "resource": "pods"},
                  "userInfo": {"username": "tester"}, "dryRun": false, "oldObject": null,
                  "object": {
                   "kind": "Pod", "apiVersion": "v1",
                   "metadata": {"name": "web", "namespace": "default", "annotations": {}},
                   "spec": {"containers": [{"name": "web", "image": "example/web:1"}]}}}}
                """);
    String key = annotation.contains("/") ? annotation : "secrets.k8s.aws/" + annotation;
    ((ObjectNode) review.at("/request/object/metadata/annotations")).put(key, value);
    return review;
  }
}
