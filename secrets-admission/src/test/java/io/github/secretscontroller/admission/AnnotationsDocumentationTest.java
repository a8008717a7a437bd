package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.github.secretscontroller.core.InjectionPlan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("docs/annotations.md")
class AnnotationsDocumentationTest {

  private static final Pattern EXAMPLE = Pattern.compile("(?ms)^```yaml\\R(.*?)^```$");
  private static final YAMLMapper YAML = new YAMLMapper();

  static Stream<Map<String, String>> examples() throws IOException {
    // Surefire starts in the module's directory.
    return EXAMPLE
        .matcher(Files.readString(Path.of("../docs/annotations.md")))
        .results()
        .map(example -> annotations(example.group(1)));
  }

  private static Map<String, String> annotations(String yaml) {
    try {
      JsonNode annotations = YAML.readTree(yaml).get("metadata").get("annotations");
      return YAML.convertValue(annotations, new TypeReference<>() {});
    } catch (IOException e) {
      throw new AssertionError(yaml, e);
    }
  }

  @ParameterizedTest
  @MethodSource("examples")
  @DisplayName("has examples that work as they stand there")
  void works(Map<String, String> annotations) {
    Annotations.Reading reading = Annotations.read(annotations, 0444);
    assertThat(reading.problems()).isEmpty();
    assertThat(reading.warnings()).isEmpty();
    assertThat(reading.request()).isNotNull();
    InjectionPlan plan = reading.request().plan();
    assertThat(InjectionPlan.parse(plan.toJson())).isEqualTo(plan);
  }

  @Test
  @DisplayName("has an example for every key")
  void complete() throws IOException {
    Set<String> shown = new TreeSet<>();
    examples()
        .flatMap(annotations -> annotations.keySet().stream())
        .map(key -> key.substring(Annotations.PREFIX.length()))
        .map(key -> NamedSecrets.isOne(key) ? key.substring(0, key.indexOf('.')) + ".<n>" : key)
        .forEach(shown::add);
    Set<String> all = new TreeSet<>();
    NamedSecrets.KINDS.forEach(kind -> all.add(kind + ".<n>"));
    Annotations.KNOWN.forEach(key -> all.add(key.substring(Annotations.PREFIX.length())));
    // The webhook writes these.
    all.removeAll(List.of("status", "plan-digest"));
    // Stands with what it is about, the interception of native Secrets.
    all.remove("resolve");
    assertThat(shown).isEqualTo(all);
  }
}
