package io.github.secretscontroller.admission.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
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

  /** The runnable jar. */
  protected abstract Path jar();

  @BeforeAll
  void start(@TempDir Path workspace) throws Exception {
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
