package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.SecretFile;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Annotations, written as pairs of a key without its prefix and a value, and what they are read as.
 */
final class Reads {

  static final String PREFIX = "secrets.k8s.aws/";

  private Reads() {}

  static Annotations.Reading read(String... keysAndValues) {
    Map<String, String> annotations = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      annotations.put(PREFIX + keysAndValues[i], keysAndValues[i + 1]);
    }
    return Annotations.read(annotations, SecretFile.DEFAULT_MODE);
  }

  /** What is asked for, without a problem or a warning. */
  static InjectionRequest request(String... keysAndValues) {
    Annotations.Reading reading = read(keysAndValues);
    assertThat(reading.problems()).isEmpty();
    assertThat(reading.warnings()).isEmpty();
    assertThat(reading.request()).isNotNull();
    return reading.request();
  }

  static List<SecretFile> files(String... keysAndValues) {
    return request(keysAndValues).plan().files();
  }

  static SecretFile file(String... keysAndValues) {
    List<SecretFile> files = files(keysAndValues);
    assertThat(files).hasSize(1);
    return files.get(0);
  }

  /** Why the pod is refused. */
  static List<String> problems(String... keysAndValues) {
    Annotations.Reading reading = read(keysAndValues);
    assertThat(reading.request()).isNull();
    assertThat(reading.problems()).isNotEmpty();
    return reading.problems();
  }

  /** The only reason why the pod is refused. */
  static String problem(String... keysAndValues) {
    List<String> problems = problems(keysAndValues);
    assertThat(problems).hasSize(1);
    return problems.get(0);
  }

  static List<String> warnings(String... keysAndValues) {
    Annotations.Reading reading = read(keysAndValues);
    assertThat(reading.problems()).isEmpty();
    return reading.warnings();
  }
}
