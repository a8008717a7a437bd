package io.github.secretscontroller.samples.quickstart;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole round trip with both programs; only what kubelet does is done by the test. */
@DisplayName("A native Secret")
class NativeSecretsIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final byte[] PASSWORD = "canary-5b1e \u00e4\n".getBytes(UTF_8);
  private static final byte[] KEYSTORE = everyByte();

  private final Path programs = Path.of(System.getProperty("quickstart.programs"));

  @TempDir Path workspace;

  private static byte[] everyByte() {
    byte[] bytes = new byte[256];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) i;
    }
    return bytes;
  }

  @Test
  @DisplayName("reaches etcd as references, and the pod that mounts it as its original bytes")
  void directory() throws Exception {
    String store = "directory:" + workspace.resolve("store");
    roundTrip("", Map.of("WEBHOOK_SECRETS_BACKEND", store), Map.of("SECRETS_SOURCE", store));
  }

  @Test
  @DisplayName("does so by names that follow the current version, too")
  void tracking() throws Exception {
    String store = "directory:" + workspace.resolve("store");
    roundTrip(
        "nativeSecrets: {versions: tracking}\n",
        Map.of("WEBHOOK_SECRETS_BACKEND", store),
        Map.of("SECRETS_SOURCE", store));
  }

  @Test
  @DisplayName("does so through Secrets Manager, where AWS_ENDPOINT_URL names an endpoint")
  void secretsManager() throws Exception {
    String endpoint = System.getenv("AWS_ENDPOINT_URL");
    if (endpoint == null && Boolean.parseBoolean(System.getenv("AWS_TESTS_REQUIRED"))) {
      throw new IllegalStateException("AWS_ENDPOINT_URL isn't set, and AWS_TESTS_REQUIRED is true");
    }
    Assumptions.assumeTrue(endpoint != null, "AWS_ENDPOINT_URL isn't set");
    Map<String, String> aws =
        Map.of(
            "AWS_ENDPOINT_URL", endpoint,
            "AWS_REGION", "us-east-1",
            "AWS_ACCESS_KEY_ID", "test",
            "AWS_SECRET_ACCESS_KEY", "test");
    Map<String, String> webhook = new HashMap<>(aws);
    webhook.put("WEBHOOK_SECRETS_BACKEND", "secretsmanager");
    webhook.put("WEBHOOK_CLUSTER", "it-" + UUID.randomUUID());
    roundTrip("", webhook, aws);
  }

  private void roundTrip(
      String options, Map<String, String> webhookVariables, Map<String, String> podVariables)
      throws Exception {
    Path volume = Files.createDirectory(workspace.resolve("volume"));
    Path references = Files.createDirectories(workspace.resolve("references/db"));
    Path resolved = Files.createDirectories(workspace.resolve("resolved/db"));
    Path variables = Files.createDirectories(workspace.resolve("resolved/secret-vol-env"));
    Path config =
        Files.writeString(
            workspace.resolve("webhook.yaml"),
            "env: {SECRETS_ROOT: '%s', SECRETS_RESOLVE_ROOT: '%s'}\nenvironmentFiles: true\n%s"
                .formatted(volume, workspace, options));
    try (Webhook webhook =
        Webhook.start(
            programs.resolve("jdk-webhook.jar"),
            config,
            Files.createDirectory(workspace.resolve("webhook")),
            webhookVariables)) {
      byte[] request = secretReview();
      JsonNode secret =
          JSON.readTree(AdmittedPod.of(request, webhook.review(request)).after().toString());
      assertThat(secret.toString())
          .doesNotContain("canary", new String(KEYSTORE, ISO_8859_1).substring(40, 60))
          .doesNotContain(secretData("password"), secretData("store.jks"));

      byte[] podRequest = podReview();
      AdmittedPod pod = AdmittedPod.of(podRequest, webhook.review(podRequest));
      mount(secret, references);
      mountKeys(pod, secret);
      Map<String, String> environment = new HashMap<>(pod.fetcherEnvironment());
      environment.putAll(podVariables);
      String log = fetch(environment);
      assertThat(resolved.resolve("password")).hasBinaryContent(PASSWORD);
      assertThat(resolved.resolve("store.jks")).hasBinaryContent(KEYSTORE);
      // As kubelet reads it for the variable.
      assertThat(variables.resolve(reference(pod).get("path").textValue()))
          .hasBinaryContent(
              (reference(pod).get("key").textValue() + "='" + new String(PASSWORD, UTF_8) + "'\n")
                  .getBytes(UTF_8));
      assertThat(log).doesNotContain("canary");
    }
  }

  private static JsonNode reference(AdmittedPod pod) throws IOException {
    return JSON.readTree(pod.after().toString())
        .at("/spec/containers/0/env/0/valueFrom/fileKeyRef");
  }

  private static String secretData(String key) throws IOException {
    return JSON.readTree(secretReview()).at("/request/object/data").get(key).textValue();
  }

  private static byte[] secretReview() throws IOException {
    ObjectNode secret = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Secret");
    ObjectNode metadata = secret.putObject("metadata").put("name", "db").put("namespace", "shop");
    metadata.putObject("labels").put("secrets.k8s.aws/native", "enabled");
    secret.putObject("data").put("password", PASSWORD).put("store.jks", KEYSTORE);
    return review("secrets", secret);
  }

  /** A pod as anybody writes it who mounts a Secret, and one annotation. */
  private static byte[] podReview() throws IOException {
    return review(
        "pods",
        JSON.readTree(
            """
            {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": "app", "namespace": "shop",
                          "annotations": {"secrets.k8s.aws/resolve": "db"}},
             "spec": {"containers": [{"name": "app", "image": "example/app:1",
                        "env": [{"name": "PASSWORD", "valueFrom": {
                          "secretKeyRef": {"name": "db", "key": "password"}}}],
                        "volumeMounts": [{"name": "db", "mountPath": "/etc/db"}]}],
                      "volumes": [{"name": "db", "secret": {"secretName": "db"}}]}}
            """));
  }

  private static byte[] review(String resource, JsonNode object) throws IOException {
    ObjectNode review = JSON.createObjectNode().put("kind", "AdmissionReview");
    review.put("apiVersion", "admission.k8s.io/v1");
    ObjectNode request = review.putObject("request").put("uid", "7d0c").put("operation", "CREATE");
    request.putObject("resource").put("group", "").put("version", "v1").put("resource", resource);
    request.put("namespace", "shop").put("name", object.at("/metadata/name").textValue());
    request.set("object", object);
    return JSON.writeValueAsBytes(review);
  }

  /** As kubelet fills a Secret's volume. */
  private static void mount(JsonNode secret, Path references) throws IOException {
    Path data = Files.createDirectory(references.resolve("..generation"));
    for (Map.Entry<String, JsonNode> entry : secret.get("data").properties()) {
      Files.write(data.resolve(entry.getKey()), entry.getValue().binaryValue());
      Files.createSymbolicLink(
          references.resolve(entry.getKey()), Path.of("..data").resolve(entry.getKey()));
    }
    Files.createSymbolicLink(references.resolve("..data"), data.getFileName());
  }

  /** As kubelet fills the projected volume of the keys that are variables. */
  private void mountKeys(AdmittedPod pod, JsonNode secret) throws IOException {
    for (JsonNode volume : JSON.readTree(pod.after().toString()).at("/spec/volumes")) {
      for (JsonNode item : volume.at("/projected/sources/0/secret/items")) {
        Path file =
            workspace.resolve("references/secret-vol-env").resolve(item.get("path").textValue());
        Files.createDirectories(file.getParent());
        Files.write(file, secret.get("data").get(item.get("key").textValue()).binaryValue());
      }
    }
  }

  private String fetch(Map<String, String> environment) throws Exception {
    ProcessBuilder builder =
        new ProcessBuilder(
                Java.command(), "-jar", programs.resolve("secrets-fetcher.jar").toString(), "init")
            .redirectErrorStream(true);
    builder.environment().clear();
    builder.environment().putAll(environment);
    Process fetcher = builder.start();
    String log;
    try (InputStream output = fetcher.getInputStream()) {
      log = new String(output.readAllBytes(), UTF_8);
    }
    assertThat(fetcher.waitFor()).as(log).isZero();
    return log;
  }
}
