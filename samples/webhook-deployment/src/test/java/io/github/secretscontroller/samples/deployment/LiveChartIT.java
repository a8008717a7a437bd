package io.github.secretscontroller.samples.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionReply;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import io.github.secretscontroller.admission.SelfManagedCertificate;
import io.github.secretscontroller.admission.ServingCertificate;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.LiveClusterExtension;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import io.kubernetes.client.openapi.ApiClient;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** The rendered chart in a real API server, and the webhook with the rights that it grants. */
@DisplayName("In a real API server, the chart")
@ExtendWith(LiveClusterExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LiveChartIT {

  private static final String CONFIGURATION = "aws-secrets-webhook-pods";
  private static final String POD =
      """
      apiVersion: v1
      kind: Pod
      metadata:
        name: web
        namespace: shop
        annotations:
          secrets.k8s.aws/secret-arn: arn:aws:secretsmanager:us-east-1:123456789012:secret:db-hlRvvF
      spec:
        containers: [{name: web, image: "example/web:1"}]
      """;

  /** Kinds that only newer API servers have, or that somebody else defines. */
  private static final Set<String> NOT_EVERYWHERE =
      Set.of("policy/v1", "autoscaling/v2", "cert-manager.io/v1", "monitoring.coreos.com/v1");

  private final LiveCluster cluster;
  private List<JsonNode> chart;

  LiveChartIT(LiveCluster cluster) {
    this.cluster = cluster;
  }

  @BeforeAll
  void install() throws Exception {
    cluster.createNamespace(Chart.NAMESPACE);
    cluster.createNamespace("shop");
    chart = Chart.objects(Chart.render("1.33.0", Map.of()));
    for (String kind : List.of("Secret", "ServiceAccount", "Role", "RoleBinding")) {
      apply(Chart.only(chart, kind));
    }
    apply(Chart.only(chart, "ClusterRole"));
    apply(Chart.only(chart, "ClusterRoleBinding"));
  }

  @AfterAll
  void uninstall() throws Exception {
    cluster.kubectl("delete", "mutatingwebhookconfiguration", CONFIGURATION, "--ignore-not-found");
  }

  @Test
  @DisplayName("passes a dry run of each object, in each mode and with everything on")
  void dryRun() throws Exception {
    Set<String> passed = new HashSet<>();
    for (Map<String, Object> mode : ChartTest.MODES.values()) {
      Map<String, Object> values = new HashMap<>(ChartTest.OPTIONS.get("everything on"));
      values.putAll(mode);
      // What isn't PEM is refused by a real API server.
      values.replace("tls.provided.caBundle", authority());
      values.replace("tls.clientCertificates.ca", authority());
      for (JsonNode object : Chart.objects(Chart.render("1.33.0", values))) {
        LiveCluster.Output output =
            cluster.kubectlWith(
                object.toString(), "apply", "--validate=false", "--dry-run=server", "-f", "-");
        boolean missing =
            NOT_EVERYWHERE.contains(object.path("apiVersion").asText())
                && output.stderr().contains("no matches for kind");
        if (!missing) {
          output.orFail();
          passed.add(object.path("kind").asText());
        }
      }
    }
    assertThat(passed)
        .contains(
            "Deployment",
            "Service",
            "MutatingWebhookConfiguration",
            "NetworkPolicy",
            "ClusterRole",
            "Secret");
  }

  @Test
  @DisplayName(
      "grants the program what it needs to become ready by itself, with the chart's environment")
  void program(@TempDir Path workspace) throws Exception {
    resetAuthority();
    Path account = Kubelet.serviceAccount(cluster, Chart.NAMESPACE, "secrets-webhook", workspace);
    Map<String, String> env = Chart.environment(chart);
    // What is different outside of a pod: addresses and paths.
    Path config = workspace.resolve("config.yaml");
    Files.writeString(config, Chart.only(chart, "ConfigMap").at("/data/config.yaml").asText());
    env.put("WEBHOOK_CONFIG", config.toString());
    env.put("WEBHOOK_PORT", "0");
    env.put("WEBHOOK_TLS_HOSTS", env.get("WEBHOOK_TLS_HOSTS") + ",127.0.0.1");
    env.put("WEBHOOK_SERVICE_ACCOUNT", account.toString());
    env.put("KUBERNETES_SERVICE_HOST", cluster.url().getHost());
    env.put("KUBERNETES_SERVICE_PORT", Integer.toString(cluster.url().getPort()));
    env.put("TEST_CA", cluster.certificate().toString());
    try (WebhookProcess webhook =
        WebhookProcess.start(Path.of(System.getProperty("webhook.jar")), workspace, env)) {
      configure(webhook.address());
      String bundle = "";
      while (bundle.isEmpty()) {
        assertThat(webhook.log()).doesNotContain("HTTP 403");
        bundle = configuration().at("/webhooks/0/clientConfig/caBundle").asText();
      }
      assertThat(bundle).isEqualTo(secret().at("/data/ca.crt").asText());
      LiveCluster.Output created = dryRunPod();
      while (created.exitCode() != 0) {
        // The API server learns of a new configuration after a moment.
        assertThat(created.stderr()).doesNotContain("can't get its secrets");
        created = dryRunPod();
      }
      assertInjected(created);
    }
  }

  @Test
  @DisplayName("sees each pod injected while authority and certificate are renewed five times")
  void renewals(@TempDir Path workspace) throws Exception {
    resetAuthority();
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    URI address = URI.create("https://127.0.0.1:" + server.getAddress().getPort());
    configure(address);
    ExecutorService executor = Executors.newFixedThreadPool(4);
    AdmissionHandler handler =
        AdmissionHandler.builder()
            .mutator(
                new SecretInjector(
                    InjectorConfig.builder().fetcherImage("example/fetcher:1").build()))
            .build();
    try (ServingCertificate certificate =
        SelfManagedCertificate.builder(
                client(
                    Kubelet.serviceAccount(cluster, Chart.NAMESPACE, "secrets-webhook", workspace)))
            .secret(Chart.NAMESPACE, "secrets-webhook-ca")
            .configurations(List.of(CONFIGURATION))
            .hosts(Set.of("127.0.0.1"))
            // An API server takes up to two seconds to see a change.
            .settleTime(Duration.ofSeconds(4))
            .authorityLifetime(Duration.ofSeconds(24))
            .certificateLifetime(Duration.ofSeconds(9))
            .build()) {
      server.setHttpsConfigurator(new HttpsConfigurator(certificate.sslContext()));
      server.setExecutor(executor);
      server.createContext(
          "/",
          exchange -> {
            AdmissionReply reply = handler.handle(exchange.getRequestBody().readAllBytes());
            exchange.getResponseHeaders().set("Content-Type", reply.contentType());
            // A new connection, and so a new handshake, for each review.
            exchange.getResponseHeaders().set("Connection", "close");
            exchange.sendResponseHeaders(reply.httpStatus(), reply.body().length);
            exchange.getResponseBody().write(reply.body());
            exchange.close();
          });
      server.start();
      assertThat(certificate.problem()).isEmpty();
      LiveCluster.Output first = dryRunPod();
      while (first.exitCode() != 0) {
        first = dryRunPod();
      }
      Set<String> authorities = new HashSet<>();
      Set<String> certificates = new HashSet<>();
      int pods = 0;
      while (authorities.size() < 6) {
        certificate.refresh();
        assertThat(certificate.problem()).isEmpty();
        authorities.add(certificate.caPem());
        certificates.add(certificate.chainPem());
        assertInjected(dryRunPod());
        pods++;
      }
      assertThat(certificates).hasSizeGreaterThan(6);
      assertThat(pods).isGreaterThan(authorities.size());
    } finally {
      server.stop(0);
      executor.shutdownNow();
    }
  }

  private LiveCluster.Output dryRunPod() throws Exception {
    return cluster.kubectlWith(POD, "create", "--dry-run=server", "-o", "json", "-f", "-");
  }

  private static void assertInjected(LiveCluster.Output created) {
    assertThat(created.exitCode()).as(created.stderr()).isZero();
    assertThat(created.json().at("/spec/initContainers/0/name").asText())
        .isEqualTo("secrets-init-container");
  }

  /** The chart's configuration, which calls this process instead of the Service. */
  private void configure(URI address) throws Exception {
    cluster.kubectl("delete", "mutatingwebhookconfiguration", CONFIGURATION, "--ignore-not-found");
    ObjectNode configuration = Chart.only(chart, "MutatingWebhookConfiguration").deepCopy();
    for (JsonNode webhook : configuration.path("webhooks")) {
      ((ObjectNode) webhook)
          .putObject("clientConfig")
          .put("url", address.resolve("/mutate-pods").toString());
    }
    apply(configuration);
  }

  private void apply(JsonNode object) throws Exception {
    cluster
        // An old API server drops what it doesn't know, such as matchConditions.
        .kubectlWith(object.toString(), "apply", "--validate=false", "-f", "-")
        .orFail();
  }

  private JsonNode configuration() throws Exception {
    return cluster
        .kubectl("get", "mutatingwebhookconfiguration", CONFIGURATION, "-o", "json")
        .json();
  }

  private JsonNode secret() throws Exception {
    return cluster
        .kubectl("-n", Chart.NAMESPACE, "get", "secret", "secrets-webhook-ca", "-o", "json")
        .json();
  }

  private void resetAuthority() throws Exception {
    cluster
        .kubectl(
            "-n",
            Chart.NAMESPACE,
            "patch",
            "secret",
            "secrets-webhook-ca",
            "--type=merge",
            "-p",
            "{\"data\":null}")
        .orFail();
  }

  private ApiClient client(Path account) throws Exception {
    ApiClient client = new ApiClient();
    client.setBasePath(cluster.url().toString());
    client.setApiKeyPrefix("Bearer");
    client.setApiKey(Files.readString(account.resolve("token"), StandardCharsets.US_ASCII));
    try (InputStream ca = Files.newInputStream(account.resolve("ca.crt"))) {
      client.setSslCaCert(ca);
    }
    return client;
  }

  private static String authority() {
    return ServingCertificate.selfSigned(Set.of("localhost"), Clock.systemUTC()).caPem();
  }
}
