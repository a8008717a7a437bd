package io.github.secretscontroller.samples.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The walkthrough")
class WalkthroughTest {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path DOCS = Path.of("../../docs");
  private static final Path FILES = DOCS.resolve("walkthrough");
  private static final Pattern BLOCK =
      Pattern.compile("<!-- walkthrough/(\\S+) -->\\n```\\w+\\n(.*?)```\\n", Pattern.DOTALL);

  @Test
  @DisplayName("shows each of its files as it is, and no other manifest")
  void sameAsFiles() throws Exception {
    String text = Files.readString(DOCS.resolve("walkthrough.md"));
    Set<String> shown = new TreeSet<>();
    Matcher block = BLOCK.matcher(text);
    while (block.find()) {
      assertThat(FILES.resolve(block.group(1))).hasContent(block.group(2));
      shown.add(block.group(1));
    }
    try (Stream<Path> files = Files.list(FILES)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsAll(shown)
          .hasSameSizeAs(shown);
    }
    assertThat(text.split("```(yaml|json)\\n", -1)).hasSize(shown.size() + 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"serviceaccount.yaml", "deployment.yaml", "rotation.yaml", "native-secret.yaml"})
  @DisplayName("has manifests that Kubernetes knows")
  void valid(String file) throws Exception {
    List<JsonNode> objects = Chart.objects(FILES.resolve(file));
    assertThat(objects).hasSize(1);
    objects.forEach(Chart::validate);
  }

  @ParameterizedTest
  @CsvSource({"deployment.yaml,secrets-init-container", "rotation.yaml,secrets-sidecar-container"})
  @DisplayName("has Deployments whose pods are injected, without a warning")
  void injected(String file, String container) throws Exception {
    AdmissionHandler handler =
        AdmissionHandler.builder()
            .mutator(
                new SecretInjector(
                    InjectorConfig.builder().fetcherImage("example/fetcher:1").build()))
            .build();
    JsonNode template = Chart.objects(FILES.resolve(file)).get(0).at("/spec/template");
    ObjectNode pod = template.deepCopy();
    pod.put("apiVersion", "v1").put("kind", "Pod");
    ((ObjectNode) pod.get("metadata")).put("name", "webserver-1").put("namespace", "default");
    ObjectNode review = JSON.createObjectNode();
    review.put("apiVersion", "admission.k8s.io/v1").put("kind", "AdmissionReview");
    ObjectNode request = review.putObject("request");
    request.put("uid", "1").put("operation", "CREATE").put("namespace", "default");
    request.putObject("kind").put("group", "").put("version", "v1").put("kind", "Pod");
    request.putObject("resource").put("group", "").put("version", "v1").put("resource", "pods");
    request.set("object", pod);
    JsonNode response =
        JSON.readTree(handler.handle(JSON.writeValueAsBytes(review)).body()).get("response");
    assertThat(response.path("allowed").asBoolean()).as("%s", response).isTrue();
    assertThat(response.has("warnings")).as("%s", response).isFalse();
    String patch =
        new String(
            Base64.getDecoder().decode(response.path("patch").asText()), StandardCharsets.UTF_8);
    assertThat(patch).contains(container);
  }

  @Test
  @DisplayName("grants the pod what the fetcher calls, for the secret that its Deployments name")
  void policy() throws Exception {
    JsonNode statement =
        JSON.readTree(Files.readString(FILES.resolve("policy.json"))).at("/Statement/0");
    assertThat(statement.path("Action").toString())
        .isEqualTo("[\"secretsmanager:GetSecretValue\",\"secretsmanager:DescribeSecret\"]");
    String resource = statement.path("Resource").asText();
    for (String file : List.of("deployment.yaml", "rotation.yaml")) {
      String arn =
          Chart.objects(FILES.resolve(file))
              .get(0)
              .at("/spec/template/metadata/annotations")
              .path("secrets.k8s.aws/secret-arn")
              .asText();
      assertThat(arn).matches(resource.replace("?", "."));
    }
    String needed = Files.readString(DOCS.resolve("native-secrets.md"));
    JsonNode webhook = JSON.readTree(Files.readString(FILES.resolve("webhook-policy.json")));
    for (JsonNode granted : webhook.at("/Statement/0/Action")) {
      assertThat(needed).contains(granted.asText().replace("secretsmanager:", ""));
    }
    JsonNode trust =
        JSON.readTree(Files.readString(FILES.resolve("trust-policy.json"))).at("/Statement/0");
    assertThat(trust.at("/Principal/Service").asText()).isEqualTo("pods.eks.amazonaws.com");
  }
}
