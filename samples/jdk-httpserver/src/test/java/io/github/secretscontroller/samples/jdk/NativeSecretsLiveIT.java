package io.github.secretscontroller.samples.jdk;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.LiveClusterExtension;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * kubectl at a real API server with the webhook program behind it. Each value that a test uses
 * holds the word {@code canary}; after each test all of etcd, raw and with its old revisions'
 * latest state, the API server's audit log and the webhook's output are searched for it.
 */
@DisplayName("Behind a real API server, a native Secret")
@ExtendWith(LiveClusterExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NativeSecretsLiveIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NAMESPACE = "native";
  private static final String COPY = "kubectl.kubernetes.io/last-applied-configuration";

  private final LiveCluster cluster;
  private WebhookProcess webhook;
  private Path root;

  NativeSecretsLiveIT(LiveCluster cluster) {
    this.cluster = cluster;
  }

  @BeforeAll
  void start(@TempDir Path workspace) throws Exception {
    root = workspace.resolve("secrets");
    webhook =
        WebhookProcess.start(
            Path.of(System.getProperty("webhook.jar")),
            Files.createDirectory(workspace.resolve("webhook")),
            Map.of("WEBHOOK_SECRETS_BACKEND", "directory:" + root));
    cluster.createNamespace(NAMESPACE, "webhooks=" + NAMESPACE);
    ObjectNode configuration =
        (ObjectNode)
            JSON.readTree(
                """
                {"apiVersion": "admissionregistration.k8s.io/v1",
                 "kind": "MutatingWebhookConfiguration",
                 "metadata": {"name": "native-secrets"},
                 "webhooks": [{
                   "name": "native.secrets.example",
                   "admissionReviewVersions": ["v1"],
                   "sideEffects": "NoneOnDryRun",
                   "failurePolicy": "Fail",
                   "reinvocationPolicy": "IfNeeded",
                   "timeoutSeconds": 10,
                   "namespaceSelector": {"matchLabels": {"webhooks": "native"}},
                   "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"],
                              "operations": ["CREATE", "UPDATE", "DELETE"]}]}]}
                """);
    ((ObjectNode) configuration.at("/webhooks/0"))
        .putObject("clientConfig")
        .put("url", webhook.address().resolve("/mutate-secrets").toString())
        .put("caBundle", webhook.caPem().getBytes(UTF_8));
    cluster.register(configuration.toString(), manifest("probe", "probe"), "ZHJ5LXJ1bjog");
  }

  @AfterAll
  void stop() throws Exception {
    if (webhook != null) {
      webhook.close();
    }
  }

  @AfterEach
  void nothingLeaks() throws Exception {
    String etcd = new String(cluster.etcd(), ISO_8859_1);
    assertThat(etcd).contains("/registry/secrets/native/").doesNotContain("canary");
    for (int offset = 0; offset < 3; offset++) {
      // The three ways in which base64 can cut the word.
      String cut =
          Base64.getEncoder()
              .encodeToString(("..".substring(0, offset) + "canary").getBytes(UTF_8));
      assertThat(etcd).doesNotContain(cut.substring(offset == 0 ? 0 : offset + 1, 8));
    }
    assertThat(cluster.auditLog()).doesNotContain("canary");
    assertThat(webhook.log()).doesNotContain("canary");
  }

  private static String manifest(String name, String password) {
    return """
        {"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
         "metadata": {"name": "%s", "namespace": "native",
                      "labels": {"secrets.k8s.aws/native": "enabled"}},
         "stringData": {"user": "canary-user", "password": "%s"},
         "data": {"store.jks": "/9j/AGNhbmFyeQD+"}}
        """
        .formatted(name, password);
  }

  private JsonNode stored(String name) throws Exception {
    return cluster.kubectl("-n", NAMESPACE, "get", "secret", name, "-o", "json").json();
  }

  private static String text(JsonNode secret, String key) {
    return new String(Base64.getDecoder().decode(secret.at("/data").get(key).asText()), UTF_8);
  }

  /** What a pod reads for a key of the stored object. */
  private JsonNode document(JsonNode secret, String key) throws Exception {
    try (DirectorySecretStore store = new DirectorySecretStore(root);
        SecretValue value =
            store.fetch(SecretReference.parse(text(secret, key)).withSelector(null))) {
      return JSON.readTree(value.revealBytes());
    }
  }

  private long versions(String name) throws IOException {
    Path home = root.resolve(".versions/kubernetes/native").resolve(name).resolve("k8s");
    try (Stream<Path> files = Files.list(home)) {
      return files.filter(file -> file.getFileName().toString().startsWith(".v-")).count();
    } catch (NoSuchFileException e) {
      return 0;
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  @Test
  @DisplayName("is created with references, and its values are in the backend, binary included")
  void create() throws Exception {
    cluster.kubectlWith(manifest("created", "canary-1"), "create", "-f", "-").orFail();
    JsonNode secret = stored("created");
    assertThat(text(secret, "password"))
        .matches("kubernetes/native/created/k8s\\?version=[0-9a-f-]{36}#password");
    JsonNode document = document(secret, "password");
    assertThat(document.get("password").textValue()).isEqualTo("canary-1");
    assertThat(document.at("/store.jks/$base64").textValue()).isEqualTo("/9j/AGNhbmFyeQD+");
  }

  @Test
  @DisplayName("is applied twice with one version, and then a diff is empty")
  void apply() throws Exception {
    String manifest = manifest("applied", "canary-2");
    cluster.kubectlWith(manifest, "apply", "-f", "-").orFail();
    JsonNode first = stored("applied");
    cluster.kubectlWith(manifest, "apply", "-f", "-").orFail();
    JsonNode second = stored("applied");
    assertThat(second.get("data")).isEqualTo(first.get("data"));
    assertThat(second.at("/metadata/resourceVersion"))
        .isEqualTo(first.at("/metadata/resourceVersion"));
    assertThat(versions("applied")).isEqualTo(1);
    JsonNode copy = JSON.readTree(second.at("/metadata/annotations").get(COPY).textValue());
    assertThat(copy.at("/stringData/password").textValue()).isEqualTo(text(second, "password"));

    LiveCluster.Output same = cluster.kubectlWith(manifest, "diff", "-f", "-");
    assertThat(same.exitCode()).as(same.stdout() + same.stderr()).isZero();
    LiveCluster.Output changed =
        cluster.kubectlWith(manifest("applied", "canary-3"), "diff", "-f", "-");
    assertThat(changed.exitCode()).isEqualTo(1);
    assertThat(versions("applied")).isEqualTo(1);

    cluster.kubectlWith(manifest("applied", "canary-3"), "apply", "-f", "-").orFail();
    assertThat(document(stored("applied"), "password").get("password").textValue())
        .isEqualTo("canary-3");
    assertThat(document(first, "password").get("password").textValue()).isEqualTo("canary-2");
    assertThat(versions("applied")).isEqualTo(2);
  }

  @Test
  @DisplayName("loses a key that an applied manifest no longer has")
  void applyWithout() throws Exception {
    cluster.kubectlWith(manifest("shrunk", "canary-4"), "apply", "-f", "-").orFail();
    ObjectNode manifest = (ObjectNode) JSON.readTree(manifest("shrunk", "canary-4"));
    manifest.remove("data");
    cluster.kubectlWith(manifest.toString(), "apply", "-f", "-").orFail();
    JsonNode secret = stored("shrunk");
    assertThat(secret.at("/data").has("store.jks")).isFalse();
    assertThat(document(secret, "password").has("store.jks")).isFalse();
  }

  @Test
  @DisplayName("is edited with its references in the editor: they stay, and writes nothing")
  void edit() throws Exception {
    cluster.kubectlWith(manifest("edited", "canary-5"), "create", "-f", "-").orFail();
    JsonNode before = stored("edited");
    cluster
        .kubectlEdit(
            "s/native: enabled/native: enabled\\n    team: payments/",
            "-n",
            NAMESPACE,
            "edit",
            "secret",
            "edited")
        .orFail();
    JsonNode after = stored("edited");
    assertThat(after.at("/metadata/labels/team").textValue()).isEqualTo("payments");
    assertThat(after.get("data")).isEqualTo(before.get("data"));
    assertThat(versions("edited")).isEqualTo(1);
  }

  @Test
  @DisplayName("is replaced, by its own export with one new value among the references")
  void replace() throws Exception {
    cluster.kubectlWith(manifest("replaced", "canary-6"), "create", "-f", "-").orFail();
    ObjectNode export = (ObjectNode) stored("replaced");
    ((ObjectNode) export.get("data")).put("password", "canary-7".getBytes(UTF_8));
    cluster.kubectlWith(export.toString(), "replace", "-f", "-").orFail();
    JsonNode document = document(stored("replaced"), "user");
    assertThat(document.get("user").textValue()).isEqualTo("canary-user");
    assertThat(document.get("password").textValue()).isEqualTo("canary-7");
    assertThat(document.at("/store.jks/$base64").textValue()).isEqualTo("/9j/AGNhbmFyeQD+");
  }

  @Test
  @DisplayName("is patched")
  void patch() throws Exception {
    cluster.kubectlWith(manifest("patched", "canary-8"), "create", "-f", "-").orFail();
    cluster
        .kubectl(
            "-n",
            NAMESPACE,
            "patch",
            "secret",
            "patched",
            "-p",
            "{\"stringData\":{\"password\":\"canary-9\"}}")
        .orFail();
    JsonNode document = document(stored("patched"), "password");
    assertThat(document.get("password").textValue()).isEqualTo("canary-9");
    assertThat(document.get("user").textValue()).isEqualTo("canary-user");
  }

  @Test
  @DisplayName("is applied by the server, twice with one version")
  void serverSideApply() throws Exception {
    String manifest = manifest("ssa", "canary-10");
    cluster.kubectlWith(manifest, "apply", "--server-side", "-f", "-").orFail();
    JsonNode first = stored("ssa");
    cluster.kubectlWith(manifest, "apply", "--server-side", "-f", "-").orFail();
    assertThat(stored("ssa").get("data")).isEqualTo(first.get("data"));
    assertThat(versions("ssa")).isEqualTo(1);

    // Another manager, who read it and applies what it read: the references.
    ObjectNode references = (ObjectNode) JSON.readTree(manifest);
    references.remove("stringData");
    references.set("data", first.get("data"));
    cluster
        .kubectlWith(
            references.toString(), "apply", "--server-side", "--field-manager=another", "-f", "-")
        .orFail();
    assertThat(stored("ssa").get("data")).isEqualTo(first.get("data"));
    assertThat(versions("ssa")).isEqualTo(1);
  }

  @Test
  @DisplayName("is written nowhere by a dry run")
  void dryRun() throws Exception {
    LiveCluster.Output output =
        cluster
            .kubectlWith(
                manifest("dry", "canary-11"), "create", "--dry-run=server", "-o", "json", "-f", "-")
            .orFail();
    assertThat(text(output.json(), "password"))
        .isEqualTo("dry-run: a reference would be stored here");
    assertThat(versions("dry")).isZero();
  }

  @Test
  @DisplayName("is deleted, created again, and restored from a backup with its references")
  void delete() throws Exception {
    String manifest = manifest("deleted", "canary-12");
    cluster.kubectlWith(manifest, "create", "-f", "-").orFail();
    JsonNode backup = stored("deleted");
    cluster.kubectl("-n", NAMESPACE, "delete", "secret", "deleted").orFail();
    cluster.kubectlWith(manifest, "create", "-f", "-").orFail();
    assertThat(stored("deleted").get("data")).isEqualTo(backup.get("data"));
    cluster.kubectl("-n", NAMESPACE, "delete", "secret", "deleted").orFail();
    ObjectNode restored = backup.deepCopy();
    ((ObjectNode) restored.get("metadata"))
        .remove(List.of("uid", "resourceVersion", "creationTimestamp", "managedFields"));
    cluster.kubectlWith(restored.toString(), "create", "-f", "-").orFail();
    assertThat(document(stored("deleted"), "password").get("password").textValue())
        .isEqualTo("canary-12");
    assertThat(versions("deleted")).isEqualTo(1);
  }

  @Test
  @DisplayName("is refused with the reason that kubectl shows, and a foreign reference is")
  void refused() throws Exception {
    cluster.kubectlWith(manifest("source", "canary-13"), "create", "-f", "-").orFail();
    ObjectNode stolen = (ObjectNode) stored("source");
    ((ObjectNode) stolen.get("metadata")).put("name", "thief");
    ((ObjectNode) stolen.get("metadata")).remove(List.of("uid", "resourceVersion"));
    LiveCluster.Output output = cluster.kubectlWith(stolen.toString(), "create", "-f", "-");
    assertThat(output.exitCode()).isNotZero();
    assertThat(output.stderr())
        .contains("Secret native/thief was not stored: its key password has the reference")
        .contains("give the value itself");
  }

  @Test
  @DisplayName("is refused while it has no name but a generateName")
  void generateName() throws Exception {
    ObjectNode secret = (ObjectNode) JSON.readTree(manifest("x", "canary-14"));
    ((ObjectNode) secret.get("metadata")).put("generateName", "generated-").remove("name");
    LiveCluster.Output output = cluster.kubectlWith(secret.toString(), "create", "-f", "-");
    assertThat(output.exitCode()).isNotZero();
    assertThat(output.stderr())
        .contains("Secret native/generated-* was not stored: it has no name");
  }

  @Test
  @DisplayName("that is immutable keeps its values, and is written nowhere by an attempt")
  void immutable() throws Exception {
    ObjectNode secret = (ObjectNode) JSON.readTree(manifest("fixed", "canary-16"));
    cluster.kubectlWith(secret.put("immutable", true).toString(), "apply", "-f", "-").orFail();
    cluster.kubectlWith(secret.toString(), "apply", "-f", "-").orFail();
    ((ObjectNode) secret.get("stringData")).put("password", "canary-17");
    LiveCluster.Output output = cluster.kubectlWith(secret.toString(), "apply", "-f", "-");
    assertThat(output.exitCode()).isNotZero();
    assertThat(output.stderr()).contains("Secret native/fixed was not stored: it is immutable");
    assertThat(versions("fixed")).isEqualTo(1);
  }

  @Test
  @DisplayName("whose label is taken away keeps its values out of etcd")
  void labelRemoved() throws Exception {
    cluster.kubectlWith(manifest("escaped", "canary-18"), "apply", "-f", "-").orFail();
    cluster
        .kubectl("-n", NAMESPACE, "label", "secret", "escaped", "secrets.k8s.aws/native-")
        .orFail();
    cluster
        .kubectl(
            "-n",
            NAMESPACE,
            "patch",
            "secret",
            "escaped",
            "-p",
            "{\"stringData\":{\"password\":\"canary-19\"}}")
        .orFail();
    JsonNode secret = stored("escaped");
    assertThat(secret.at("/metadata/labels").isMissingNode()).isTrue();
    assertThat(document(secret, "password").get("password").textValue()).isEqualTo("canary-19");
  }
}
