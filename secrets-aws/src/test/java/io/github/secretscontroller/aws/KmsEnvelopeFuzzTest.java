package io.github.secretscontroller.aws;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.secretscontroller.aws.KmsEnvelope.MalformedEnvelopeException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.DisplayName;

/** Runs on the seeds only, unless started by {@code .ci/fuzz}. */
@DisplayName("Whatever stands behind kms:, which whoever may edit a Secret can write,")
class KmsEnvelopeFuzzTest {

  private static void read(String text) {
    try {
      KmsEnvelope envelope = KmsEnvelope.parse(text);
      assertThat(envelope.toText()).isEqualTo(text);
      assertThat(envelope.header().encryptionContext().values()).noneMatch(String::isBlank);
      assertThat(envelope.header().region()).isNotNull();
      envelope.open(new byte[KmsEnvelope.DATA_KEY_BYTES]);
    } catch (MalformedEnvelopeException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }

  @FuzzTest(maxDuration = "10s")
  @DisplayName("is a sealed value of that very text, or is refused")
  void text(byte[] text) {
    read(new String(text, StandardCharsets.UTF_8));
  }

  @FuzzTest(maxDuration = "10s")
  @DisplayName("is refused if it isn't what was sealed, byte by byte")
  void bytes(byte[] bytes) {
    read(Base64.getUrlEncoder().withoutPadding().encodeToString(bytes));
  }
}
