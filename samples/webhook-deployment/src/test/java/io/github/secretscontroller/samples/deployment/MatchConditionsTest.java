package io.github.secretscontroller.samples.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import io.github.secretscontroller.admission.testkit.RecordedReviews;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The rendered CEL expressions, evaluated over reviews that an API server sent and over others that
 * one may send. An expression that fails would refuse the request, so none may.
 */
@DisplayName("The rendered matchConditions")
class MatchConditionsTest {

  static final List<String> PODS = RecordedReviews.PODS;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NATIVE = "secrets.k8s.aws/native";
  private static final Map<String, Object> VALUES =
      Map.of(
          "nativeSecrets.enabled", true,
          "nativeSecrets.cluster", "prod-eu",
          "nativeSecrets.tokenKey.secretName", "our-token-key");

  private final Cel cel = new Cel();
  private final List<JsonNode> chart = Chart.objects(Chart.render("1.33.0", VALUES));

  private JsonNode webhook(String name) {
    return webhook(chart, name);
  }

  private static JsonNode webhook(List<JsonNode> chart, String name) {
    return chart.stream()
        .flatMap(object -> object.path("webhooks").valueStream())
        .filter(webhook -> webhook.path("name").asText().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("there is no webhook " + name));
  }

  private static ObjectNode recorded(String name) throws Exception {
    return (ObjectNode) JSON.readTree(RecordedReviews.bytes(name));
  }

  private static ObjectNode review(String operation, String object, String oldObject)
      throws Exception {
    ObjectNode review = JSON.createObjectNode();
    ObjectNode request = review.putObject("request");
    request.put("operation", operation).put("namespace", "shop");
    request.set("object", JSON.readTree(object));
    request.set("oldObject", JSON.readTree(oldObject));
    return review;
  }

  @Test
  @DisplayName("are on every webhook, and each compiles")
  void everywhere() throws Exception {
    List<String> names = new ArrayList<>();
    for (JsonNode object : chart) {
      for (JsonNode webhook : object.path("webhooks")) {
        names.add(webhook.path("name").asText());
        assertThat(webhook.path("matchConditions")).isNotEmpty();
        cel.matches(webhook, review("CREATE", "{\"metadata\":{}}", "null"));
      }
    }
    assertThat(names)
        .containsExactlyInAnyOrder(
            "pods.secrets.k8s.aws",
            "workloads.secrets.k8s.aws",
            "secrets.secrets.k8s.aws",
            "deletions.secrets.k8s.aws");
  }

  @Nested
  @DisplayName("for pods")
  class Pods {

    private boolean sent(JsonNode review) {
      return cel.matches(webhook("pods.secrets.k8s.aws"), review);
    }

    @ParameterizedTest
    @FieldSource("io.github.secretscontroller.samples.deployment.MatchConditionsTest#PODS")
    @DisplayName("send each recorded pod that the webhook does something about, and no other")
    void recordedPods(String name) throws Exception {
      AdmissionHandler handler =
          AdmissionHandler.builder()
              .mutator(
                  new SecretInjector(
                      InjectorConfig.builder().fetcherImage("example/fetcher:1").build()))
              .build();
      JsonNode response =
          JSON.readTree(handler.handle(RecordedReviews.bytes(name)).body()).path("response");
      boolean concerned =
          response.has("patch") || response.has("warnings") || !response.at("/allowed").asBoolean();
      assertThat(sent(recorded(name))).isEqualTo(concerned);
    }

    @ParameterizedTest
    @CsvSource({
      "secrets.k8s.aws/secret-arn, true",
      "secrets.k8s.aws/sidecarInjectorWebhook, true",
      "secret.k8s.aws/secret-arn, true",
      "k8s.aws/secret-arn, true",
      "secrets.k8s.awss/secret-arn, true",
      "secrets.k8s.was/secret-arn, false",
      "eks.amazonaws.com/role-arn, false",
      "secrets-k8s-aws/secret-arn, false",
    })
    @DisplayName("send near misses, so that their author is warned")
    void nearMisses(String annotation, boolean sent) throws Exception {
      String pod = "{\"metadata\": {\"annotations\": {\"a\": \"b\", \"%s\": \"x\"}}}";
      assertThat(sent(review("CREATE", pod.formatted(annotation), "null"))).isEqualTo(sent);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"metadata\": {}}",
          "{\"metadata\": {\"annotations\": {}}}",
          "{\"metadata\": {\"labels\": {\"secrets.k8s.aws/secret-arn\": \"x\"}}}",
        })
    @DisplayName("send none without annotations")
    void none(String pod) throws Exception {
      assertThat(sent(review("CREATE", pod, "null"))).isFalse();
    }
  }

  @Nested
  @DisplayName("for workloads")
  class Workloads {

    private static final String ANNOTATED =
        "{\"metadata\": {\"annotations\": {\"secrets.k8s.aws/secret-arn\": \"x\"}}}";

    private boolean sent(JsonNode review) {
      return cel.matches(webhook("workloads.secrets.k8s.aws"), review);
    }

    @ParameterizedTest
    @ValueSource(strings = {"deployment-create", "job-create"})
    @DisplayName("send a recorded one as soon as its pods have one of our annotations")
    void recordedWorkloads(String name) throws Exception {
      ObjectNode review = recorded(name);
      ObjectNode metadata = (ObjectNode) review.at("/request/object/spec/template/metadata");
      metadata.remove("annotations");
      assertThat(sent(review)).isFalse();
      metadata.putObject("annotations").put("secrets.k8s.aws/secret-arn", "x");
      assertThat(sent(review)).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "{'spec': {'template': POD}}                                       | true",
          "{'spec': {'jobTemplate': {'spec': {'template': POD}}}}            | true",
          "{'spec': {'template': {'metadata': {}}}}                          | false",
          "{'spec': {'template': {}}}                                        | false",
          "{'spec': {}}                                                      | false",
          "{}                                                                | false",
          "{'spec': {'jobTemplate': {}}}                                     | false",
          "{'spec': {'jobTemplate': {'spec': {}}}}                           | false",
          "{'spec': {'jobTemplate': {'spec': {'template': {}}}}}             | false",
          "{'spec': {'jobTemplate': {'spec': {'template': {'metadata': {}}}}}} | false",
          "{'metadata': {'annotations': {'secrets.k8s.aws/x': 'y'}}, 'spec': {}} | false",
        })
    @DisplayName("look at the pods' annotations only, and fail on no incomplete one")
    void templates(String object, boolean sent) throws Exception {
      String workload = object.replace('\'', '"').replace("POD", ANNOTATED);
      assertThat(sent(review("CREATE", workload, "null"))).isEqualTo(sent);
      assertThat(sent(review("UPDATE", workload, workload))).isEqualTo(sent);
    }
  }

  @Nested
  @DisplayName("for Secrets")
  class Secrets {

    private static final String PLAIN = "{\"metadata\": {}, \"data\": {\"key\": \"dg==\"}}";
    private static final String LABELLED =
        "{\"metadata\": {\"labels\": {\"secrets.k8s.aws/native\": \"enabled\"}}}";
    private static final String ANNOTATED =
        "{\"metadata\": {\"annotations\": {\"secrets.k8s.aws/native\": \"enabled\"}}}";

    /** As it is stored after its label was taken away. */
    private static final String WAS_NATIVE =
        "{\"metadata\": {\"annotations\": {\"secrets.k8s.aws/native-digest\": \"sha256:0\"}}}";

    private boolean sent(JsonNode review) {
      boolean written = cel.matches(webhook("secrets.secrets.k8s.aws"), review);
      boolean deleted = cel.matches(webhook("deletions.secrets.k8s.aws"), review);
      // The operations are in the rules.
      assertThat(written).isEqualTo(deleted);
      return written;
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "secret-binary-create",
          "secret-delete",
          "secret-dockerconfigjson-create",
          "secret-dry-run-create",
          "secret-empty-create",
          "secret-generate-name-create",
          "secret-kubectl-apply-create",
          "secret-kubectl-apply-update",
          "secret-kubectl-create",
          "secret-kubectl-replace-update",
          "secret-server-side-apply-create",
          "secret-service-account-token-create",
        })
    @DisplayName("send a recorded one exactly if it has the label or the annotation")
    void recordedSecrets(String name) throws Exception {
      ObjectNode review = recorded(name);
      ObjectNode request = (ObjectNode) review.get("request");
      String with = request.path("object").isObject() ? "object" : "oldObject";
      for (String either : List.of("object", "oldObject")) {
        if (request.path(either).isObject()) {
          ((ObjectNode) request.at("/" + either + "/metadata")).remove(List.of("labels"));
          ((ObjectNode) request.at("/" + either + "/metadata")).remove(List.of("annotations"));
        }
      }
      assertThat(sent(review)).isFalse();
      ObjectNode metadata = (ObjectNode) request.at("/" + with + "/metadata");
      metadata.putObject("labels").put(NATIVE, "enabled");
      assertThat(sent(review)).isTrue();
      metadata.remove("labels");
      metadata.putObject("annotations").put(NATIVE, "enabled");
      assertThat(sent(review)).isTrue();
    }

    @Test
    @DisplayName("have no object on DELETE and no oldObject on CREATE, and don't mind")
    void nulls() throws Exception {
      assertThat(sent(review("CREATE", LABELLED, "null"))).isTrue();
      assertThat(sent(review("CREATE", PLAIN, "null"))).isFalse();
      assertThat(sent(review("DELETE", "null", ANNOTATED))).isTrue();
      assertThat(sent(review("DELETE", "null", PLAIN))).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {LABELLED, ANNOTATED, WAS_NATIVE})
    @DisplayName("send what was native, though the label is taken away, and though it was before")
    void labelTakenAway(String before) throws Exception {
      assertThat(sent(review("UPDATE", PLAIN, before))).isTrue();
      assertThat(sent(review("UPDATE", before, before))).isTrue();
      assertThat(sent(review("UPDATE", before, PLAIN))).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
      "secret.k8s.aws/native, true",
      "secrets.k8s.aws/nativ, true",
      "app.kubernetes.io/name, false",
    })
    @DisplayName("send near misses, so that their author is warned")
    void nearMisses(String label, boolean sent) throws Exception {
      String secret = "{\"metadata\": {\"labels\": {\"%s\": \"enabled\"}}}".formatted(label);
      assertThat(sent(review("CREATE", secret, "null"))).isEqualTo(sent);
    }

    @Test
    @DisplayName("send all of the namespaces that the operator lists")
    void listedNamespaces(@TempDir Path directory) throws Exception {
      List<JsonNode> listed = withConfig(directory, "{namespaces: [shop, \"other\"]}");
      for (String name : List.of("secrets.secrets.k8s.aws", "deletions.secrets.k8s.aws")) {
        JsonNode webhook = webhook(listed, name);
        ObjectNode review = review("CREATE", PLAIN, "null");
        assertThat(cel.matches(webhook, review)).isTrue();
        ((ObjectNode) review.get("request")).put("namespace", "elsewhere");
        assertThat(cel.matches(webhook, review)).isFalse();
        assertThat(cel.matches(webhook, review("DELETE", "null", PLAIN))).isTrue();
      }
    }

    @Test
    @DisplayName("send each with the key of NASE, in its profile")
    void nase(@TempDir Path directory) throws Exception {
      JsonNode webhook =
          webhook(withConfig(directory, "{profile: nase}"), "secrets.secrets.k8s.aws");
      String secret = "{\"metadata\": {}, \"data\": {\"nase\": \"dg==\"}}";
      assertThat(cel.matches(webhook, review("CREATE", secret, "null"))).isTrue();
      assertThat(cel.matches(webhook, review("DELETE", "null", secret))).isTrue();
      assertThat(cel.matches(webhook, review("CREATE", PLAIN, "null"))).isFalse();
      assertThat(cel.matches(webhook, review("CREATE", "{\"metadata\": {}}", "null"))).isFalse();
    }

    @Test
    @DisplayName("send each pod with the annotation of NASE, in its profile, and else none")
    void naseAnnotation(@TempDir Path directory) throws Exception {
      String metadata =
          "{\"metadata\": {\"annotations\": {\"nase.mhausenblas.info/secret-arn\": \"x\"}}}";
      JsonNode pod = review("CREATE", metadata, "null");
      JsonNode job = review("CREATE", "{\"spec\": {\"template\": " + metadata + "}}", "null");
      List<JsonNode> profile = withConfig(directory, "{profile: nase}");
      for (List<JsonNode> objects : List.of(profile, chart)) {
        boolean sent = objects == profile;
        assertThat(cel.matches(webhook(objects, "pods.secrets.k8s.aws"), pod)).isEqualTo(sent);
        assertThat(cel.matches(webhook(objects, "workloads.secrets.k8s.aws"), job)).isEqualTo(sent);
      }
    }

    @Test
    @DisplayName("decide as those that the documentation writes by hand")
    void byHand() throws Exception {
      String text = Files.readString(Path.of("../../docs/native-secrets.md"));
      String yaml = text.substring(text.indexOf("apiVersion: admissionregistration"));
      JsonNode configuration = Chart.objects(yaml.substring(0, yaml.indexOf("```"))).get(0);
      for (String secret : List.of(LABELLED, ANNOTATED, WAS_NATIVE, PLAIN)) {
        for (JsonNode review :
            List.of(
                review("CREATE", secret, "null"),
                review("UPDATE", PLAIN, secret),
                review("DELETE", "null", secret))) {
          assertThat(cel.matches(configuration.at("/webhooks/0"), review)).isEqualTo(sent(review));
          // The namespace whose Secrets are native there without asking for it.
          ((ObjectNode) review.get("request")).put("namespace", "payments");
          assertThat(cel.matches(configuration.at("/webhooks/0"), review)).isTrue();
        }
      }
    }

    private List<JsonNode> withConfig(Path directory, String nativeSecrets) throws Exception {
      Path values = directory.resolve("values.yaml");
      Files.writeString(
          values,
          """
          nativeSecrets: {enabled: true, cluster: prod-eu, tokenKey: {secretName: our-token-key}}
          config: {nativeSecrets: %s}
          """
              .formatted(nativeSecrets));
      return Chart.objects(Chart.renderFile(values));
    }
  }

  @Test
  @DisplayName("come after selectors, which keep every webhook out of the chart's own namespace")
  void ownNamespace() {
    Stream<JsonNode> webhooks =
        chart.stream().flatMap(object -> object.path("webhooks").valueStream());
    assertThat(webhooks)
        .isNotEmpty()
        .allSatisfy(
            webhook -> {
              assertThat(selects(webhook, Chart.NAMESPACE)).isFalse();
              assertThat(selects(webhook, "kube-system")).isFalse();
              assertThat(selects(webhook, "shop")).isTrue();
            });
  }

  /** A namespace has its name as a label, put there by the API server. */
  private static boolean selects(JsonNode webhook, String namespace) {
    boolean selected = true;
    for (JsonNode expression : webhook.at("/namespaceSelector/matchExpressions")) {
      assertThat(expression.path("key").asText()).isEqualTo("kubernetes.io/metadata.name");
      assertThat(expression.path("operator").asText()).isEqualTo("NotIn");
      selected &=
          expression.path("values").valueStream().noneMatch(v -> v.asText().equals(namespace));
    }
    return selected;
  }
}
