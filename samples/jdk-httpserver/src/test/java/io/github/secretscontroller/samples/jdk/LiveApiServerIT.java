package io.github.secretscontroller.samples.jdk;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionReply;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import io.github.secretscontroller.admission.ServingCertificate;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.LiveClusterExtension;
import io.github.secretscontroller.admission.testkit.RecordedReviews;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodVerdict;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import io.kubernetes.client.openapi.apis.CoreV1Api;
import io.kubernetes.client.openapi.models.V1Pod;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The webhook program behind a real API server; asserts on what that stores. */
@DisplayName("Behind a real API server, the webhook")
@ExtendWith(LiveClusterExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LiveApiServerIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PREFIX = "secrets.k8s.aws/";
  private static final String ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-password-hlRvvF";
  private static final Map<String, String> ENVIRONMENT =
      Map.of("WEBHOOK_FETCHER_IMAGE", "example/fetcher:1");

  private static final String PODS =
      "io.github.secretscontroller.admission.testkit.RecordedReviews#PODS";

  /** In these namespaces webhooks are called: ours, ours by v1beta1, and ours with another one. */
  private static final String INJECTED = "injected";

  private static final String V1BETA1 = "v1beta1";
  private static final String REINVOKED = "reinvoked";

  /** Where no webhook is called. */
  private static final String PLAIN = "plain";

  private final LiveCluster cluster;
  private WebhookProcess webhook;
  private OtherWebhook other;

  LiveApiServerIT(LiveCluster cluster) {
    this.cluster = cluster;
  }

  @BeforeAll
  void start(@TempDir Path workspace) throws Exception {
    webhook =
        WebhookProcess.start(
            Path.of(System.getProperty("webhook.jar")),
            Files.createDirectory(workspace.resolve("ours")),
            ENVIRONMENT);
    other = OtherWebhook.start(Files.createDirectory(workspace.resolve("other")));
    for (String namespace : List.of(INJECTED, V1BETA1, REINVOKED, PLAIN)) {
      cluster.createNamespace(namespace, "webhooks=" + namespace);
      cluster
          .kubectl("-n", namespace, "create", "serviceaccount", "webserver-service-account")
          .orFail();
    }
    register("a-secrets", INJECTED, "v1", webhook.address(), webhook.caPem());
    register("a-secrets-v1beta1", V1BETA1, "v1beta1", webhook.address(), webhook.caPem());
    register("a-secrets-reinvoked", REINVOKED, "v1", webhook.address(), webhook.caPem());
    register("b-other", REINVOKED, "v1", other.address(), other.caPem());
  }

  @AfterAll
  void stop() throws Exception {
    if (other != null) {
      other.close();
    }
    if (webhook != null) {
      webhook.close();
    }
  }

  private void register(String name, String namespace, String version, URI address, String ca)
      throws Exception {
    ObjectNode configuration = JSON.createObjectNode();
    configuration.put("apiVersion", "admissionregistration.k8s.io/v1");
    configuration.put("kind", "MutatingWebhookConfiguration");
    configuration.putObject("metadata").put("name", name);
    ObjectNode hook = configuration.putArray("webhooks").addObject();
    hook.put("name", name + ".secrets.example");
    hook.putObject("clientConfig")
        .put("url", address.resolve("/mutate-pods").toString())
        .put("caBundle", ca.getBytes(UTF_8));
    ArrayNode rules = hook.putArray("rules");
    rules.add(rule("", List.of("CREATE"), List.of("pods")));
    rules.add(
        rule(
            "apps",
            List.of("CREATE", "UPDATE"),
            List.of("deployments", "replicasets", "statefulsets", "daemonsets")));
    rules.add(rule("batch", List.of("CREATE", "UPDATE"), List.of("jobs")));
    hook.putArray("admissionReviewVersions").add(version);
    hook.put("sideEffects", "NoneOnDryRun");
    hook.put("failurePolicy", "Fail");
    hook.put("reinvocationPolicy", "IfNeeded");
    hook.put("timeoutSeconds", 10);
    hook.putObject("namespaceSelector").putObject("matchLabels").put("webhooks", namespace);
    ObjectNode probe = pod("probe", Map.of(PREFIX + "secret-arn", ARN));
    ((ObjectNode) probe.get("metadata")).put("namespace", namespace);
    cluster.register(
        configuration.toString(),
        probe.toString(),
        name.equals("b-other") ? OtherWebhook.CONTAINER : "secrets-init-container");
  }

  private static ObjectNode rule(String group, List<String> operations, List<String> resources) {
    ObjectNode rule = JSON.createObjectNode();
    rule.putArray("apiGroups").add(group);
    rule.putArray("apiVersions").add("v1");
    operations.forEach(rule.putArray("operations")::add);
    resources.forEach(rule.putArray("resources")::add);
    return rule;
  }

  private static ObjectNode pod(String name, Map<String, String> annotations) {
    ObjectNode pod = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Pod");
    ObjectNode metadata = pod.putObject("metadata").put("name", name);
    annotations.forEach(metadata.putObject("annotations")::put);
    pod.putObject("spec")
        .putArray("containers")
        .addObject()
        .put("name", "app")
        .put("image", "example/app:1");
    return pod;
  }

  /** The pod of a recorded review as a client would send it. */
  private static ObjectNode recorded(String review, String name) throws Exception {
    ObjectNode pod =
        (ObjectNode) JSON.readTree(RecordedReviews.bytes(review)).at("/request/object");
    pod.remove("status");
    ObjectNode metadata = (ObjectNode) pod.get("metadata");
    metadata.remove(
        List.of("uid", "creationTimestamp", "managedFields", "generateName", "namespace"));
    metadata.put("name", name);
    return pod;
  }

  private JsonNode stored(String namespace, String name) throws Exception {
    return cluster.kubectl("-n", namespace, "get", "pod", name, "-o", "json").json();
  }

  private static List<String> names(JsonNode containers) {
    return containers.valueStream().map(c -> c.get("name").textValue()).toList();
  }

  private CoreV1Api api() throws Exception {
    ApiClient client = new ApiClient();
    client.setBasePath(cluster.url().toString());
    client.setApiKeyPrefix("Bearer");
    client.setApiKey(cluster.token());
    try (InputStream ca = Files.newInputStream(cluster.certificate())) {
      client.setSslCaCert(ca);
    }
    return new CoreV1Api(client);
  }

  /** What the webhook would answer, worked out in this process. */
  private static JsonNode expected(String review) throws Exception {
    AdmissionHandler handler =
        AdmissionHandler.builder()
            .mutator(new SecretInjector(InjectorConfig.fromEnvironment(ENVIRONMENT)))
            .build();
    return JSON.readTree(handler.handle(RecordedReviews.bytes(review)).body()).get("response");
  }

  @ParameterizedTest
  @FieldSource(PODS)
  @DisplayName("injects each recorded pod once, or refuses it with its sentence")
  void everyFixture(String review) throws Exception {
    V1Pod pod = V1Pod.fromJson(recorded(review, review).toString());
    // The model makes it an empty map, which the API server takes for an overhead.
    pod.getSpec().setOverhead(null);
    JsonNode expected = expected(review);
    if (!expected.get("allowed").booleanValue()) {
      ApiException refusal =
          assertThrows(
              ApiException.class, () -> api().createNamespacedPod(INJECTED, pod).execute());
      assertThat(refusal.getCode()).isEqualTo(expected.at("/status/code").intValue());
      assertThat(JSON.readTree(refusal.getResponseBody()).get("message").textValue())
          .contains("can't get its secrets");
      assertThat(cluster.kubectl("-n", INJECTED, "get", "pod", review).stderr())
          .contains("NotFound");
      return;
    }
    api().createNamespacedPod(INJECTED, pod).execute();
    JsonNode stored = stored(INJECTED, review);
    long fetchers =
        names(stored.at("/spec/initContainers")).stream()
            .filter("secrets-init-container"::equals)
            .count();
    assertThat(fetchers).isEqualTo(expected.has("patch") ? 1 : 0);
  }

  @ParameterizedTest
  @FieldSource(PODS)
  @DisplayName("takes nothing away: what is stored without it is stored with it, too")
  void takesNothingAway(String review) throws Exception {
    if (!expected(review).get("allowed").booleanValue()) {
      return;
    }
    ObjectNode pod = recorded(review, "kept-" + review);
    for (String namespace : List.of(PLAIN, INJECTED)) {
      cluster
          .kubectlWith(pod.toString(), "-n", namespace, "create", "--validate=false", "-f", "-")
          .orFail();
    }
    JsonNode plain = stored(PLAIN, "kept-" + review);
    JsonNode injected = stored(INJECTED, "kept-" + review);
    assertContains(injected.get("spec"), plain.get("spec"), "spec");
    assertContains(
        injected.at("/metadata/annotations"), plain.at("/metadata/annotations"), "annotations");
    assertContains(injected.at("/metadata/labels"), plain.at("/metadata/labels"), "labels");
  }

  /** Elements of an array are found by their name, others by equality. */
  private static void assertContains(JsonNode whole, JsonNode part, String path) {
    if (part.isObject()) {
      for (Map.Entry<String, JsonNode> field : part.properties()) {
        assertThat(whole.has(field.getKey())).as(path + "/" + field.getKey()).isTrue();
        assertContains(whole.get(field.getKey()), field.getValue(), path + "/" + field.getKey());
      }
    } else if (part.isArray()) {
      for (JsonNode element : part) {
        String key = element.has("mountPath") ? "mountPath" : "name";
        JsonNode found =
            whole
                .valueStream()
                .filter(
                    e -> element.has(key) ? element.get(key).equals(e.get(key)) : element.equals(e))
                .findFirst()
                .orElseThrow(() -> new AssertionError(path + " lost " + element));
        if (!isServiceAccountMount(element)) {
          assertContains(found, element, path + "/" + element.path(key).asText());
        }
      }
    } else {
      assertThat(whole).as(path).isEqualTo(part);
    }
  }

  /** Its volume has another random name in each pod. */
  private static boolean isServiceAccountMount(JsonNode element) {
    return element
        .path("mountPath")
        .asText()
        .equals("/var/run/secrets/kubernetes.io/serviceaccount");
  }

  @Test
  @DisplayName("is understood by v1beta1, too")
  void v1beta1() throws Exception {
    ObjectNode pod = pod("by-v1beta1", Map.of(PREFIX + "secret-arn", ARN));
    cluster.kubectlWith(pod.toString(), "-n", V1BETA1, "apply", "-f", "-").orFail();
    assertThat(names(stored(V1BETA1, "by-v1beta1").at("/spec/initContainers")))
        .containsExactly("secrets-init-container");
  }

  @Test
  @DisplayName("refuses with a sentence that kubectl shows, and nothing is stored")
  void refuses() throws Exception {
    ObjectNode pod =
        pod("refused", Map.of(PREFIX + "secret-arn", ARN, PREFIX + "mount-path", "relative/path"));
    LiveCluster.Output output =
        cluster.kubectlWith(pod.toString(), "-n", INJECTED, "apply", "-f", "-");
    assertThat(output.exitCode()).isNotZero();
    assertThat(output.stderr())
        .contains(
            "pod injected/refused can't get its secrets", PREFIX + "mount-path", "relative/path");
    assertThat(cluster.kubectl("-n", INJECTED, "get", "pod", "refused").stderr())
        .contains("NotFound");
  }

  @Test
  @DisplayName("shows in a dry run what it would do, and does nothing")
  void dryRun() throws Exception {
    ObjectNode pod = pod("dry", Map.of(PREFIX + "secret-arn", ARN));
    JsonNode shown =
        cluster
            .kubectlWith(
                pod.toString(),
                "-n",
                INJECTED,
                "apply",
                "--dry-run=server",
                "-o",
                "json",
                "-f",
                "-")
            .json();
    assertThat(names(shown.at("/spec/initContainers"))).containsExactly("secrets-init-container");
    assertThat(cluster.kubectl("-n", INJECTED, "get", "pod", "dry").stderr()).contains("NotFound");
  }

  @Test
  @DisplayName("does no harm when it is invoked again, and serves containers that came between")
  void reinvocation() throws Exception {
    ObjectNode pod = pod("twice", Map.of(PREFIX + "secret-arn", ARN));
    cluster.kubectlWith(pod.toString(), "-n", REINVOKED, "apply", "-f", "-").orFail();
    JsonNode spec = stored(REINVOKED, "twice").get("spec");
    assertThat(names(spec.get("initContainers"))).containsExactly("secrets-init-container");
    assertThat(names(spec.get("containers"))).containsExactly("app", OtherWebhook.CONTAINER);
    assertThat(names(spec.get("volumes"))).containsOnlyOnce("secret-vol");
    for (JsonNode container : spec.get("containers")) {
      assertThat(names(container.get("volumeMounts"))).containsOnlyOnce("secret-vol");
    }
  }

  @Test
  @DisplayName("warns of a mistyped annotation where kubectl shows it")
  void warns() throws Exception {
    ObjectNode pod = pod("warned", Map.of(PREFIX + "secret-anr", ARN));
    LiveCluster.Output output =
        cluster.kubectlWith(pod.toString(), "-n", INJECTED, "apply", "-f", "-");
    assertThat(output.orFail().stderr()).contains("Warning: ", "secret-anr", "secret-arn");
  }

  @ParameterizedTest
  @ValueSource(strings = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})
  @DisplayName("warns of a workload whose pods would be refused, and stores it unchanged")
  void workloads(String kind) throws Exception {
    String name = "bad-" + kind.toLowerCase(Locale.ROOT);
    ObjectNode workload = JSON.createObjectNode().put("kind", kind);
    workload.put("apiVersion", kind.equals("Job") ? "batch/v1" : "apps/v1");
    workload.putObject("metadata").put("name", name);
    ObjectNode spec = workload.putObject("spec");
    ObjectNode template =
        pod("x", Map.of(PREFIX + "secret-arn", ARN, PREFIX + "mount-path", "relative/path"));
    template.remove(List.of("kind", "apiVersion"));
    ((ObjectNode) template.get("metadata")).remove("name");
    if (kind.equals("Job")) {
      ((ObjectNode) template.get("spec")).put("restartPolicy", "Never");
    } else {
      ((ObjectNode) template.get("metadata")).putObject("labels").put("app", name);
      spec.putObject("selector").putObject("matchLabels").put("app", name);
    }
    if (kind.equals("StatefulSet")) {
      spec.put("serviceName", name);
    }
    spec.set("template", template);
    LiveCluster.Output output =
        cluster.kubectlWith(workload.toString(), "-n", INJECTED, "apply", "-f", "-").orFail();
    assertThat(output.stderr())
        .contains("Warning: will be refused: pod of " + kind + " " + name, "relative/path");
    JsonNode stored = cluster.kubectl("-n", INJECTED, "get", kind, name, "-o", "json").json();
    assertThat(stored.at("/spec/template/spec").has("initContainers")).isFalse();
  }

  @Test
  @DisplayName("leaves the plan's digest and the number of secrets in the audit log")
  void audit() throws Exception {
    ObjectNode pod = pod("audited", Map.of(PREFIX + "secret-arn", ARN));
    cluster.kubectlWith(pod.toString(), "-n", INJECTED, "apply", "-f", "-").orFail();
    Set<String> keys = new TreeSet<>();
    for (String line : cluster.auditLog().lines().toList()) {
      JsonNode event = JSON.readTree(line);
      if (event.at("/objectRef/name").asText().equals("audited")) {
        event.at("/annotations").fieldNames().forEachRemaining(keys::add);
      }
    }
    assertThat(keys)
        .contains("a-secrets.secrets.example/plan-digest", "a-secrets.secrets.example/secrets");
  }

  /** Another webhook, which adds a container: a mutator of a team's own, hosted in ten lines. */
  private record OtherWebhook(HttpsServer server, ExecutorService threads, String caPem)
      implements AutoCloseable {

    static final String CONTAINER = "added-by-another";

    static OtherWebhook start(Path workspace) throws Exception {
      PodMutator mutator =
          (pod, request) -> {
            ArrayNode containers = (ArrayNode) pod.at("/spec/containers");
            if (!names(containers).contains(CONTAINER)) {
              containers.addObject().put("name", CONTAINER).put("image", "example/other:1");
            }
            return PodVerdict.allow();
          };
      AdmissionHandler handler = AdmissionHandler.builder().mutator(mutator).build();
      ServingCertificate certificate =
          ServingCertificate.fromEnvironment(
              Map.of("WEBHOOK_CA_OUT", workspace.resolve("ca.pem").toString()));
      HttpsServer server =
          HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      server.setHttpsConfigurator(new HttpsConfigurator(certificate.sslContext()));
      ExecutorService threads = Executors.newCachedThreadPool();
      server.setExecutor(threads);
      server.createContext(
          "/",
          exchange -> {
            try (exchange) {
              AdmissionReply reply = handler.handle(exchange.getRequestBody().readAllBytes());
              exchange.getResponseHeaders().set("Content-Type", reply.contentType());
              exchange.sendResponseHeaders(reply.httpStatus(), reply.body().length);
              exchange.getResponseBody().write(reply.body());
            }
          });
      server.start();
      return new OtherWebhook(server, threads, certificate.caPem());
    }

    URI address() {
      return URI.create("https://127.0.0.1:" + server.getAddress().getPort());
    }

    @Override
    public void close() {
      server.stop(0);
      threads.shutdownNow();
    }
  }
}
