package io.github.secretscontroller.samples.deployment;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.LiveClusterExtension;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The webhook program with native Secrets, under the rights of the chart and nothing else, at an
 * API server that authorizes by RBAC. What it asks is recorded.
 */
@DisplayName("In a real API server, the chart with native Secrets")
@ExtendWith(LiveClusterExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LiveSweeperIT {

  private static final String SYSTEM = "sweeping-system";
  private static final String TENANT = "swept";
  private static final String NAME = "sweeping";
  private static final String ACCOUNT = "system:serviceaccount:" + SYSTEM + ":" + NAME;

  /** An old API server drops matchConditions, so the label keeps the webhook from other tests. */
  private static final Map<String, Object> VALUES =
      Map.of(
          "fullnameOverride", NAME,
          "nativeSecrets.enabled", true,
          "nativeSecrets.cluster", "prod-eu",
          "nativeSecrets.tokenKey.secretName", "our-token-key",
          "webhook.namespaceSelector.matchLabels.sweeping", "yes");

  private static final String SECRET =
      """
      {"apiVersion": "v1", "kind": "Secret",
       "metadata": {"name": "db", "namespace": "swept",
                    "labels": {"secrets.k8s.aws/native": "enabled"}},
       "stringData": {"password": "canary"}}
      """;

  private final LiveCluster cluster;
  private final List<JsonNode> chart = Chart.objects(Chart.render(SYSTEM, "1.33.0", VALUES));

  LiveSweeperIT(LiveCluster cluster) {
    this.cluster = cluster;
  }

  @BeforeAll
  void install() throws Exception {
    cluster.createNamespace(SYSTEM);
    cluster.createNamespace(TENANT, "sweeping=yes");
    Set<String> kinds =
        Set.of(
            "Secret",
            "ServiceAccount",
            "Lease",
            "Role",
            "RoleBinding",
            "ClusterRole",
            "ClusterRoleBinding",
            "MutatingWebhookConfiguration");
    for (JsonNode object : chart) {
      if (kinds.contains(object.path("kind").asText())) {
        apply(object);
      }
    }
  }

  @AfterAll
  void uninstall() throws Exception {
    for (JsonNode object : chart) {
      if (object.path("kind").asText().equals("MutatingWebhookConfiguration")) {
        cluster.kubectl(
            "delete", "mutatingwebhookconfiguration", object.at("/metadata/name").asText());
      }
    }
  }

  @Test
  @DisplayName("grants the program exactly what it asks for: each right is used, none is missing")
  void exactly(@TempDir Path workspace) throws Exception {
    Path account = Kubelet.serviceAccount(cluster, SYSTEM, NAME, workspace);
    try (RecordingApiServer api = new RecordingApiServer(cluster)) {
      Files.writeString(account.resolve("ca.crt"), api.caPem());
      Map<String, String> env = environment(workspace, account, api);
      try (WebhookProcess webhook = start(workspace, env)) {
        call(webhook.address());
        storeSecret(webhook);
      }
      // The next process of the same pod sweeps as soon as it has started.
      try (WebhookProcess webhook = start(workspace, env)) {
        String secret = "/api/v1/namespaces/" + TENANT + "/secrets/db";
        while (api.calls().stream().noneMatch(call -> call.path().equals(secret))) {
          assertThat(webhook.log()).doesNotContain("sweep failed", "HTTP 403");
        }
      }
      assertThat(api.calls()).noneMatch(call -> call.status() == 403 || call.status() == 401);
      assertThat(used(api.calls())).isEqualTo(granted());
    }
    JsonNode lease =
        cluster.kubectl("-n", SYSTEM, "get", "lease", NAME + "-sweeper", "-o", "json").json();
    assertThat(lease.at("/spec/holderIdentity").asText()).isEqualTo("webhook-0");
    assertThat(workspace.resolve("secrets/prod-eu/swept/db/k8s")).exists();
  }

  @ParameterizedTest
  @CsvSource({
    "swept, get, secrets/anything, yes",
    "swept, list, secrets, no",
    "swept, watch, secrets, no",
    "swept, patch, secrets/db, no",
    "swept, delete, secrets/db, no",
    "swept, get, leases.coordination.k8s.io/other, no",
    "sweeping-system, patch, leases.coordination.k8s.io/sweeping-sweeper, yes",
    "sweeping-system, patch, leases.coordination.k8s.io/other, no",
    "sweeping-system, create, leases.coordination.k8s.io, no",
    "sweeping-system, patch, secrets/sweeping-ca, yes",
    "sweeping-system, patch, secrets/our-token-key, no",
    "swept, create, pods, no",
  })
  @DisplayName("lets the program do what is its business only")
  void mayAndMayNot(String namespace, String verb, String resource, String answer)
      throws Exception {
    LiveCluster.Output output =
        cluster.kubectl("auth", "can-i", verb, resource, "-n", namespace, "--as", ACCOUNT);
    assertThat(output.stdout().strip()).as("%s", output).isEqualTo(answer);
  }

  private Map<String, String> environment(Path workspace, Path account, RecordingApiServer api)
      throws Exception {
    Map<String, String> env = new HashMap<>(Chart.environment(chart));
    // What is different outside of a pod: addresses and paths, and a folder instead of AWS.
    Path config = workspace.resolve("config.yaml");
    Files.writeString(config, Chart.only(chart, "ConfigMap").at("/data/config.yaml").asText());
    env.put("WEBHOOK_CONFIG", config.toString());
    env.put("WEBHOOK_PORT", "0");
    env.put("WEBHOOK_TLS_HOSTS", env.get("WEBHOOK_TLS_HOSTS") + ",127.0.0.1");
    env.put("WEBHOOK_SERVICE_ACCOUNT", account.toString());
    env.put("WEBHOOK_SECRETS_BACKEND", "directory:" + workspace.resolve("secrets"));
    env.put("KUBERNETES_SERVICE_HOST", "127.0.0.1");
    env.put("KUBERNETES_SERVICE_PORT", Integer.toString(api.port()));
    env.put("HOSTNAME", "webhook-0");
    env.put("TEST_CA", cluster.certificate().toString());
    return env;
  }

  private static WebhookProcess start(Path workspace, Map<String, String> env) throws Exception {
    return WebhookProcess.start(Path.of(System.getProperty("webhook.jar")), workspace, env);
  }

  /** Lets the configuration of Secrets call this process instead of the Service. */
  private void call(URI address) throws Exception {
    String url = address.resolve("/mutate-secrets").toString();
    String patch =
        """
        [{"op": "remove", "path": "/webhooks/0/clientConfig/service"},
         {"op": "add", "path": "/webhooks/0/clientConfig/url", "value": "%s"}]
        """
            .formatted(url);
    cluster
        .kubectl(
            "patch",
            "mutatingwebhookconfiguration",
            "aws-" + NAME + "-secrets",
            "--type=json",
            "-p",
            patch)
        .orFail();
  }

  /** Until the API server has seen the configuration, and the authority in it, it refuses. */
  private void storeSecret(WebhookProcess webhook) throws Exception {
    LiveCluster.Output created = cluster.kubectlWith(SECRET, "create", "-f", "-");
    while (created.exitCode() != 0) {
      assertThat(created.stderr()).doesNotContain("was not stored");
      assertThat(webhook.log()).doesNotContain("HTTP 403");
      created = cluster.kubectlWith(SECRET, "create", "-f", "-");
    }
    JsonNode stored = cluster.kubectl("-n", TENANT, "get", "secret", "db", "-o", "json").json();
    assertThat(new String(Base64.getDecoder().decode(stored.at("/data/password").asText()), UTF_8))
        .startsWith("prod-eu/swept/db/k8s?version=");
  }

  private void apply(JsonNode object) throws Exception {
    cluster.kubectlWith(object.toString(), "apply", "--validate=false", "-f", "-").orFail();
  }

  /** Verb, resource, name; tenants' Secrets have any name. */
  private static Set<String> used(List<RecordingApiServer.Call> calls) {
    return calls.stream()
        .map(
            call -> {
              String[] path = call.path().split("/", -1);
              String name =
                  call.path().contains("/namespaces/" + TENANT + "/") ? "*" : path[path.length - 1];
              return verb(call.method()) + " " + path[path.length - 2] + " " + name;
            })
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static String verb(String method) {
    return switch (method) {
      case "GET" -> "get";
      case "PATCH" -> "patch";
      default -> throw new AssertionError("no right is granted for " + method);
    };
  }

  private Set<String> granted() {
    Set<String> granted = new TreeSet<>();
    for (JsonNode object : chart) {
      for (JsonNode rule :
          object.path("kind").asText().endsWith("Role")
              ? object.path("rules")
              : List.<JsonNode>of()) {
        for (JsonNode verb : rule.path("verbs")) {
          for (JsonNode resource : rule.path("resources")) {
            if (!rule.has("resourceNames")) {
              granted.add(verb.asText() + " " + resource.asText() + " *");
            }
            for (JsonNode name : rule.path("resourceNames")) {
              granted.add(verb.asText() + " " + resource.asText() + " " + name.asText());
            }
          }
        }
      }
    }
    return granted;
  }
}
