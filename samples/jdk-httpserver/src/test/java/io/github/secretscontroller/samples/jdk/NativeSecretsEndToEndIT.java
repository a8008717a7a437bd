package io.github.secretscontroller.samples.jdk;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.NativeSecretSweeper;
import io.github.secretscontroller.admission.NativeSecretSweeper.Sweep;
import io.github.secretscontroller.admission.NativeSecretsConfig;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.LiveClusterExtension;
import io.github.secretscontroller.admission.testkit.WebhookProcess;
import io.github.secretscontroller.aws.AwsEnvironment;
import io.github.secretscontroller.aws.SecretsManagerWriter;
import io.kubernetes.client.openapi.ApiClient;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The whole way of a native Secret: kubectl, a real API server, the webhook program, AWS's API, the
 * Pod as the API server stored it, and the fetcher program. Only what kubelet does is done here.
 */
@DisplayName("On its whole way, a native Secret")
@ExtendWith(LiveClusterExtension.class)
class NativeSecretsEndToEndIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final byte[] PASSWORD =
      ("canary-" + UUID.randomUUID() + " \u00e4\n").getBytes(UTF_8);
  private static final byte[] KEYSTORE = everyByte();
  private static final String VERSION = "/metadata/annotations/secrets.k8s.aws~1native-version";

  private final LiveCluster cluster;
  private final String name = "e2e-" + UUID.randomUUID();
  private AwsProxy aws;
  private WebhookProcess webhook;

  @TempDir Path workspace;

  NativeSecretsEndToEndIT(LiveCluster cluster) {
    this.cluster = cluster;
  }

  private static byte[] everyByte() {
    byte[] bytes = new byte[256];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * 89 + 17);
    }
    return bytes;
  }

  @BeforeEach
  void startProxy() throws Exception {
    aws = AwsProxy.start();
    cluster.createNamespace(name, "webhooks=" + name);
  }

  @AfterEach
  void stop() throws Exception {
    cluster.kubectl("delete", "mutatingwebhookconfiguration", name, "--ignore-not-found").orFail();
    if (webhook != null) {
      webhook.close();
    }
    aws.close();
  }

  /** Starts the webhook, and lets the API server call it for the test's namespace. */
  private void start(String backend) throws Exception {
    boolean kms = backend.equals("kms");
    String key = kms ? kmsKey() : "";
    Path config =
        Files.writeString(
            workspace.resolve("webhook.yaml"),
            """
            env: {SECRETS_ROOT: '%s', SECRETS_RESOLVE_ROOT: '%s'}
            nativeSecrets: {cluster: %s, layout: %s}
            """
                    .formatted(
                        Files.createDirectory(workspace.resolve("volume")),
                        workspace,
                        name,
                        backend.equals("secretsmanager by key") ? "key" : "secret")
                + (kms ? "kms: {keys: ['%s'], cluster: %s}\n".formatted(key, name) : ""));
    Map<String, String> environment = new HashMap<>(aws.variables());
    environment.put("WEBHOOK_SECRETS_BACKEND", kms ? "kms" : "secretsmanager");
    environment.put("WEBHOOK_CONFIG", config.toString());
    environment.put("WEBHOOK_FETCHER_IMAGE", "example/fetcher:1");
    if (kms) {
      environment.put("WEBHOOK_KMS_KEY", key);
    }
    webhook =
        WebhookProcess.start(
            Path.of(System.getProperty("webhook.jar")),
            Files.createDirectory(workspace.resolve("webhook")),
            environment);
    register();
  }

  private void register() throws Exception {
    ObjectNode configuration =
        (ObjectNode)
            JSON.readTree(
                """
                {"apiVersion": "admissionregistration.k8s.io/v1",
                 "kind": "MutatingWebhookConfiguration",
                 "webhooks": [
                  {"name": "pods.secrets.example",
                   "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"],
                              "operations": ["CREATE"]}]},
                  {"name": "native.secrets.example",
                   "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["secrets"],
                              "operations": ["CREATE", "UPDATE", "DELETE"]}]}]}
                """);
    configuration.putObject("metadata").put("name", name);
    for (JsonNode each : configuration.get("webhooks")) {
      ObjectNode hook = (ObjectNode) each;
      hook.put("sideEffects", "NoneOnDryRun").put("failurePolicy", "Fail");
      hook.put("reinvocationPolicy", "IfNeeded").put("timeoutSeconds", 30);
      hook.putArray("admissionReviewVersions").add("v1");
      hook.putObject("namespaceSelector").putObject("matchLabels").put("webhooks", name);
      boolean pods = hook.get("name").textValue().startsWith("pods");
      hook.putObject("clientConfig")
          .put("url", webhook.address().resolve(pods ? "/mutate-pods" : "/mutate-secrets") + "")
          .put("caBundle", webhook.caPem().getBytes(UTF_8));
    }
    cluster.register(configuration.toString(), secret("probe", PASSWORD), "ZHJ5LXJ1bjog");
  }

  private String kmsKey() throws Exception {
    return aws.call(
            "TrentService.CreateKey", JSON.createObjectNode().put("KeyUsage", "ENCRYPT_DECRYPT"))
        .at("/KeyMetadata/Arn")
        .textValue();
  }

  private String secret(String secretName, byte[] password) {
    ObjectNode secret = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Secret");
    ObjectNode metadata = secret.putObject("metadata").put("name", secretName);
    metadata.put("namespace", name).putObject("labels").put("secrets.k8s.aws/native", "enabled");
    secret.putObject("data").put("store.jks", KEYSTORE);
    secret.putObject("stringData").put("password", new String(password, UTF_8));
    return secret.toString();
  }

  private JsonNode stored(String kind, String object) throws Exception {
    return cluster.kubectl("-n", name, "get", kind, object, "-o", "json").json();
  }

  /** A pod as anybody writes it who mounts a Secret, and one annotation; what is stored of it. */
  private JsonNode pod() throws Exception {
    cluster
        .kubectlWith(
            """
            {"apiVersion": "v1", "kind": "Pod",
             "metadata": {"name": "app", "namespace": "%s",
                          "annotations": {"secrets.k8s.aws/resolve": "db"}},
             "spec": {"containers": [{"name": "app", "image": "example/app:1",
                        "volumeMounts": [{"name": "db", "mountPath": "/etc/db"}]}],
                      "volumes": [{"name": "db", "secret": {"secretName": "db"}}]}}
            """
                .formatted(name),
            "apply",
            "-f",
            "-")
        .orFail();
    return stored("pod", "app");
  }

  /** As kubelet fills a Secret's volume, and starts the container that was injected. */
  private Fetched fetch(JsonNode pod, JsonNode secret) throws Exception {
    Path references = Files.createDirectories(workspace.resolve("references/db"));
    Files.createDirectories(workspace.resolve("resolved/db"));
    Path data = Files.createDirectory(references.resolve(".." + UUID.randomUUID()));
    for (Map.Entry<String, JsonNode> entry : secret.get("data").properties()) {
      Files.write(data.resolve(entry.getKey()), entry.getValue().binaryValue());
      Path link = references.resolve(entry.getKey());
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, Path.of("..data").resolve(entry.getKey()));
    }
    Files.deleteIfExists(references.resolve("..data"));
    Files.createSymbolicLink(references.resolve("..data"), data.getFileName());

    ProcessBuilder builder = java("fetcher.jar", "init").redirectErrorStream(true);
    builder.environment().clear();
    JsonNode container = pod.at("/spec/initContainers/0");
    assertThat(container.get("name").textValue()).isEqualTo("secrets-init-container");
    for (JsonNode variable : container.get("env")) {
      builder.environment().put(variable.get("name").asText(), variable.path("value").asText());
    }
    builder.environment().putAll(aws.variables());
    return run(builder);
  }

  private record Fetched(int exitCode, String log) {}

  private static ProcessBuilder java(String program, String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-jar");
    command.add(System.getProperty(program));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command);
  }

  private static Fetched run(ProcessBuilder builder) throws Exception {
    Process process = builder.start();
    String log;
    try (InputStream output = process.getInputStream()) {
      log = new String(output.readAllBytes(), UTF_8);
    }
    return new Fetched(process.waitFor(), log);
  }

  private void assertOriginalFiles() {
    assertThat(workspace.resolve("resolved/db/password")).hasBinaryContent(PASSWORD);
    assertThat(workspace.resolve("resolved/db/store.jks")).hasBinaryContent(KEYSTORE);
  }

  private void assertNowhere(Traces traces) throws Exception {
    String etcd = new String(cluster.etcd(), ISO_8859_1);
    assertThat(etcd).contains("/registry/secrets/" + name + "/db");
    traces.assertNoneIn("etcd, with annotations and managed fields", etcd);
    traces.assertNoneIn("the API server's audit log", cluster.auditLog());
    String metrics = webhook.get("/metrics").body();
    assertThat(metrics).contains("secrets");
    traces.assertNoneIn("the webhook's metrics", metrics);
    traces.assertNoneIn("the webhook's log", "log: " + webhook.log());
  }

  /** That nothing is found means something: a plain Secret's values are. */
  private void assertFoundWhereTheyAre() throws Exception {
    byte[] plain = ("plain-" + UUID.randomUUID()).getBytes(UTF_8);
    ObjectNode secret = (ObjectNode) JSON.readTree(secret("plain", plain));
    ((ObjectNode) secret.get("metadata")).remove("labels");
    secret.remove("data");
    cluster.kubectlWith(secret.toString(), "apply", "-f", "-").orFail();
    String etcd = new String(cluster.etcd(), ISO_8859_1);
    assertThatThrownBy(() -> new Traces(plain).assertNoneIn("etcd", etcd))
        .isInstanceOf(AssertionError.class);
    String elsewhere = Base64.getEncoder().encodeToString(("x" + secret).getBytes(UTF_8));
    assertThatThrownBy(() -> new Traces(plain).assertNoneIn("base64 of it", elsewhere))
        .isInstanceOf(AssertionError.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"secretsmanager", "secretsmanager by key", "kms"})
  @DisplayName(
      "leaves no byte in etcd, annotations, logs or metrics, and is read as it was by the pod")
  void roundTrip(String backend) throws Exception {
    start(backend);
    Traces traces = new Traces(PASSWORD, KEYSTORE);
    assertFoundWhereTheyAre();
    // As kubectl keeps them, in last-applied-configuration.
    cluster.kubectlWith(secret("db", PASSWORD), "apply", "-f", "-").orFail();
    JsonNode secret = stored("secret", "db");
    assertThat(secret.at("/metadata/annotations").size()).isGreaterThanOrEqualTo(3);
    String reference = new String(secret.at("/data/password").binaryValue(), UTF_8);
    assertThat(reference).startsWith(backend.equals("kms") ? "kms:" : "arn:aws:secretsmanager:");

    // Compared with what is stored in AWS, or in the envelope.
    cluster.kubectlWith(secret("db", PASSWORD), "apply", "-f", "-").orFail();
    assertThat(stored("secret", "db")).isEqualTo(secret);

    Fetched fetched = fetch(pod(), secret);
    assertThat(fetched.exitCode()).as(fetched.log()).isZero();
    assertOriginalFiles();
    traces.assertNoneIn("the fetcher's log", fetched.log());
    assertNowhere(traces);
  }

  @Test
  @DisplayName("stays as it is while its KMS key is disabled, and is read again afterwards")
  void disabledKey() throws Exception {
    start("kms");
    cluster.kubectlWith(secret("db", PASSWORD), "apply", "-f", "-").orFail();
    JsonNode before = stored("secret", "db");
    byte[] next = ("canary-" + UUID.randomUUID()).getBytes(UTF_8);

    aws.refuse("TrentService.GenerateDataKey", "DisabledException");
    aws.refuse("TrentService.Decrypt", "DisabledException");
    LiveCluster.Output refused = cluster.kubectlWith(secret("db", next), "apply", "-f", "-");
    assertThat(refused.exitCode()).isNotZero();
    assertThat(refused.stderr().lines())
        .filteredOn(line -> line.contains("was not stored"))
        .singleElement()
        .asString()
        .contains("Secret " + name + "/db was not stored: the KMS key arn:aws:kms:")
        .contains("is disabled; enable it (DisabledException");
    assertThat(stored("secret", "db")).isEqualTo(before);
    JsonNode pod = pod();
    Fetched meanwhile = fetch(pod, before);
    assertThat(meanwhile.exitCode()).as(meanwhile.log()).isEqualTo(4);
    assertThat(meanwhile.log()).contains("is disabled; enable it");

    aws.refuseNothing();
    Fetched afterwards = fetch(pod, stored("secret", "db"));
    assertThat(afterwards.exitCode()).as(afterwards.log()).isZero();
    assertOriginalFiles();
    assertNowhere(new Traces(PASSWORD, KEYSTORE, next));
  }

  @Test
  @DisplayName("that was rejected, or deleted behind our back, is an orphan that can be deleted")
  void orphans() throws Exception {
    start("secretsmanager");
    cluster.kubectlWith(secret("db", PASSWORD), "create", "-f", "-").orFail();
    // Admitted with a name that the API server's own validation refuses afterwards.
    cluster.kubectlWith(secret("Rejected", PASSWORD), "create", "-f", "-");
    String others = inventory("other-" + name, "Elsewhere");

    Fetched listed = explainOrphans();
    assertThat(listed.exitCode()).isEqualTo(1);
    assertThat(listed.log())
        .matches(
            "arn:aws:secretsmanager:us-east-1:\\d{12}:secret:%1$s/%1$s/Rejected/k8s-\\w{6} of Secret %1$s/Rejected\n"
                .formatted(name));
    String orphan = listed.log().substring(0, listed.log().indexOf(' '));
    assertThat(isScheduled(orphan)).isFalse();

    Fetched deleted = explainOrphans("--delete", "--wait", "0");
    assertThat(deleted).isEqualTo(new Fetched(0, listed.log().strip() + ": deletion scheduled\n"));
    // With the recovery window: it can be restored.
    assertThat(isScheduled(orphan)).isTrue();
    assertThat(aws.call("secretsmanager.RestoreSecret", id(orphan)).get("ARN").asText())
        .isEqualTo(orphan);
    assertThat(isScheduled(others)).isFalse();
    assertThat(isScheduled(name + "/" + name + "/db/k8s")).isFalse();
  }

  @Test
  @DisplayName(
      "is made current when it is stored, deleted when it is gone, restored when it is back")
  void swept() throws Exception {
    start("secretsmanager");
    cluster.kubectlWith(secret("db", PASSWORD), "apply", "-f", "-").orFail();
    String first = stored("secret", "db").at(VERSION).textValue();
    byte[] next = ("canary-" + UUID.randomUUID()).getBytes(UTF_8);
    cluster.kubectlWith(secret("db", next), "apply", "-f", "-").orFail();
    String second = stored("secret", "db").at(VERSION).textValue();
    assertThat(second).isNotEqualTo(first);
    assertThat(current()).isEqualTo(first);
    assertThat(sweep(Duration.ZERO)).isEqualTo(new Sweep(1, 0, 0, 0, List.of()));
    assertThat(current()).isEqualTo(second);

    cluster.kubectl("-n", name, "delete", "secret", "db").orFail();
    // The webhook marked it.
    assertThat(sweep(Duration.ofMinutes(59))).isEqualTo(new Sweep(0, 0, 0, 0, List.of()));
    assertThat(isScheduled(name + "/" + name + "/db/k8s")).isFalse();
    assertThat(sweep(Duration.ofHours(2))).isEqualTo(new Sweep(0, 0, 0, 1, List.of()));
    assertThat(isScheduled(name + "/" + name + "/db/k8s")).isTrue();

    cluster.kubectlWith(secret("db", next), "apply", "-f", "-").orFail();
    assertThat(isScheduled(name + "/" + name + "/db/k8s")).isFalse();
    assertThat(stored("secret", "db").at(VERSION).textValue()).isEqualTo(second);
    assertThat(sweep(Duration.ofHours(4))).isEqualTo(new Sweep(1, 0, 0, 0, List.of()));
  }

  /** The id of the version that AWS calls current. */
  private String current() throws Exception {
    JsonNode described =
        aws.call("secretsmanager.DescribeSecret", id(name + "/" + name + "/db/k8s"));
    return described.get("VersionIdsToStages").properties().stream()
        .filter(version -> version.getValue().toString().contains("\"AWSCURRENT\""))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow();
  }

  /** As a replica does so much later. */
  private Sweep sweep(Duration later) throws Exception {
    ApiClient client = new ApiClient();
    client.setBasePath(cluster.url().toString());
    client.setApiKeyPrefix("Bearer");
    client.setApiKey(cluster.token());
    try (InputStream ca = Files.newInputStream(cluster.certificate());
        SecretsManagerWriter writer =
            SecretsManagerWriter.builder(AwsEnvironment.of(aws.variables()), new byte[32])
                .build()) {
      client.setSslCaCert(ca);
      return NativeSecretSweeper.builder(
              client, writer, NativeSecretsConfig.builder().cluster(name).build())
          .clock(Clock.offset(Clock.systemUTC(), later))
          .build()
          .sweep()
          .orElseThrow();
    }
  }

  /** What another cluster has, which has no Secret of that name here. */
  private String inventory(String clusterName, String secretName) throws Exception {
    ObjectNode input = JSON.createObjectNode().put("Name", clusterName + "/" + secretName);
    input.put("ClientRequestToken", UUID.randomUUID().toString()).put("SecretString", "x");
    Map<String, String> tags =
        Map.of("managed-by", "secrets-controller", "cluster", clusterName, "namespace", name);
    tags.forEach(
        (key, value) ->
            input
                .withArray("/Tags")
                .addObject()
                .put("Key", "secrets-controller/" + key)
                .put("Value", value));
    input
        .withArray("/Tags")
        .addObject()
        .put("Key", "secrets-controller/name")
        .put("Value", secretName);
    return aws.call("secretsmanager.CreateSecret", input).get("ARN").textValue();
  }

  private static ObjectNode id(String secret) {
    return JSON.createObjectNode().put("SecretId", secret);
  }

  private boolean isScheduled(String secret) throws Exception {
    JsonNode described = aws.call("secretsmanager.DescribeSecret", id(secret));
    assertThat(described.has("ARN")).as(described.toString()).isTrue();
    return described.hasNonNull("DeletedDate");
  }

  private Fetched explainOrphans(String... more) throws Exception {
    Path token = Files.writeString(workspace.resolve("token"), cluster.token());
    ProcessBuilder builder =
        java(
            "cli.jar",
            "explain",
            "orphans",
            "--config",
            workspace.resolve("webhook.yaml").toString(),
            "--server",
            cluster.url().toString(),
            "--ca-file",
            cluster.certificate().toString(),
            "--token-file",
            token.toString());
    builder.command().addAll(List.of(more));
    builder.environment().putAll(aws.variables());
    return run(builder.redirectErrorStream(true));
  }
}
