package io.github.secretscontroller.samples.deployment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.InstallCommand;
import com.marcnuri.helm.LintResult;
import io.github.secretscontroller.admission.InjectorConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The chart")
class ChartTest {

  static final Map<String, Map<String, Object>> MODES =
      Map.of(
          "selfManaged", Map.of(),
          "certManager", Map.of("tls.mode", "certManager"),
          "certManager with an issuer",
              Map.of(
                  "tls.mode", "certManager",
                  "tls.certManager.issuerRef.name", "our-issuer",
                  "tls.certManager.issuerRef.kind", "ClusterIssuer"),
          "provided",
              Map.of(
                  "tls.mode", "provided",
                  "tls.provided.secretName", "our-certificate",
                  "tls.provided.caBundle", "-----BEGIN CERTIFICATE-----"));

  static final Map<String, Map<String, Object>> OPTIONS =
      Map.of(
          "as it is", Map.of(),
          "everything on",
              Map.of(
                  "nativeSecrets.enabled", true,
                  "nativeSecrets.cluster", "prod-eu",
                  "nativeSecrets.tokenKey.secretName", "our-token-key",
                  "autoscaling.enabled", true,
                  "serviceMonitor.enabled", true,
                  "prometheusRule.enabled", true,
                  "dashboard.enabled", true,
                  "tls.clientCertificates.enabled", true,
                  "tls.clientCertificates.ca", "-----BEGIN CERTIFICATE-----",
                  "priorityClassName", "system-cluster-critical"),
          "everything off",
              Map.of(
                  "podDisruptionBudget.enabled", false,
                  "topologySpread.enabled", false,
                  "networkPolicy.enabled", false,
                  "serviceAccount.create", false,
                  "rbac.create", false,
                  "webhook.workloadWarnings", false,
                  "webhook.matchConditions", "never"));

  private static final Map<String, Object> NATIVE =
      Map.of(
          "nativeSecrets.enabled", true,
          "nativeSecrets.cluster", "prod-eu",
          "nativeSecrets.tokenKey.secretName", "our-token-key");

  private static final Map<String, Object> UNNAMED =
      Map.of(
          "nativeSecrets.enabled", true,
          "nativeSecrets.sweeper.enabled", false,
          "nativeSecrets.tokenKey.secretName", "our-token-key");

  static Stream<List<String>> combinations() {
    List<List<String>> all = new ArrayList<>();
    for (String version : List.of("1.27.0", "1.28.0", "1.30.0", "1.33.1", "1.35.0")) {
      for (String mode : MODES.keySet().stream().sorted().toList()) {
        for (String option : OPTIONS.keySet().stream().sorted().toList()) {
          all.add(List.of(version, mode, option));
        }
      }
    }
    return all.stream();
  }

  @Test
  @DisplayName("passes Helm's strict lint")
  void lint() {
    LintResult result = new Helm(Chart.DIRECTORY).lint().strict().call();
    assertThat(result.isFailed()).as("%s", result.getMessages()).isFalse();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("combinations")
  @DisplayName("renders objects that Kubernetes knows, for each version, mode and option")
  void combination(List<String> combination) {
    List<JsonNode> objects =
        rendered(
            combination.get(0), MODES.get(combination.get(1)), OPTIONS.get(combination.get(2)));
    assertThat(objects).hasSizeGreaterThanOrEqualTo(4);
    objects.forEach(Chart::validate);
    for (JsonNode object : objects) {
      if (object.path("kind").asText().equals("MutatingWebhookConfiguration")) {
        assertConfiguration(object, !combination.get(0).startsWith("1.27"), combination);
      }
    }
  }

  private static void assertConfiguration(JsonNode object, boolean cel, List<String> combination) {
    // Names are called in order, and this one must come before EKS's.
    assertThat(object.at("/metadata/name").asText()).isLessThan("pod-identity-webhook");
    boolean filtered = cel && !combination.get(2).equals("everything off");
    for (JsonNode webhook : object.path("webhooks")) {
      assertThat(webhook.has("matchConditions")).isEqualTo(filtered);
      assertThat(webhook.path("sideEffects").asText()).startsWith("None");
      assertThat(webhook.path("namespaceSelector").toString())
          .contains("NotIn", Chart.NAMESPACE, "kube-system");
      assertThat(webhook.path("clientConfig").has("caBundle"))
          .isEqualTo(combination.get(1).equals("provided"));
      for (JsonNode condition : webhook.path("matchConditions")) {
        String expression = condition.path("expression").asText();
        // A missing map is an error, and an error is a refusal.
        assertThat(expression).contains("has(").doesNotContain("\n");
      }
    }
  }

  @Test
  @DisplayName("asks for nothing that the Pod Security Standard \"restricted\" forbids")
  void restricted() {
    JsonNode pod = deployment(Map.of()).at("/spec/template/spec");
    assertThat(pod.at("/securityContext/runAsNonRoot").asBoolean()).isTrue();
    assertThat(pod.at("/securityContext/seccompProfile/type").asText()).isEqualTo("RuntimeDefault");
    JsonNode security = pod.at("/containers/0/securityContext");
    assertThat(security.path("allowPrivilegeEscalation").asBoolean(true)).isFalse();
    assertThat(security.path("readOnlyRootFilesystem").asBoolean()).isTrue();
    assertThat(security.at("/capabilities/drop/0").asText()).isEqualTo("ALL");
    assertThat(pod.path("enableServiceLinks").asBoolean(true)).isFalse();
    assertThat(pod.has("hostNetwork")).isFalse();
  }

  @Nested
  @DisplayName("validates each object strictly:")
  class Validation {

    @ParameterizedTest
    @CsvSource({
      "Certificate, /spec, durration, Unrecognized field \"durration\"",
      "Certificate, /spec/privateKey, rotation, Unrecognized field \"rotation\"",
      "Issuer, /spec/selfSigned, signed, Unrecognized field \"signed\"",
      "ServiceMonitor, /spec/endpoints/0/tlsConfig, severName, Unrecognized field \"severName\"",
      "PrometheusRule, /spec/groups/0/rules/0, expression, Unrecognized field \"expression\"",
      "Deployment, /spec/template/spec, enableServiceLink, enableServiceLink",
    })
    @DisplayName("a field that nobody knows is an error, in custom resources, too")
    void unknown(String kind, String where, String field, String message) {
      JsonNode object = Chart.only(everything(), kind);
      Chart.validate(object);
      ((ObjectNode) object.at(where)).put(field, "x");
      assertThatThrownBy(() -> Chart.validate(object)).hasMessageContaining(message);
    }

    @ParameterizedTest
    @CsvSource({
      "Certificate, /spec/privateKey, size",
      "ServiceMonitor, /spec/endpoints/0/tlsConfig, insecureSkipVerify",
      "Deployment, /spec, replicas",
    })
    @DisplayName("a value of the wrong type is one")
    void wrongType(String kind, String where, String field) {
      JsonNode object = Chart.only(everything(), kind);
      ((ObjectNode) object.at(where)).put(field, "neither number nor truth");
      assertThatThrownBy(() -> Chart.validate(object)).isInstanceOf(AssertionError.class);
    }

    private static List<JsonNode> everything() {
      return rendered("1.33.0", MODES.get("certManager"), OPTIONS.get("everything on"));
    }
  }

  @Test
  @DisplayName("grants no more than reading and patching the named objects, and reading Secrets")
  void leastRights() {
    List<JsonNode> objects = rendered("1.33.0", Map.of(), NATIVE);
    List<String> open = new ArrayList<>();
    for (JsonNode object : objects) {
      for (JsonNode rule : object.path("rules")) {
        if (rule.has("verbs") && !rule.has("resourceNames")) {
          open.add(object.path("kind").asText() + rule);
        } else if (rule.has("verbs")) {
          assertThat(rule.path("verbs").toString()).isEqualTo("[\"get\",\"patch\"]");
        }
      }
    }
    assertThat(open)
        .containsExactly(
            "ClusterRole{\"apiGroups\":[\"\"],\"resources\":[\"secrets\"],\"verbs\":[\"get\"]}");
  }

  @Nested
  @DisplayName("tells the next step after an installation")
  class Notes {

    @Test
    @DisplayName("which is an annotation, once the webhook is ready")
    void annotation() {
      assertThat(notes(Map.of()))
          .contains(
              "kubectl -n secrets-system rollout status deployment/secrets-webhook",
              "secrets.k8s.aws/secret-arn: arn:aws:secretsmanager:us-east-1:123456789012:secret:my-secret")
          .doesNotContain("native", "kubectl label namespace");
    }

    @Test
    @DisplayName("also for native Secrets, and where a cluster can't filter")
    void others() {
      Map<String, Object> values = new HashMap<>(UNNAMED);
      values.put("webhook.matchConditions", "never");
      assertThat(notes(values))
          .contains(
              "kubectl label namespace NAMESPACE secrets.k8s.aws/inject=enabled",
              "secrets.k8s.aws/native=enabled",
              "ServiceAccount secrets-webhook needs the rights in AWS",
              "see nativeSecrets.cluster, if the account serves more than one.");
      values.put("nativeSecrets.cluster", "prod-eu");
      assertThat(notes(values)).contains("they are of the cluster prod-eu.");
    }

    private static String notes(Map<String, Object> values) {
      InstallCommand install =
          new Helm(Chart.DIRECTORY)
              .install()
              .clientOnly()
              .dryRun()
              .withName("secrets-webhook")
              .withNamespace(Chart.NAMESPACE)
              .withKubeVersion("1.33.0");
      values.forEach(install::set);
      String output = install.call().getOutput();
      return output.substring(output.indexOf("NOTES:"));
    }
  }

  @Nested
  @DisplayName("has a sweeper of native Secrets")
  class Sweeper {

    @Test
    @DisplayName("only where they are on, and stored in Secrets Manager, and where it isn't off")
    void onlyThere() {
      assertThat(sweeperObjects(NATIVE))
          .containsExactlyInAnyOrder(
              "Lease", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding");
      assertThat(sweeperObjects(Map.of())).isEmpty();
      assertThat(sweeperObjects(with("nativeSecrets.sweeper.enabled", false))).isEmpty();
      assertThat(
              sweeperObjects(
                  Map.of(
                      "nativeSecrets.enabled", true,
                      "nativeSecrets.backend", "kms",
                      "nativeSecrets.kmsKey", "arn:aws:kms:us-east-1:123456789012:key/1")))
          .isEmpty();
      assertThat(sweeperObjects(with("rbac.create", false))).containsExactly("Lease");
    }

    @Test
    @DisplayName("whose Lease is the one that the chart makes and grants")
    void lease() {
      List<JsonNode> objects = rendered("1.33.0", MODES.get("certManager"), NATIVE);
      String lease = Chart.environment(objects).get("WEBHOOK_SWEEP_LEASE").split("/", -1)[1];
      assertThat(Chart.only(objects, "Lease").at("/metadata/name").asText()).isEqualTo(lease);
      assertThat(Chart.named(objects, "Role", lease).at("/rules/0/resourceNames/0").asText())
          .isEqualTo(lease);
      // It calls the API server, though the certificate needs none.
      assertThat(
              Chart.only(objects, "Deployment")
                  .at("/spec/template/spec/automountServiceAccountToken")
                  .asBoolean())
          .isTrue();
    }

    @Test
    @DisplayName(
        "that may read Secrets in the namespaces that the operator lists, if there is a list")
    void namespaces(@TempDir Path directory) throws Exception {
      Path values = directory.resolve("values.yaml");
      Files.writeString(
          values,
          """
          nativeSecrets:
            enabled: true
            cluster: prod-eu
            tokenKey: {secretName: our-token-key}
            sweeper: {namespaces: [shop, bank]}
          """);
      List<JsonNode> objects = Chart.objects(Chart.renderFile(values));
      assertThat(objects)
          .filteredOn(object -> object.at("/roleRef/name").asText().equals(SWEEPER))
          .extracting(
              object -> object.path("kind").asText() + " " + object.at("/metadata/namespace"))
          .containsExactlyInAnyOrder(
              "RoleBinding \"" + Chart.NAMESPACE + "\"",
              "RoleBinding \"shop\"",
              "RoleBinding \"bank\"");
      objects.forEach(Chart::validate);
    }

    private static final String SWEEPER = "secrets-webhook-sweeper";

    private static List<String> sweeperObjects(Map<String, Object> values) {
      return rendered("1.33.0", Map.of(), values).stream()
          .filter(object -> object.at("/metadata/name").asText().startsWith(SWEEPER))
          .map(object -> object.path("kind").asText())
          .toList();
    }

    private static Map<String, Object> with(String name, Object value) {
      Map<String, Object> values = new HashMap<>(NATIVE);
      values.put(name, value);
      return values;
    }
  }

  @Test
  @DisplayName("names the cluster that native Secrets' names and tags in AWS are of, if it is told")
  void cluster() {
    assertThat(Chart.environment(rendered("1.33.0", Map.of(), UNNAMED)))
        .doesNotContainKey("WEBHOOK_CLUSTER");
    Map<String, Object> values = new HashMap<>(UNNAMED);
    values.put("nativeSecrets.cluster", "prod-eu");
    assertThat(Chart.environment(rendered("1.33.0", Map.of(), values)))
        .containsEntry("WEBHOOK_CLUSTER", "prod-eu");
  }

  @Test
  @DisplayName("gives the webhook a configuration that the webhook understands")
  void config(@TempDir Path directory) throws Exception {
    Path values = directory.resolve("values.yaml");
    Files.writeString(
        values,
        """
        fetcher: {image: "example/fetcher:2"}
        config:
          volumeSizeLimit: 32Mi
          excludedNamespaces: [monitoring]
          env: {HTTPS_PROXY: "http://proxy.example:3128"}
        """);
    JsonNode map = Chart.only(Chart.objects(Chart.renderFile(values)), "ConfigMap");
    InjectorConfig.fromYaml(map.at("/data/config.yaml").asText()).build();
    assertThat(map.at("/data/config.yaml").asText()).contains("example/fetcher:2", "32Mi");
  }

  @Test
  @DisplayName("names the very Secret, hosts and configurations that the self-managed mode needs")
  void selfManaged() {
    List<JsonNode> objects = rendered("1.33.0", Map.of(), NATIVE);
    Map<String, String> env = Chart.environment(objects);
    String secret = env.get("WEBHOOK_TLS_SECRET").split("/", -1)[1];
    assertThat(env.get("WEBHOOK_TLS_SECRET")).startsWith(Chart.NAMESPACE + "/");
    assertThat(Chart.named(objects, "Secret", secret).has("data")).isFalse();
    String service = env.get("WEBHOOK_TLS_HOSTS").split("\\.", -1)[0];
    Chart.named(objects, "Service", service);
    for (String name : env.get("WEBHOOK_TLS_CONFIGURATIONS").split(",", -1)) {
      Chart.named(objects, "MutatingWebhookConfiguration", name);
    }
    assertThat(Chart.named(objects, "ClusterRole", "secrets-webhook").toString())
        .contains(env.get("WEBHOOK_TLS_CONFIGURATIONS").split(",", -1));
  }

  @Test
  @DisplayName("looks at labelled namespaces only, where the API server can't filter by annotation")
  void oldCluster() {
    JsonNode configuration =
        Chart.only(rendered("1.27.3", Map.of(), Map.of()), "MutatingWebhookConfiguration");
    assertThat(configuration.at("/webhooks/0/namespaceSelector").toString())
        .contains("secrets.k8s.aws/inject");
  }

  @Nested
  @DisplayName("refuses values, and says what is wrong with them:")
  class BadValues {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "replicaCount: two                      | replicaCount",
          "tls: {mode: magic}                     | mode",
          "webhook: {timeoutSeconds: 60}          | timeoutSeconds",
          "webhook: {failurePolicy: Perhaps}      | failurePolicy",
          "replicas: 3                            | replicas",
          "nativeSecrets: {enabled: 'yes'}        | enabled",
          "image: {repository: x, digest: abc}    | digest",
          "networkPolicy: {apiServerPorts: [0]}   | apiServerPorts",
          "nativeSecrets: {cluster: 'a b'}        | cluster",
          "nativeSecrets: {sweeper: {every: 1m}}  | sweeper",
        })
    @DisplayName("of the wrong type, out of range, or unknown")
    void schema(String values, String named, @TempDir Path directory) throws Exception {
      Path file = directory.resolve("values.yaml");
      Files.writeString(file, values);
      assertThatThrownBy(() -> Chart.renderFile(file))
          .hasMessageContaining("values don't meet the specifications")
          .hasMessageContaining(named);
    }

    @ParameterizedTest
    @ValueSource(strings = {"tls.provided.secretName", "tls.provided.caBundle"})
    @DisplayName("that the mode \"provided\" needs and doesn't have")
    void provided(String missing) {
      Map<String, Object> values = new HashMap<>(MODES.get("provided"));
      values.remove(missing);
      assertThatThrownBy(() -> Chart.render("1.33.0", values))
          .hasMessageContaining(missing + " is needed with tls.mode: provided");
    }

    @ParameterizedTest
    @CsvSource({
      "secretsmanager,nativeSecrets.tokenKey.secretName is needed",
      "kms,nativeSecrets.kmsKey is needed"
    })
    @DisplayName("that native Secrets need and don't have")
    void nativeSecrets(String backend, String sentence) {
      assertThatThrownBy(
              () ->
                  Chart.render(
                      "1.33.0",
                      Map.of(
                          "nativeSecrets.enabled",
                          true,
                          "nativeSecrets.cluster",
                          "prod-eu",
                          "nativeSecrets.backend",
                          backend)))
          .hasMessageContaining(sentence);
    }

    @Test
    @DisplayName(
        "that the sweeper needs and doesn't have: a name for the cluster, from either place")
    void sweeper(@TempDir Path directory) throws Exception {
      String values =
          "nativeSecrets: {enabled: true, tokenKey: {secretName: our-token-key}}\nconfig: ";
      Path file = Files.writeString(directory.resolve("values.yaml"), values + "{}\n");
      assertThatThrownBy(() -> Chart.renderFile(file))
          .hasMessageContaining("nativeSecrets.cluster is needed by the sweeper");
      Files.writeString(file, values + "{nativeSecrets: {cluster: prod-eu}}\n");
      assertThat(Chart.environment(Chart.objects(Chart.renderFile(file))))
          .containsKey("WEBHOOK_SWEEP_LEASE");
    }

    @Test
    @DisplayName("on a cluster that is too old")
    void cluster() {
      assertThatThrownBy(() -> Chart.render("1.26.0", Map.of())).hasMessageContaining(">=1.27.0-0");
    }
  }

  private static JsonNode deployment(Map<String, Object> values) {
    return Chart.only(rendered("1.33.0", values, Map.of()), "Deployment");
  }

  private static List<JsonNode> rendered(
      String version, Map<String, Object> mode, Map<String, Object> option) {
    Map<String, Object> values = new HashMap<>(mode);
    values.putAll(option);
    return Chart.objects(Chart.render(version, values));
  }
}
