package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.aws.KmsEnvelope.Header;
import io.github.secretscontroller.aws.KmsEnvelope.MalformedEnvelopeException;
import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.UUID;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("A sealed value")
class KmsEnvelopeTest {

  private static final byte[] DATA_KEY = new byte[KmsEnvelope.DATA_KEY_BYTES];
  private static final Header HEADER =
      new Header(
          "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555",
          "prod-1",
          "shop",
          "db",
          UUID.fromString("00112233-4455-4677-8899-aabbccddeeff"),
          new byte[184],
          new byte[KmsEnvelope.IV_BYTES]);

  private static byte[] sealed() {
    return bytes(KmsEnvelope.seal(HEADER, DATA_KEY, "hunter2".getBytes(UTF_8)).toText());
  }

  private static byte[] bytes(String text) {
    return Base64.getUrlDecoder().decode(text);
  }

  private static String text(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  @Nested
  @DisplayName("in the test vectors, which another implementation made,")
  class Vectors {

    static Stream<JsonNode> vectors() throws IOException {
      try (InputStream in =
          KmsEnvelopeTest.class.getResourceAsStream("/kms/envelope-vectors.json")) {
        return StreamSupport.stream(new ObjectMapper().readTree(in).spliterator(), false);
      }
    }

    private static byte[] hex(JsonNode vector, String field) {
      return HexFormat.of().parseHex(vector.get(field).asText());
    }

    @ParameterizedTest
    @MethodSource("vectors")
    @DisplayName("is opened")
    void opened(JsonNode vector) throws Exception {
      KmsEnvelope envelope = KmsEnvelope.parse(vector.get("envelope").asText());
      assertThat(envelope.header().keyArn()).isEqualTo(vector.get("keyArn").asText());
      assertThat(envelope.header().encryptionContext())
          .containsEntry("secrets-controller:cluster", vector.get("cluster").asText())
          .containsEntry("secrets-controller:namespace", vector.get("namespace").asText())
          .containsEntry("secrets-controller:name", vector.get("name").asText());
      assertThat(envelope.header().versionId()).hasToString(vector.get("versionId").asText());
      assertThat(envelope.open(hex(vector, "dataKey"))).isEqualTo(hex(vector, "value"));
    }

    @ParameterizedTest
    @MethodSource("vectors")
    @DisplayName("is made byte by byte")
    void made(JsonNode vector) {
      Header header =
          new Header(
              vector.get("keyArn").asText(),
              vector.get("cluster").asText(),
              vector.get("namespace").asText(),
              vector.get("name").asText(),
              UUID.fromString(vector.get("versionId").asText()),
              hex(vector, "encryptedDataKey"),
              hex(vector, "iv"));
      assertThat(KmsEnvelope.seal(header, hex(vector, "dataKey"), hex(vector, "value")).toText())
          .isEqualTo(vector.get("envelope").asText());
    }
  }

  @Test
  @DisplayName("with any one bit changed is refused, and never opened as something else")
  void everyBit() {
    byte[] good = sealed();
    for (int i = 0; i < good.length * 8; i++) {
      byte[] changed = good.clone();
      changed[i / 8] ^= (byte) (1 << (i % 8));
      assertThatThrownBy(() -> KmsEnvelope.parse(text(changed)).open(DATA_KEY))
          .describedAs("bit %d", i)
          .isInstanceOf(MalformedEnvelopeException.class);
    }
  }

  @Test
  @DisplayName("has one text only: bits of the last character that stand for nothing are zero")
  void oneText() {
    String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    String good = KmsEnvelope.seal(HEADER, DATA_KEY, new byte[] {1}).toText();
    String better = KmsEnvelope.seal(HEADER, DATA_KEY, new byte[] {1, 2}).toText();
    for (String whole : new String[] {good, better}) {
      for (char last : alphabet.replace(whole.substring(whole.length() - 1), "").toCharArray()) {
        String changed = whole.substring(0, whole.length() - 1) + last;
        assertThatThrownBy(() -> KmsEnvelope.parse(changed).open(DATA_KEY))
            .describedAs("%s", last)
            .isInstanceOf(MalformedEnvelopeException.class);
      }
    }
  }

  @Test
  @DisplayName("whose header names an owner of blanks is refused")
  void blankOwner() {
    Header blank =
        new Header(
            HEADER.keyArn(),
            HEADER.cluster(),
            HEADER.namespace(),
            " ",
            HEADER.versionId(),
            HEADER.encryptedDataKey(),
            HEADER.iv());
    String text = KmsEnvelope.seal(blank, DATA_KEY, new byte[1]).toText();
    assertThatThrownBy(() -> KmsEnvelope.parse(text))
        .isInstanceOf(MalformedEnvelopeException.class)
        .hasMessage("a part of its header is blank");
  }

  @Test
  @DisplayName("that is cut anywhere, or longer, is refused")
  void everyLength() {
    byte[] good = sealed();
    for (int length = 0; length < good.length; length++) {
      byte[] cut = Arrays.copyOf(good, length);
      assertThatThrownBy(() -> KmsEnvelope.parse(text(cut)).open(DATA_KEY))
          .describedAs("%d bytes", length)
          .isInstanceOf(MalformedEnvelopeException.class);
    }
    assertThatThrownBy(
            () -> KmsEnvelope.parse(text(Arrays.copyOf(good, good.length + 1))).open(DATA_KEY))
        .isInstanceOf(MalformedEnvelopeException.class)
        .hasMessage("the value or its header was changed");
  }

  @Test
  @DisplayName("is refused with the reason")
  void reasons() {
    byte[] good = sealed();
    byte[] version = good.clone();
    version[0] = 2;
    assertThatThrownBy(() -> KmsEnvelope.parse(text(version)))
        .hasMessage("it has version 2, and this program reads 1 only");
    byte[] length = good.clone();
    length[1] = (byte) 0xff;
    assertThatThrownBy(() -> KmsEnvelope.parse(text(length)))
        .hasMessage("a part of its header is empty or too long");
    assertThatThrownBy(() -> KmsEnvelope.parse("A".repeat(100_000))).hasMessage("it is too long");
    assertThatThrownBy(() -> KmsEnvelope.parse("A")).hasMessage("it is no base64url");
    assertThatThrownBy(() -> KmsEnvelope.parse(text(good)).open(new byte[5]))
        .hasMessage("the data key has the wrong length");
    byte[] otherKey = DATA_KEY.clone();
    otherKey[31] = 1;
    assertThatThrownBy(() -> KmsEnvelope.parse(text(good)).open(otherKey))
        .hasMessage("the value or its header was changed");
  }

  @Test
  @DisplayName("has at most 16 KiB")
  void limit() throws Exception {
    byte[] most = new byte[KmsEnvelope.MAX_VALUE_BYTES];
    assertThat(KmsEnvelope.parse(KmsEnvelope.seal(HEADER, DATA_KEY, most).toText()).open(DATA_KEY))
        .isEqualTo(most);
    assertThatThrownBy(
            () -> KmsEnvelope.seal(HEADER, DATA_KEY, new byte[KmsEnvelope.MAX_VALUE_BYTES + 1]))
        .hasMessage("a sealed value has at most 16384 bytes, not 16385");
  }
}
