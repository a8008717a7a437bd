package io.github.secretscontroller.admission.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.gson.JsonParser;
import io.kubernetes.client.openapi.models.V1Pod;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("explain")
class ExplainTest {

  private static final String ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-password-hlRvvF";

  private static final String POD_SPEC = "containers: [{name: web, image: web:1}]";

  /** How each kind makes Pods; the annotations go where %s is. */
  private static final Map<String, String> TEMPLATES =
      Map.of(
          "Deployment",
              "spec: {template: {metadata: {annotations: {%s}}, spec: {" + POD_SPEC + "}}}",
          "StatefulSet",
              "spec: {template: {metadata: {annotations: {%s}}, spec: {" + POD_SPEC + "}}}",
          "DaemonSet",
              "spec: {template: {metadata: {annotations: {%s}}, spec: {" + POD_SPEC + "}}}",
          "ReplicaSet",
              "spec: {template: {metadata: {annotations: {%s}}, spec: {" + POD_SPEC + "}}}",
          "Job",
              "spec: {template: {metadata: {annotations: {%s}}, spec: {restartPolicy: Never, "
                  + POD_SPEC
                  + "}}}",
          "CronJob",
              "spec: {jobTemplate: {spec: {template: {metadata: {annotations: {%s}}, spec:"
                  + " {restartPolicy: Never, "
                  + POD_SPEC
                  + "}}}}}");

  @TempDir Path directory;

  private record Run(int code, String out, String err) {
    JsonNode object(int index) {
      try {
        return new ObjectMapper().readTree(out).get("objects").get(index);
      } catch (IOException e) {
        throw new AssertionError(out, e);
      }
    }
  }

  private static Run run(String input, String... arguments) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            arguments,
            new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Run(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private static Run explain(String input, String... options) {
    List<String> words = new ArrayList<>(List.of("explain"));
    words.addAll(List.of(options));
    words.add("-");
    return run(input, words.toArray(String[]::new));
  }

  private static String pod(String annotations) {
    return """
        apiVersion: v1
        kind: Pod
        metadata:
          name: web
          annotations: {%s}
        spec:
          containers:
          - name: web
            image: web:1
        """
        .formatted(annotations);
  }

  private static String annotation(String key, String value) {
    return "secrets.k8s.aws/" + key + ": \"" + value + "\"";
  }

  private Path file(String name, String content) throws IOException {
    return Files.writeString(directory.resolve(name), content);
  }

  @Nested
  @DisplayName("tells people")
  class Text {

    @Test
    @DisplayName("what is injected, the plan and the least IAM policy")
    void injected() {
      Run run = explain(pod(annotation("secret-arn", ARN)));
      assertThat(run.code()).isZero();
      assertThat(run.err()).isEmpty();
      assertThat(run.out())
          .startsWith("== Pod default/web: pods get their secrets\n")
          .contains(
              """
                      image: web:1
              +       volumeMounts:
              +         - name: secret-vol
              +           mountPath: /tmp
              """)
          .contains("+   initContainers:", "+     - name: secrets-init-container")
          .contains("-- the plan", "\"version\" : 1,")
          .contains("-- the least IAM policy for the role of ServiceAccount default")
          .contains("\"Resource\" : [ \"" + ARN + "\" ]");
    }

    @Test
    @DisplayName("every problem at once, with its fix, and every warning")
    void refused() {
      Run run =
          explain(
              pod(
                  annotation("secret-arn", ARN)
                      + ", "
                      + annotation("mount-path", "/proc/x")
                      + ", "
                      + annotation("secret-filename", "../x")));
      assertThat(run.code()).isEqualTo(1);
      assertThat(run.out())
          .contains("== Pod default/web: pods would be refused (400)")
          .contains("problem: annotation secrets.k8s.aws/mount-path is \"/proc/x\"")
          .contains("problem: annotation secrets.k8s.aws/secret-filename is \"../x\"")
          .doesNotContain("the plan");
      assertThat(explain(pod("secret.k8s.aws/secret-arn: x")).out())
          .contains(
              "pods get no secrets\nwarning: annotation secret.k8s.aws/secret-arn is ignored");
    }

    @Test
    @DisplayName("that nothing in a file makes pods")
    void nothing() {
      Run run = explain("kind: Service\n---\n# only a comment\n---\nkind: ConfigMap\n");
      assertThat(run.code()).isZero();
      assertThat(run.out()).isEqualTo("none of the 2 objects makes pods\n");
    }
  }

  @Nested
  @DisplayName("tells programs")
  class Json {

    @Test
    @DisplayName("all of it, for objects of every kind that makes pods, patched where they differ")
    void kinds() {
      TEMPLATES.forEach(
          (kind, template) -> {
            String manifest =
                "kind: "
                    + kind
                    + "\nmetadata: {name: shop, namespace: blue}\n"
                    + template.formatted(annotation("secret-arn", ARN));
            JsonNode object = explain(manifest, "--output", "json").object(0);
            assertThat(object.get("kind").textValue()).isEqualTo(kind);
            assertThat(object.get("name").textValue()).isEqualTo("shop");
            assertThat(object.get("namespace").textValue()).isEqualTo("blue");
            assertThat(object.get("outcome").textValue()).isEqualTo("injected");
            assertThat(object.get("plan").get("files").get(0).get("secret").textValue())
                .isEqualTo(ARN);
            JsonNode patched = object.get("patched");
            JsonNode pod =
                (kind.equals("CronJob") ? patched.get("spec").get("jobTemplate") : patched)
                    .get("spec")
                    .get("template");
            assertThat(pod.get("spec").get("initContainers").get(0).get("name").textValue())
                .isEqualTo("secrets-init-container");
            assertThat(pod.get("metadata").has("ownerReferences")).isFalse();
            assertThat(patched.get("metadata").has("annotations")).isFalse();
          });
    }

    @Test
    @DisplayName("a reason for each refusal, naming the object")
    void refused() {
      String manifest =
          "kind: Job\nmetadata: {name: report}\n"
              + TEMPLATES.get("Job").formatted(annotation("secret-arn", ""));
      Run run = explain(manifest, "-o", "json");
      assertThat(run.code()).isEqualTo(1);
      assertThat(run.object(0).get("outcome").textValue()).isEqualTo("refused");
      assertThat(run.object(0).get("problems")).hasSize(1);
      assertThat(run.object(0).has("plan")).isFalse();
    }

    @Test
    @DisplayName("about every object of many documents, of Lists, of many files")
    void many() throws IOException {
      String list = "{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":\"a\"}}]}";
      String nested = "kind: List\nitems:\n- {kind: Pod, metadata: {name: b}}\n- {kind: Secret}\n";
      Run run =
          run(
              "kind: Pod\nmetadata: {generateName: c-}\n---\n---\nkind: Pod\n",
              "explain",
              "--output",
              "json",
              file("list.json", list).toString(),
              file("nested.yaml", nested).toString(),
              "-");
      assertThat(run.code()).as(run.err()).isZero();
      List<String> names = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        names.add(run.object(i).get("name").textValue());
      }
      assertThat(names).containsExactly("a", "b", "c-*", "*");
    }

    @Test
    @DisplayName("of a pod that was injected already what its plan is")
    void again() {
      JsonNode once =
          explain(pod(annotation("secret-arn", ARN)), "-o", "json").object(0).get("patched");
      JsonNode twice = explain(once.toString(), "-o", "json").object(0);
      assertThat(twice.get("outcome").textValue()).isEqualTo("injected");
      assertThat(twice.get("patched")).isEqualTo(once);
    }
  }

  @Test
  @DisplayName("prints the patched manifests, with everything else as it was")
  void patched() throws Exception {
    String service =
        "kind: Service\nspec: {ports: [{port: 80}], version: \"1.10\", number: 1.10}\n";
    Run run = explain(service + "---\n" + pod(annotation("secret-arn", ARN)), "-o", "patched");
    assertThat(run.code()).isZero();
    List<String> documents = List.of(run.out().split("(?m)^---\n"));
    assertThat(documents.get(1)).contains("version: \"1.10\"\n", "number: 1.10\n");
    JsonNode pod = Manifests.read(file("p.yaml", documents.get(2)).toString(), System.in).get(0);
    V1Pod.validateJsonElement(JsonParser.parseString(pod.toString()));
    assertThat(pod.get("spec").get("initContainers")).hasSize(1);
  }

  @Test
  @DisplayName("does what the webhook does with the configuration, in the namespace")
  void config() throws IOException {
    Path config =
        file(
            "webhook.yaml",
            "fetcherImage: example/f:1\npolicy: [{namespaces: [blue], secrets: [\"*\"]}]\n");
    String manifest = pod(annotation("secret-arn", "prod/db"));
    assertThat(explain(manifest, "--config", config.toString()).out())
        .contains("would be refused (403)", "it allows no secret there");
    Run run = explain(manifest, "--config", config.toString(), "--namespace", "blue");
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("image: example/f:1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "                             | a command is missing; try --help",
        "explian a.yaml               | there is no command \"explian\"; there are explain, and explain orphans",
        "explain                      | a file is missing; name manifests, or - for",
        "explain --outptu json -      | the option --outptu is unknown; try --help",
        "explain - --output           | --output needs a value",
        "explain --output xml -       | --output must be text, json or patched, not \"xml\"",
        "explain --account 12 -       | --account must be 12 digits, not \"12\"",
        "explain --region Paris -     | --region must be like eu-west-1, not \"Paris\"",
        "explain nowhere.yaml         | nowhere.yaml can't be read (NoSuchFileException)",
        "explain --config nowhere -   | --config nowhere can't be read",
      })
  @DisplayName("refuses a wrong command line with code 2 and the fix")
  void usage(String line, String message) {
    Run run = run("", line == null ? new String[0] : line.split(" "));
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).startsWith(message);
    assertThat(run.out()).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'{\"kind\": \"Secret\", \"data\": \"hunter2\"' | -, line 1, column",
        "'kind: Secret\n  value: hunter2'              | -, line 2, column",
        "'{\"kind\": 1, \"kind\": \"hunter2\"}'        | -, line 1, column",
        "'a: &x hunter2\nb: *x'                        | -, line 2: YAML aliases",
        "'- hunter2'                                   | - has a document that is no Kubernetes",
      })
  @DisplayName("says where a file is wrong, and never what is in it")
  void wrongFile(String input, String message) {
    Run run = explain(input);
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).startsWith(message).doesNotContain("hunter2");
    assertThat(run.out()).isEmpty();
  }

  @Test
  @DisplayName("says what is wrong with the configuration")
  void wrongConfig() throws IOException {
    Path config = file("webhook.yaml", "fetcherimage: x");
    assertThat(explain("", "--config", config.toString()).err())
        .isEqualTo(
            config + ": the option \"fetcherimage\" is unknown; did you mean fetcherImage?\n");
  }

  @Test
  @DisplayName("helps")
  void help() {
    Run run = run("", "--help");
    assertThat(run.code()).isZero();
    assertThat(run.out()).startsWith("usage: secrets-admission-cli explain").contains("exit code");
    assertThat(run("", "--version").out()).startsWith("secrets-admission-cli ");
  }
}
