package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.secretscontroller.core.InjectionPlan;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;

/** Runs on the seeds only, unless started by {@code .ci/fuzz}. */
@DisplayName("However it is mangled, it is read as a request or as problems:")
class AnnotationsFuzzTest {

  private static void read(Map<String, String> annotations) {
    Annotations.Reading reading = Annotations.read(annotations, 0444);
    InjectionRequest request = reading.request();
    if (request == null) {
      return;
    }
    assertThat(reading.problems()).isEmpty();
    String json = request.plan().toJson();
    assertThat(json).doesNotContain("$");
    assertThat(InjectionPlan.parse(json)).isEqualTo(request.plan());
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static void readWithSecret(String key, byte[] value) {
    read(
        Map.of(Annotations.PREFIX + "secret.db", "prod/db", Annotations.PREFIX + key, text(value)));
  }

  @FuzzTest(maxDuration = "20s")
  @DisplayName("any set of annotations, one in each line")
  void annotations(byte[] lines) {
    Map<String, String> annotations = new LinkedHashMap<>();
    text(lines)
        .lines()
        .forEach(
            line -> {
              int colon = line.indexOf(": ");
              if (colon > 0) {
                annotations.put(
                    Annotations.PREFIX + line.substring(0, colon), line.substring(colon + 2));
              }
            });
    read(annotations);
  }

  @FuzzTest(maxDuration = "20s")
  @DisplayName("a reference, a list of them, or paths behind them")
  void secretArn(byte[] value) {
    read(Map.of(Annotations.SECRET_ARN, text(value)));
  }

  @FuzzTest(maxDuration = "20s")
  @DisplayName("a path of a file")
  void filePath(byte[] value) {
    read(Map.of(Annotations.SECRET_ARN, "db", LegacyAnnotations.SECRET_FILENAME, text(value)));
    readWithSecret("file.db", value);
  }

  @FuzzTest(maxDuration = "20s")
  @DisplayName("the YAML of objects")
  void objects(byte[] value) {
    read(Map.of(CsiObjects.OBJECTS, text(value), PodWide.FAILOVER_REGION, "us-east-2"));
  }

  @FuzzTest(maxDuration = "20s")
  @DisplayName("a JMESPath expression")
  void jmesPath(byte[] value) {
    readWithSecret("path.db", value);
  }
}
