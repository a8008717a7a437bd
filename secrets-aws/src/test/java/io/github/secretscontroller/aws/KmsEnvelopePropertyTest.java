package io.github.secretscontroller.aws;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.aws.KmsEnvelope.Header;
import io.github.secretscontroller.aws.KmsEnvelope.MalformedEnvelopeException;
import java.util.Arrays;
import java.util.Base64;
import java.util.UUID;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.NotEmpty;
import net.jqwik.api.constraints.Size;

class KmsEnvelopePropertyTest {

  @Property
  void whatIsSealedIsOpened(
      @ForAll byte[] value,
      @ForAll @NotEmpty @Size(max = 40) byte[] encryptedDataKey,
      @ForAll @Size(32) byte[] dataKey,
      @ForAll @Size(12) byte[] iv)
      throws MalformedEnvelopeException {
    Header header = new Header("key", "c", "ns", "n", UUID.randomUUID(), encryptedDataKey, iv);
    KmsEnvelope read = KmsEnvelope.parse(KmsEnvelope.seal(header, dataKey, value).toText());
    assertThat(read.open(dataKey)).isEqualTo(value);
    assertThat(read.header().encryptedDataKey()).isEqualTo(encryptedDataKey);
    assertThat(read.header().versionId()).isEqualTo(header.versionId());
  }

  @Property
  void anyTextIsRefusedWithAReason(@ForAll String text) {
    assertRefused(text);
  }

  @Property
  void anyBytesAreRefusedWithAReason(@ForAll @Size(max = 600) byte[] bytes) {
    assertRefused(Base64.getUrlEncoder().encodeToString(bytes));
  }

  @Property
  void anyPartOfAnEnvelopeWrittenOverIsRefusedWithAReason(
      @ForAll @IntRange(max = 400) int position, @ForAll @NotEmpty @Size(max = 8) byte[] over) {
    Header header = new Header("key", "c", "ns", "n", new UUID(1, 2), new byte[184], new byte[12]);
    byte[] good =
        Base64.getUrlDecoder()
            .decode(KmsEnvelope.seal(header, new byte[32], new byte[100]).toText());
    byte[] changed = good.clone();
    int start = position % (good.length - over.length);
    System.arraycopy(over, 0, changed, start, over.length);
    Assume.that(!Arrays.equals(good, changed));
    assertRefused(Base64.getUrlEncoder().withoutPadding().encodeToString(changed));
  }

  private static void assertRefused(String text) {
    try {
      KmsEnvelope.parse(text).open(new byte[32]);
      throw new AssertionError("opened: " + text);
    } catch (MalformedEnvelopeException e) {
      assertThat(e.getMessage()).isNotBlank();
    }
  }
}
