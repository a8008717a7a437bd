package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.util.Arrays;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;

/** Runs on the seeds only, unless started by {@code .ci/fuzz}. */
@DisplayName("A document of a native Secret's keys,")
class SecretDocumentFuzzTest {

  @FuzzTest(maxDuration = "10s")
  @DisplayName("which anybody may have overwritten, has a key or hasn't, and never ends the reader")
  void read(byte[] document) {
    byte[] before = document.clone();
    SecretDocument.value(document, "password").ifPresent(value -> Arrays.fill(value, (byte) 0));
    assertThat(document).isEqualTo(before);
  }

  @FuzzTest(maxDuration = "10s")
  @DisplayName("with any value gives it back to the byte")
  void roundTrip(byte[] value) {
    byte[] document =
        SecretDocument.encode(new TreeMap<>(Map.of("password", value, "b", new byte[] {'"'})));
    assertThat(SecretDocument.value(document, "password")).hasValue(value);
  }
}
