package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.DisplayName;

/** Runs on the seeds only, unless started by {@code .ci/fuzz}. */
@DisplayName("Whatever somebody writes as a reference,")
class SecretReferenceFuzzTest {

  @FuzzTest(maxDuration = "10s")
  @DisplayName("it is refused in a sentence, or its text form is the same reference")
  void parse(byte[] text) {
    SecretReference reference;
    try {
      reference = SecretReference.parse(new String(text, StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).isNotBlank();
      return;
    }
    assertThat(SecretReference.parse(reference.toString())).isEqualTo(reference);
    assertThat(reference.describe()).isNotBlank();
    assertThat(reference.whole().selector()).isNull();
  }
}
