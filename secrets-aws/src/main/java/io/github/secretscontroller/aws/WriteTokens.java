package io.github.secretscontroller.aws;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.UUID;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Makes the ClientRequestToken of a write, which becomes the version's id. AWS takes a token that
 * was used before for a repetition and does nothing; so it depends on the version that is replaced
 * (or A, B, A would end at B), and on a key (or it would give a hash of the value away).
 */
final class WriteTokens {

  private static final String ALGORITHM = "HmacSHA256";

  private final SecretKeySpec key;

  WriteTokens(byte[] key) {
    this.key = new SecretKeySpec(key, ALGORITHM);
  }

  String token(String secret, String replacedVersion, byte[] value) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      for (String part : new String[] {secret, replacedVersion}) {
        byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
        // The length first, so that no two inputs run together into the same bytes.
        mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
        mac.update(bytes);
      }
      ByteBuffer digest = ByteBuffer.wrap(mac.doFinal(value));
      return new UUID(digest.getLong(), digest.getLong()).toString();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has " + ALGORITHM, e);
    }
  }
}
