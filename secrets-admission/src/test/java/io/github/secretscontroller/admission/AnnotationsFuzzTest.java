package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;

/** Runs on the seeds only, unless {@code JAZZER_FUZZ=1}; see {@code .ci/fuzz}. */
@DisplayName("However an annotation is mangled, the answer is a request or problems:")
class AnnotationsFuzzTest {

  private static void read(Map<String, String> annotations) {
    Annotations.Reading reading = Annotations.read(annotations, 0444);
    assertThat(reading.request() == null).isEqualTo(!reading.problems().isEmpty());
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @FuzzTest(maxDuration = "20s")
  @DisplayName("secret-filename")
  void secretFilename(byte[] value) {
    read(Map.of(Annotations.SECRET_ARN, "db", LegacyAnnotations.SECRET_FILENAME, text(value)));
  }
}
