package io.github.secretscontroller.samples.jdk;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The webhook program with Secrets Manager behind it, at the endpoint that {@code AWS_ENDPOINT_URL}
 * names; without one it is skipped, or fails if {@code AWS_TESTS_REQUIRED} is {@code true}.
 */
@DisplayName("With Secrets Manager, a native Secret")
class NativeSecretsAwsIT {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final String cluster = "it-" + UUID.randomUUID();
  private AwsProxy aws;
  private WebhookProcess webhook;

  @TempDir Path workspace;

  @BeforeEach
  void proxy() throws IOException {
    aws = AwsProxy.start();
  }

  @AfterEach
  void stop() throws Exception {
    if (webhook != null) {
      webhook.close();
    }
    if (aws != null) {
      aws.close();
    }
  }

  private void start(String layout) throws Exception {
    Map<String, String> environment = new HashMap<>(aws.variables());
    environment.put("WEBHOOK_SECRETS_BACKEND", "secretsmanager");
    environment.put("WEBHOOK_CLUSTER", cluster);
    environment.put(
        "WEBHOOK_CONFIG",
        Files.writeString(
                workspace.resolve("webhook.yaml"), "nativeSecrets: {layout: " + layout + "}\n")
            .toString());
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
    return aws.call("secretsmanager.ListSecrets", filter).get("SecretList").valueStream().toList();
  }

  private List<JsonNode> versions(String suffix) throws Exception {
    ObjectNode input =
        JSON.createObjectNode()
            .put("SecretId", cluster + "/shop/db" + suffix)
            .put("IncludeDeprecated", true);
    return aws.call("secretsmanager.ListSecretVersionIds", input)
        .get("Versions")
        .valueStream()
        .toList();
  }

  @Test
  @DisplayName("is one secret with one version when the webhook crashed between write and answer")
  void crash() throws Exception {
    start("secret");
    aws.crashAfter("secretsmanager.CreateSecret", webhook::kill);
    assertThatThrownBy(() -> send(secret("canary-1"), null)).isInstanceOf(IOException.class);
    assertThat(secrets()).hasSize(1);
    start("secret");
    ObjectNode first = admitted(send(secret("canary-1"), null), secret("canary-1"));
    assertThat(secrets()).hasSize(1);
    assertThat(versions("/k8s")).hasSize(1);

    aws.crashAfter("secretsmanager.PutSecretValue", webhook::kill);
    assertThatThrownBy(() -> send(secret("canary-2"), first)).isInstanceOf(IOException.class);
    assertThat(versions("/k8s")).hasSize(2);
    start("secret");
    ObjectNode second = admitted(send(secret("canary-2"), first), secret("canary-2"));
    assertThat(versions("/k8s")).hasSize(2);
    assertThat(second.get("data")).isNotEqualTo(first.get("data"));
    assertThat(second.toString())
        .doesNotContain("canary", Base64.getEncoder().encodeToString("canary-2".getBytes(UTF_8)));
    assertThat(webhook.log()).doesNotContain("canary");

    // AWSCURRENT stays with the first until the second is seen stored.
    ObjectNode current = JSON.createObjectNode().put("SecretId", cluster + "/shop/db/k8s");
    assertThat(aws.call("secretsmanager.GetSecretValue", current).get("SecretString").textValue())
        .isEqualTo("{\"password\":\"canary-1\"}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          secret | its keys make a document of 1398149 bytes, more than the 65536 that the backend secretsmanager takes for one secret; the largest is key blob with 1048576 bytes; make it smaller, split the Secret, or let the operator set layout: key
          key | its key blob has 1048576 bytes, more than the 65536 that the backend secretsmanager takes for one secret; make it smaller, or split it
          """)
  @DisplayName("of 1 MiB is refused, with the key and its size, and nothing of it is written")
  void tooLarge(String layout, String reason) throws Exception {
    start(layout);
    ObjectNode large = secret("canary-1");
    byte[] blob = new byte[1024 * 1024];
    Arrays.fill(blob, (byte) 0xfe);
    ((ObjectNode) large.get("data")).put("blob", blob);
    HttpResponse<String> answer = send(large, null);
    JsonNode response = JSON.readTree(answer.body()).get("response");
    assertThat(response.get("allowed").booleanValue()).isFalse();
    assertThat(response.at("/status/message").textValue())
        .isEqualTo("Secret shop/db was not stored: " + reason);
    assertThat(secrets()).isEmpty();

    // Nor is anything of an update that is too large.
    ObjectNode first = admitted(send(secret("canary-1"), null), secret("canary-1"));
    int secrets = secrets().size();
    assertThat(JSON.readTree(send(large, first).body()).at("/response/allowed").booleanValue())
        .isFalse();
    assertThat(secrets()).hasSize(secrets);
    assertThat(versions(layout.equals("key") ? "/password/k8s" : "/k8s")).hasSize(1);
  }

  @Test
  @DisplayName("is refused where somebody else has a secret of its name, which stays as it is")
  void foreign() throws Exception {
    start("secret");
    ObjectNode theirs =
        JSON.createObjectNode()
            .put("Name", cluster + "/shop/db/k8s")
            .put("ClientRequestToken", UUID.randomUUID().toString())
            .put("SecretString", "theirs");
    aws.call("secretsmanager.CreateSecret", theirs);
    JsonNode response = JSON.readTree(send(secret("canary-1"), null).body()).get("response");
    assertThat(response.get("allowed").booleanValue()).isFalse();
    assertThat(response.at("/status/message").textValue())
        .startsWith("Secret shop/db was not stored: ")
        .contains(cluster + "/shop/db/k8s", "nobody that its tags name");
    assertThat(versions("/k8s")).hasSize(1);
    assertThat(secrets()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"secret", "key"})
  @DisplayName("with an empty value is stored as one document, and refused where each key is one")
  void emptyValue(String layout) throws Exception {
    start(layout);
    ObjectNode secret = secret("");
    // Nothing of the keys before it is left behind.
    ((ObjectNode) secret.get("data")).put("account", "canary-1".getBytes(UTF_8));
    JsonNode response = JSON.readTree(send(secret, null).body()).get("response");
    assertThat(response.get("allowed").booleanValue()).isEqualTo(layout.equals("secret"));
    if (layout.equals("key")) {
      assertThat(response.at("/status/message").textValue())
          .isEqualTo(
              "Secret shop/db was not stored: its key password has 0 bytes, fewer than the 1 that"
                  + " the backend secretsmanager takes for one secret; give it a value, or remove"
                  + " it");
      assertThat(secrets()).isEmpty();
    }
  }
}
