package io.github.secretscontroller.samples.jdk;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.LiveClusterExtension;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Pods with native Secrets at a real API server. It is too old to know {@code fileKeyRef}, and
 * drops it, so what becomes of variables is told from the webhook's patch for a pod that this API
 * server has filled in.
 */
@DisplayName("Behind a real API server, a pod that has native Secrets resolved")
@ExtendWith(LiveClusterExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ResolvedSecretsLiveIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String INJECTED = "resolved";
  private static final String PLAIN = "resolved-plain";

  private static final String POD =
      """
      {"apiVersion": "v1", "kind": "Pod",
       "metadata": {"name": "NAME", "annotations": {"secrets.k8s.aws/resolve": "db"}},
       "spec": {
         "containers": [{"name": "app", "image": "example/app:1",
           "volumeMounts": [
             {"name": "db", "mountPath": "/etc/db"},
             {"name": "mine", "mountPath": "/etc/mine/password", "subPath": "password"}]}],
         "volumes": [
           {"name": "db", "secret": {"secretName": "db", "defaultMode": 256, "optional": true,
                                     "items": [{"key": "user", "path": "a/user"}]}},
           {"name": "mine", "projected": {"sources": [
             {"configMap": {"name": "settings"}}, {"secret": {"name": "db"}}]}}]}}
      """;

  private final LiveCluster cluster;
  private WebhookProcess webhook;
  private WebhookProcess withVariables;

  ResolvedSecretsLiveIT(LiveCluster cluster) {
    this.cluster = cluster;
  }

  @BeforeAll
  void start(@TempDir Path workspace) throws Exception {
    webhook = start(workspace.resolve("webhook"), "{}");
    withVariables = start(workspace.resolve("variables"), "environmentFiles: true\n");
    for (String namespace : List.of(INJECTED, PLAIN)) {
      cluster.createNamespace(namespace, "webhooks=" + namespace);
      cluster.kubectl("-n", namespace, "create", "serviceaccount", "default");
    }
    ObjectNode configuration =
        (ObjectNode)
            JSON.readTree(
                """
                {"apiVersion": "admissionregistration.k8s.io/v1",
                 "kind": "MutatingWebhookConfiguration",
                 "metadata": {"name": "resolved-secrets"},
                 "webhooks": [{
                   "name": "resolved.secrets.example",
                   "admissionReviewVersions": ["v1"],
                   "sideEffects": "None",
                   "failurePolicy": "Fail",
                   "reinvocationPolicy": "IfNeeded",
                   "timeoutSeconds": 10,
                   "namespaceSelector": {"matchLabels": {"webhooks": "resolved"}},
                   "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"],
                              "operations": ["CREATE"]}]}]}
                """);
    ((ObjectNode) configuration.at("/webhooks/0"))
        .putObject("clientConfig")
        .put("url", webhook.address().resolve("/mutate-pods").toString())
        .put("caBundle", webhook.caPem().getBytes(UTF_8));
    ObjectNode probe = pod("probe");
    ((ObjectNode) probe.get("metadata")).put("namespace", INJECTED);
    cluster.register(configuration.toString(), probe.toString(), "secrets-init-container");
  }

  private static WebhookProcess start(Path directory, String config) throws Exception {
    Files.createDirectory(directory);
    Path file = Files.writeString(directory.resolve("webhook.yaml"), config);
    return WebhookProcess.start(
        Path.of(System.getProperty("webhook.jar")),
        directory,
        Map.of("WEBHOOK_FETCHER_IMAGE", "example/fetcher:1", "WEBHOOK_CONFIG", file.toString()));
  }

  @AfterAll
  void stop() throws Exception {
    for (WebhookProcess process : new WebhookProcess[] {webhook, withVariables}) {
      if (process != null) {
        process.close();
      }
    }
  }

  private static ObjectNode pod(String name) throws Exception {
    return (ObjectNode) JSON.readTree(POD.replace("NAME", name));
  }

  private static void variable(ObjectNode pod) throws Exception {
    ((ObjectNode) pod.at("/spec/containers/0"))
        .set(
            "env",
            JSON.readTree(
                """
                [{"name": "PASSWORD",
                  "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]
                """));
  }

  private JsonNode create(String namespace, ObjectNode pod) throws Exception {
    cluster
        .kubectlWith(pod.toString(), "-n", namespace, "create", "--validate=false", "-f", "-")
        .orFail();
    String name = pod.at("/metadata/name").textValue();
    return cluster.kubectl("-n", namespace, "get", "pod", name, "-o", "json").json();
  }

  private static JsonNode named(JsonNode list, String name) {
    return list.valueStream()
        .filter(element -> element.path("name").asText().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no " + name + " in " + list));
  }

  private static ArrayNode patch(WebhookProcess asked, JsonNode pod) throws Exception {
    ObjectNode review =
        JSON.createObjectNode()
            .put("kind", "AdmissionReview")
            .put("apiVersion", "admission.k8s.io/v1");
    ObjectNode request = review.putObject("request").put("uid", "7d0c").put("operation", "CREATE");
    request.putObject("resource").put("group", "").put("version", "v1").put("resource", "pods");
    request.put("namespace", PLAIN).set("object", pod);
    JsonNode response =
        JSON.readTree(asked.post("/mutate-pods", JSON.writeValueAsBytes(review)).body())
            .get("response");
    assertThat(response.get("allowed").booleanValue()).as(response.toString()).isTrue();
    return (ArrayNode)
        JSON.readTree(Base64.getDecoder().decode(response.path("patch").asText("W10=")));
  }

  private static ObjectNode apply(ArrayNode patch, JsonNode pod) {
    ObjectNode patched = pod.deepCopy();
    for (JsonNode operation : patch) {
      String path = operation.get("path").textValue();
      int slash = path.lastIndexOf('/');
      JsonNode parent = patched.at(path.substring(0, slash));
      String last = path.substring(slash + 1).replace("~1", "/").replace("~0", "~");
      String op = operation.get("op").textValue();
      if (parent instanceof ArrayNode array) {
        int index = last.equals("-") ? array.size() : Integer.parseInt(last);
        if (!op.equals("add")) {
          array.remove(index);
        }
        if (!op.equals("remove")) {
          array.insert(index, operation.get("value"));
        }
      } else if (op.equals("remove")) {
        ((ObjectNode) parent).remove(last);
      } else {
        ((ObjectNode) parent).set(last, operation.get("value"));
      }
    }
    return patched;
  }

  @Test
  @DisplayName("is stored with memory volumes in their places, and the fetcher has the references")
  void volumes() throws Exception {
    JsonNode stored = create(INJECTED, pod("volumes"));
    JsonNode spec = stored.get("spec");
    for (String volume : List.of("db", "mine")) {
      assertThat(named(spec.get("volumes"), volume).at("/emptyDir/medium").asText())
          .isEqualTo("Memory");
      assertThat(named(spec.at("/containers/0/volumeMounts"), volume).get("readOnly").asBoolean())
          .isTrue();
    }
    assertThat(named(spec.at("/containers/0/volumeMounts"), "mine").get("subPath").asText())
        .isEqualTo("password");
    assertThat(named(spec.get("volumes"), "db-references").get("secret"))
        .isEqualTo(
            JSON.readTree(
                """
                {"secretName": "db", "defaultMode": 262, "optional": true,
                 "items": [{"key": "user", "path": "a/user"}]}
                """));
    assertThat(named(spec.get("volumes"), "mine-references-0").at("/projected/sources/0"))
        .isEqualTo(JSON.readTree("{\"configMap\": {\"name\": \"settings\"}}"));
    assertThat(named(spec.get("volumes"), "mine-references-1").at("/projected/sources/0"))
        .isEqualTo(JSON.readTree("{\"secret\": {\"name\": \"db\"}}"));
    JsonNode mounts =
        named(spec.get("initContainers"), "secrets-init-container").get("volumeMounts");
    assertThat(named(mounts, "mine-references-1").get("mountPath").asText())
        .isEqualTo("/secrets-controller/references/mine/1");
    assertThat(patch(webhook, stored)).as("a second call").isEmpty();
  }

  @Test
  @DisplayName("is refused with its reasons where its variables can't be resolved")
  void refused() throws Exception {
    ObjectNode pod = pod("refused");
    variable(pod);
    LiveCluster.Output output =
        cluster.kubectlWith(pod.toString(), "-n", INJECTED, "create", "-f", "-");
    assertThat(output.exitCode()).isNotZero();
    assertThat(output.stderr())
        .contains("container app has variable PASSWORD from Secret db", "fileKeyRef");
  }

  @Test
  @DisplayName("has its variables from the fetcher's files, if the operator says that nodes can")
  void variables() throws Exception {
    ObjectNode pod = pod("variables");
    variable(pod);
    JsonNode filledIn = create(PLAIN, pod);
    ObjectNode patched = apply(patch(withVariables, filledIn), filledIn);
    assertThat(patched.at("/spec/containers/0/env/0"))
        .isEqualTo(
            JSON.readTree(
                """
                {"name": "PASSWORD", "valueFrom": {"fileKeyRef": {
                  "volumeName": "secret-vol-env", "path": "db/password", "key": "value",
                  "optional": false}}}
                """));
    assertThat(patch(withVariables, patched)).as("a second call").isEmpty();

    // The API server takes the volumes, and adds nothing to them.
    ((ObjectNode) patched.at("/spec/containers/0")).remove("env");
    ((ObjectNode) patched.get("metadata"))
        .put("name", "patched")
        .remove(List.of("uid", "resourceVersion", "creationTimestamp", "managedFields"));
    patched.remove("status");
    JsonNode stored = create(PLAIN, patched);
    for (String volume : List.of("secret-vol-env", "secret-vol-env-references")) {
      assertThat(named(stored.at("/spec/volumes"), volume))
          .isEqualTo(named(patched.at("/spec/volumes"), volume));
    }
  }
}
