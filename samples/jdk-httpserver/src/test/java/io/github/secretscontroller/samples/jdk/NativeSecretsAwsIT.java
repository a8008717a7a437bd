package io.github.secretscontroller.samples.jdk;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The webhook program with Secrets Manager behind it, at the endpoint that {@code AWS_ENDPOINT_URL}
 * names; without one it is skipped, or fails if {@code AWS_TESTS_REQUIRED} is {@code true}.
 */
@DisplayName("With Secrets Manager, a native Secret")
class NativeSecretsAwsIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TARGET = "X-Amz-Target";

  private final String cluster = "it-" + UUID.randomUUID();
  private final AtomicReference<String> killAfter = new AtomicReference<>("");
  private HttpServer proxy;
  private WebhookProcess webhook;

  @TempDir Path workspace;

  /** Stands between webhook and endpoint, and can let the webhook crash before it has an answer. */
  @BeforeEach
  void proxy() throws IOException {
    String endpoint = System.getenv("AWS_ENDPOINT_URL");
    if (endpoint == null && Boolean.parseBoolean(System.getenv("AWS_TESTS_REQUIRED"))) {
      throw new IllegalStateException("AWS_ENDPOINT_URL isn't set, and AWS_TESTS_REQUIRED is true");
    }
    Assumptions.assumeTrue(endpoint != null, "AWS_ENDPOINT_URL isn't set");
    HttpClient client = HttpClient.newHttpClient();
    proxy = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    proxy.createContext("/", exchange -> pass(exchange, client, URI.create(endpoint)));
    proxy.start();
  }

  @AfterEach
  void stop() throws Exception {
    if (webhook != null) {
      webhook.close();
    }
    if (proxy != null) {
      proxy.stop(0);
    }
  }

  private void pass(HttpExchange exchange, HttpClient client, URI endpoint) throws IOException {
    try (exchange) {
      String target = exchange.getRequestHeaders().getFirst(TARGET);
      HttpResponse<byte[]> answer =
          client.send(
              request(endpoint, target, exchange.getRequestBody().readAllBytes()),
              HttpResponse.BodyHandlers.ofByteArray());
      if (target.endsWith("." + killAfter.get())) {
        killAfter.set("");
        webhook.kill();
        return;
      }
      exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
      exchange.sendResponseHeaders(answer.statusCode(), answer.body().length);
      exchange.getResponseBody().write(answer.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static HttpRequest request(URI endpoint, String target, byte[] body) {
    return HttpRequest.newBuilder(endpoint)
        .header(TARGET, target)
        .header("Content-Type", "application/x-amz-json-1.1")
        // An emulator wants to know the region, and believes any signature.
        .header(
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/secretsmanager/aws4_request,"
                + " SignedHeaders=host, Signature=00")
        .POST(HttpRequest.BodyPublishers.ofByteArray(body))
        .build();
  }

  private JsonNode aws(String operation, ObjectNode input) throws Exception {
    HttpResponse<byte[]> answer =
        HttpClient.newHttpClient()
            .send(
                request(
                    URI.create(System.getenv("AWS_ENDPOINT_URL")),
                    "secretsmanager." + operation,
                    JSON.writeValueAsBytes(input)),
                HttpResponse.BodyHandlers.ofByteArray());
    return JSON.readTree(answer.body());
  }

  private void start() throws Exception {
    Map<String, String> environment = new HashMap<>();
    environment.put("WEBHOOK_SECRETS_BACKEND", "secretsmanager");
    environment.put("WEBHOOK_CLUSTER", cluster);
    environment.put("AWS_ENDPOINT_URL", "http://127.0.0.1:" + proxy.getAddress().getPort());
    environment.put("AWS_REGION", "us-east-1");
    environment.put("AWS_ACCESS_KEY_ID", "test");
    environment.put("AWS_SECRET_ACCESS_KEY", "test");
    webhook =
        WebhookProcess.start(
            Path.of(System.getProperty("webhook.jar")),
            Files.createTempDirectory(workspace, "webhook"),
            environment);
  }

  private static ObjectNode secret(String password) {
    ObjectNode secret = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Secret");
    ObjectNode metadata = secret.putObject("metadata").put("name", "db").put("namespace", "shop");
    metadata.putObject("labels").put("secrets.k8s.aws/native", "enabled");
    secret.putObject("data").put("password", password.getBytes(UTF_8));
    return secret;
  }

  private HttpResponse<String> send(ObjectNode object, JsonNode old) throws Exception {
    ObjectNode review =
        JSON.createObjectNode()
            .put("kind", "AdmissionReview")
            .put("apiVersion", "admission.k8s.io/v1");
    ObjectNode request = review.putObject("request").put("uid", "7d0c");
    request.putObject("resource").put("group", "").put("version", "v1").put("resource", "secrets");
    request.put("operation", old == null ? "CREATE" : "UPDATE");
    request.put("name", "db").put("namespace", "shop").put("dryRun", false);
    request.set("object", object);
    request.set("oldObject", old);
    return webhook.post("/mutate-secrets", JSON.writeValueAsBytes(review));
  }

  /** What is stored of a Secret whose values were replaced. */
  private static ObjectNode admitted(HttpResponse<String> answer, ObjectNode sent)
      throws Exception {
    JsonNode response = JSON.readTree(answer.body()).get("response");
    assertThat(response.get("allowed").booleanValue()).as(answer.body()).isTrue();
    ObjectNode stored = sent.deepCopy();
    for (JsonNode operation :
        JSON.readTree(Base64.getDecoder().decode(response.path("patch").asText("W10=")))) {
      String path = operation.get("path").textValue();
      int slash = path.lastIndexOf('/');
      ((ObjectNode) stored.at(path.substring(0, slash)))
          .set(
              path.substring(slash + 1).replace("~1", "/").replace("~0", "~"),
              operation.get("value"));
    }
    return stored;
  }

  private List<JsonNode> secrets() throws Exception {
    ObjectNode filter = JSON.createObjectNode();
    filter.putArray("Filters").addObject().put("Key", "tag-value").putArray("Values").add(cluster);
    return aws("ListSecrets", filter).get("SecretList").valueStream().toList();
  }

  private List<JsonNode> versions() throws Exception {
    ObjectNode input =
        JSON.createObjectNode()
            .put("SecretId", cluster + "/shop/db/k8s")
            .put("IncludeDeprecated", true);
    return aws("ListSecretVersionIds", input).get("Versions").valueStream().toList();
  }

  @Test
  @DisplayName("is one secret with one version when the webhook crashed between write and answer")
  void crash() throws Exception {
    start();
    killAfter.set("CreateSecret");
    assertThatThrownBy(() -> send(secret("canary-1"), null)).isInstanceOf(IOException.class);
    assertThat(secrets()).hasSize(1);
    start();
    ObjectNode first = admitted(send(secret("canary-1"), null), secret("canary-1"));
    assertThat(secrets()).hasSize(1);
    assertThat(versions()).hasSize(1);

    killAfter.set("PutSecretValue");
    assertThatThrownBy(() -> send(secret("canary-2"), first)).isInstanceOf(IOException.class);
    assertThat(versions()).hasSize(2);
    start();
    ObjectNode second = admitted(send(secret("canary-2"), first), secret("canary-2"));
    assertThat(versions()).hasSize(2);
    assertThat(second.get("data")).isNotEqualTo(first.get("data"));
    assertThat(second.toString())
        .doesNotContain("canary", Base64.getEncoder().encodeToString("canary-2".getBytes(UTF_8)));
    assertThat(webhook.log()).doesNotContain("canary");

    // AWSCURRENT stays with the first until the second is seen stored.
    ObjectNode current = JSON.createObjectNode().put("SecretId", cluster + "/shop/db/k8s");
    assertThat(aws("GetSecretValue", current).get("SecretString").textValue())
        .isEqualTo("{\"password\":\"canary-1\"}");
  }
}
