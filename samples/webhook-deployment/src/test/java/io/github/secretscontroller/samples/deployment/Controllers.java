package io.github.secretscontroller.samples.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * What a cluster has besides an API server: makes a Pod of each Deployment, or a process if it is
 * the webhook's, and reports it as rolled out.
 */
final class Controllers implements AutoCloseable {

  static final String SYSTEM = "secrets-system";

  private static final String NAME = "secrets-webhook";
  private static final String ANNOTATED =
      """
      {"apiVersion": "v1", "kind": "Pod",
       "metadata": {"name": "probe", "namespace": "default", "annotations":
         {"secrets.k8s.aws/secret-arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-hlRvvF"}},
       "spec": {"containers": [{"name": "probe", "image": "example/probe:1"}]}}
      """;
  private static final String NATIVE =
      """
      {"apiVersion": "v1", "kind": "Secret",
       "metadata": {"name": "probe", "namespace": "default",
                    "labels": {"secrets.k8s.aws/native": "enabled"}},
       "stringData": {"key": "probe"}}
      """;

  private final LiveCluster cluster;
  private final Path workspace;
  private final int port;
  private final Map<String, String> aws;
  private final CountDownLatch stopped = new CountDownLatch(1);
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private final Thread thread = new Thread(this::run, "controllers");
  private @Nullable WebhookProcess webhook;

  /**
   * @param port where the webhook listens
   * @param aws what EKS would put into the environment of a pod that has a role
   */
  Controllers(LiveCluster cluster, Path workspace, int port, Map<String, String> aws) {
    this.cluster = cluster;
    this.workspace = workspace;
    this.port = port;
    this.aws = Map.copyOf(aws);
    thread.start();
  }

  /** What went wrong, if something did. */
  Optional<Throwable> failure() {
    return Optional.ofNullable(failure.get());
  }

  private void run() {
    try {
      while (!stopped.await(200, TimeUnit.MILLISECONDS)) {
        JsonNode deployments = cluster.kubectl("get", "deployments", "-A", "-o", "json").json();
        for (JsonNode deployment : deployments.path("items")) {
          long generation = deployment.at("/metadata/generation").asLong();
          if (generation != deployment.at("/status/observedGeneration").asLong()) {
            rollOut((ObjectNode) deployment, generation);
          }
        }
      }
    } catch (Exception | AssertionError e) {
      failure.set(e);
    }
  }

  private void rollOut(ObjectNode deployment, long generation) throws Exception {
    String namespace = deployment.at("/metadata/namespace").asText();
    String name = deployment.at("/metadata/name").asText();
    if (namespace.equals(SYSTEM)) {
      startWebhook(deployment);
    } else {
      cluster.kubectl("-n", namespace, "delete", "pods", "--all", "--grace-period=0", "--force");
      ObjectNode pod = deployment.at("/spec/template").deepCopy();
      pod.put("apiVersion", "v1").put("kind", "Pod");
      ((ObjectNode) pod.get("metadata")).put("name", name + "-" + generation);
      LiveCluster.Output created =
          cluster.kubectlWith(pod.toString(), "-n", namespace, "create", "-f", "-");
      // An API server before 1.29 knows no native sidecars, but that the webhook has put one in.
      if (!created.stderr().contains("must not be set for init containers")) {
        created.orFail();
      }
    }
    long replicas = deployment.at("/spec/replicas").asLong();
    deployment
        .putObject("status")
        .put("observedGeneration", generation)
        .put("replicas", replicas)
        .put("updatedReplicas", replicas)
        .put("readyReplicas", replicas)
        .put("availableReplicas", replicas);
    String path = "/apis/apps/v1/namespaces/" + namespace + "/deployments/" + name + "/status";
    // Somebody else may have changed it meanwhile; then the next round finds that.
    cluster.kubectlWith(deployment.toString(), "replace", "--raw", path, "-f", "-");
  }

  private void startWebhook(JsonNode deployment) throws Exception {
    if (webhook != null) {
      webhook.close();
    }
    Map<String, String> env = new HashMap<>();
    deployment
        .at("/spec/template/spec/containers/0/env")
        .forEach(v -> env.put(v.path("name").asText(), v.path("value").asText()));
    boolean storesSecrets = env.containsKey("WEBHOOK_SECRETS_BACKEND");
    // What is different outside of a pod: addresses and paths.
    Path config = workspace.resolve("config.yaml");
    Files.writeString(config, get("configmap", NAME).at("/data/config.yaml").asText());
    env.put("WEBHOOK_CONFIG", config.toString());
    if (storesSecrets) {
      Path key = workspace.resolve("token-key");
      Files.write(key, get("secret", "secrets-webhook-token").at("/data/token-key").binaryValue());
      env.put("WEBHOOK_TOKEN_KEY", key.toString());
      env.putAll(aws);
    }
    env.put("WEBHOOK_PORT", Integer.toString(port));
    env.put("WEBHOOK_TLS_HOSTS", env.get("WEBHOOK_TLS_HOSTS") + ",127.0.0.1");
    env.put(
        "WEBHOOK_SERVICE_ACCOUNT",
        Kubelet.serviceAccount(cluster, SYSTEM, NAME, workspace).toString());
    env.put("KUBERNETES_SERVICE_HOST", cluster.url().getHost());
    env.put("KUBERNETES_SERVICE_PORT", Integer.toString(cluster.url().getPort()));
    env.put("TEST_CA", cluster.certificate().toString());
    webhook = WebhookProcess.start(Path.of(System.getProperty("webhook.jar")), workspace, env);
    // A pod is ready a few seconds later, when each API server knows its authority.
    awaitDryRun(ANNOTATED, "secrets-init-container");
    if (storesSecrets) {
      // "dry-run: a reference would be stored here"
      awaitDryRun(NATIVE, "ZHJ5LXJ1bjog");
    }
  }

  private void awaitDryRun(String manifest, String reaction) throws Exception {
    LiveCluster.Output output;
    do {
      output = cluster.kubectlWith(manifest, "create", "--dry-run=server", "-o", "yaml", "-f", "-");
    } while (!output.stdout().contains(reaction) && stopped.getCount() > 0);
  }

  private JsonNode get(String kind, String name) throws Exception {
    return cluster.kubectl("-n", SYSTEM, "get", kind, name, "-o", "json").json();
  }

  @Override
  public void close() throws Exception {
    stopped.countDown();
    thread.join();
    if (webhook != null) {
      webhook.close();
    }
  }
}
