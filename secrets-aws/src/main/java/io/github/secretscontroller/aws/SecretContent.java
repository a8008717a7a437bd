package io.github.secretscontroller.aws;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;

/** A value as the service holds it: a string if it is UTF-8, else binary. Exactly one is there. */
final class SecretContent {

  private final @Nullable String string;
  private final @Nullable SdkBytes binary;

  private SecretContent(@Nullable String string, @Nullable SdkBytes binary) {
    this.string = string;
    this.binary = binary;
  }

  static SecretContent of(byte[] value) {
    try {
      // Strict, unlike new String(...), which would replace what it can't decode.
      return new SecretContent(
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value)).toString(), null);
    } catch (CharacterCodingException e) {
      return new SecretContent(null, SdkBytes.fromByteArray(value));
    }
  }

  static SecretContent of(GetSecretValueResponse response) {
    return new SecretContent(response.secretString(), response.secretBinary());
  }

  @Nullable String string() {
    return string;
  }

  @Nullable SdkBytes binary() {
    return binary;
  }

  /** Whether these are its bytes, in a time that depends on their number only. */
  boolean holds(byte[] value) {
    byte[] bytes = bytes();
    try {
      return MessageDigest.isEqual(bytes, value);
    } finally {
      Arrays.fill(bytes, (byte) 0);
    }
  }

  private byte[] bytes() {
    if (string != null) {
      return string.getBytes(StandardCharsets.UTF_8);
    }
    return binary == null ? new byte[0] : binary.asByteArray();
  }
}
