package io.github.secretscontroller.samples.deployment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.github.secretscontroller.admission.ServingCertificate;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.LiveClusterExtension;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Base64;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The steps of UPGRADING.md, with a webhook that answers as the proof of concept's did. */
@DisplayName("From the proof of concept's chart, an upgrade")
@ExtendWith(LiveClusterExtension.class)
class LiveUpgradeIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String OLD = "aws-secret-inject";
  private static final String NEW = "aws-secrets-webhook-pods-upgraded";

  /** What the proof of concept's webhook answers for a pod with one container. */
  private static final String PATCH =
      """
      [{"op": "add", "path": "/spec/initContainers", "value": [
         {"image": "old/sidecar:1", "name": "secrets-init-container", "imagePullPolicy": "Always",
          "volumeMounts": [{"name": "secret-vol", "mountPath": "/tmp"}],
          "env": [{"name": "SECRET_ARN", "valueFrom": {"fieldRef": {"fieldPath":
                    "metadata.annotations['secrets.k8s.aws/secret-arn']"}}}],
          "resources": {}}]},
       {"op": "add", "path": "/spec/volumes/-",
        "value": {"emptyDir": {"medium": "Memory"}, "name": "secret-vol"}},
       {"op": "add", "path": "/spec/containers/0/volumeMounts/-",
        "value": {"mountPath": "/tmp/", "name": "secret-vol"}}]
      """;

  private static final String POD =
      """
      {"apiVersion": "v1", "kind": "Pod",
       "metadata": {"name": "NAME", "namespace": "upgraded", "annotations": {ANNOTATIONS}},
       "spec": {"containers": [{"name": "web", "image": "example/web:1"}]}}
      """;

  private static final String ASKING =
      POD.replace(
          "ANNOTATIONS",
          "\"secrets.k8s.aws/secret-arn\":"
              + " \"arn:aws:secretsmanager:us-east-1:123456789012:secret:db-hlRvvF\"");

  private final LiveCluster cluster;

  LiveUpgradeIT(LiveCluster cluster) {
    this.cluster = cluster;
  }

  @Test
  @DisplayName(
      "refuses new annotated pods while both webhooks are registered, and nothing before or after")
  void window(@TempDir Path workspace) throws Exception {
    cluster.createNamespace("upgraded", "upgraded=yes");
    ServingCertificate certificate =
        ServingCertificate.selfSigned(Set.of("127.0.0.1"), Clock.systemUTC());
    HttpsServer old =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    old.setHttpsConfigurator(new HttpsConfigurator(certificate.sslContext()));
    old.createContext("/mutating-pods", LiveUpgradeIT::answer);
    old.start();
    try (WebhookProcess webhook =
        WebhookProcess.start(
            Path.of(System.getProperty("webhook.jar")),
            workspace,
            Map.of("WEBHOOK_FETCHER_IMAGE", "example/fetcher:1"))) {
      URI address = URI.create("https://127.0.0.1:" + old.getAddress().getPort());
      cluster.register(
          configuration(OLD, "Ignore", address.resolve("/mutating-pods"), certificate.caPem()),
          named("probe"),
          "old/sidecar:1");
      create(named("before")).orFail();

      // Step 1: the new chart is installed. Its name sorts after the old one's.
      cluster.register(
          configuration(NEW, "Fail", webhook.address().resolve("/mutate-pods"), webhook.caPem()),
          named("probe"),
          "denied the request");
      LiveCluster.Output refused = create(named("between"));
      assertThat(refused.exitCode()).isNotZero();
      assertThat(refused.stderr())
          .contains("upgraded/between", "secrets-init-container")
          .doesNotContain("failed calling webhook");
      create(POD.replace("NAME", "unannotated").replace("ANNOTATIONS", "")).orFail();
      // Pods that run are left alone, though the old webhook is called for each update.
      cluster.kubectl("-n", "upgraded", "label", "pod", "before", "touched=yes").orFail();

      // Step 2: the old configuration is removed.
      cluster.kubectl("delete", "mutatingwebhookconfiguration", OLD).orFail();
      LiveCluster.Output created = create(named("between"));
      while (created.exitCode() != 0) {
        // The API server learns of it after a moment.
        created = create(named("between"));
      }
      JsonNode stored =
          cluster.kubectl("-n", "upgraded", "get", "pod", "between", "-o", "json").json();
      assertThat(stored.at("/spec/initContainers")).hasSize(1);
      assertThat(stored.at("/spec/initContainers/0/image").asText()).isEqualTo("example/fetcher:1");
      cluster.kubectl("-n", "upgraded", "label", "pod", "before", "touched=twice", "--overwrite");
    } finally {
      cluster.kubectl("delete", "mutatingwebhookconfiguration", OLD, NEW, "--ignore-not-found");
      old.stop(0);
      certificate.close();
    }
  }

  private static String named(String name) {
    return ASKING.replace("NAME", name);
  }

  private LiveCluster.Output create(String pod) throws Exception {
    return cluster.kubectlWith(pod, "create", "-f", "-");
  }

  private static void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      JsonNode request = JSON.readTree(exchange.getRequestBody().readAllBytes()).get("request");
      ObjectNode review = JSON.createObjectNode();
      review.put("apiVersion", "admission.k8s.io/v1").put("kind", "AdmissionReview");
      ObjectNode response = review.putObject("response");
      response.set("uid", request.get("uid"));
      response.put("allowed", true);
      JsonNode pod = request.get("object");
      boolean asks =
          pod.at("/metadata/annotations").has("secrets.k8s.aws/secret-arn")
              && !pod.at("/spec/initContainers/0/name").asText().equals("secrets-init-container");
      if (asks) {
        response.put("patchType", "JSONPatch");
        response.put("patch", Base64.getEncoder().encodeToString(PATCH.getBytes(UTF_8)));
      }
      byte[] body = JSON.writeValueAsBytes(review);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private static String configuration(String name, String policy, URI url, String ca) {
    ObjectNode configuration = JSON.createObjectNode();
    configuration
        .put("apiVersion", "admissionregistration.k8s.io/v1")
        .put("kind", "MutatingWebhookConfiguration")
        .putObject("metadata")
        .put("name", name);
    ObjectNode webhook = configuration.putArray("webhooks").addObject();
    webhook.put("name", "pods." + name + ".example").put("failurePolicy", policy);
    webhook.putArray("admissionReviewVersions").add("v1");
    webhook.put("sideEffects", "None").put("timeoutSeconds", 10);
    webhook.put("reinvocationPolicy", name.equals(NEW) ? "IfNeeded" : "Never");
    webhook
        .putObject("clientConfig")
        .put("url", url.toString())
        .put("caBundle", ca.getBytes(UTF_8));
    webhook.putObject("namespaceSelector").putObject("matchLabels").put("upgraded", "yes");
    ObjectNode rule = webhook.putArray("rules").addObject();
    rule.putArray("apiGroups").add("");
    rule.putArray("apiVersions").add("v1");
    rule.putArray("resources").add("pods");
    rule.putArray("operations").add("CREATE");
    if (name.equals(OLD)) {
      ((com.fasterxml.jackson.databind.node.ArrayNode) rule.get("operations")).add("UPDATE");
    }
    return configuration.toString();
  }
}
