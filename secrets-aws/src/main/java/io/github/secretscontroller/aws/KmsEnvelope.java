package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.WriteContext;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.UUID;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * A sealed value that describes itself, as docs/kms-envelope.md lays it out: a header that names
 * the KMS key, the owner and a random version id, and holds the encrypted data key; then the value,
 * encrypted with AES-256-GCM under that data key. The whole header is authenticated with it, so no
 * byte of it can be changed either.
 *
 * @param header what stands before the ciphertext
 * @param headerBytes the header as it stands in the text; the additional authenticated data
 * @param ciphertext the encrypted value with its tag
 */
@SuppressWarnings("ArrayRecordComponent") // Nobody compares envelopes.
record KmsEnvelope(Header header, byte[] headerBytes, byte[] ciphertext) {

  /** The largest value, so that a few references fit into a pod's plan of 96 KiB. */
  static final int MAX_VALUE_BYTES = 16 * 1024;

  static final int IV_BYTES = 12;
  static final int DATA_KEY_BYTES = 32;

  private static final int FORMAT_VERSION = 1;
  private static final int TAG_BYTES = 16;
  // A KMS key's ARN has fewer, Kubernetes' names have 253.
  private static final int MAX_TEXT_BYTES = 512;
  // The longest CiphertextBlob that KMS documents.
  private static final int MAX_ENCRYPTED_KEY_BYTES = 6144;
  private static final int MAX_ENVELOPE_BYTES =
      1
          + 4 * (2 + MAX_TEXT_BYTES)
          + 16
          + 2
          + MAX_ENCRYPTED_KEY_BYTES
          + IV_BYTES
          + MAX_VALUE_BYTES
          + TAG_BYTES;

  private static final int MAX_TEXT_LENGTH = (MAX_ENVELOPE_BYTES + 2) / 3 * 4;

  /**
   * What can be read without a key.
   *
   * @param keyArn the KMS key that encrypted the data key
   * @param cluster whose value it is: the operator's name for the cluster
   * @param namespace the object's namespace
   * @param name the object's name
   * @param versionId a random id
   * @param encryptedDataKey what KMS turns into the data key
   * @param iv the initialisation vector, never used twice with one data key
   */
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares headers.
  record Header(
      String keyArn,
      String cluster,
      String namespace,
      String name,
      UUID versionId,
      byte[] encryptedDataKey,
      byte[] iv) {

    /** The region of the KMS key. */
    String region() {
      String[] fields = keyArn.split(":", 6);
      return fields.length == 6 ? fields[3] : "";
    }

    /** What KMS binds the data key to; it is logged by AWS CloudTrail in plain text. */
    Map<String, String> encryptionContext() {
      return encryptionContextOf(WriteContext.of(cluster, namespace, name));
    }
  }

  static Map<String, String> encryptionContextOf(WriteContext owner) {
    return Map.of(
        "secrets-controller:cluster", owner.cluster(),
        "secrets-controller:namespace", owner.namespace(),
        "secrets-controller:name", owner.name());
  }

  /** Encrypts a value; {@code dataKey} stays the caller's to wipe. */
  static KmsEnvelope seal(Header header, byte[] dataKey, byte[] value) {
    if (value.length > MAX_VALUE_BYTES) {
      throw new IllegalArgumentException(
          "a sealed value has at most " + MAX_VALUE_BYTES + " bytes, not " + value.length);
    }
    byte[] headerBytes = encode(header);
    try {
      Cipher cipher = cipher(Cipher.ENCRYPT_MODE, dataKey, header.iv(), headerBytes);
      return new KmsEnvelope(header, headerBytes, cipher.doFinal(value));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every JVM has AES-256-GCM", e);
    }
  }

  /**
   * Decrypts the value.
   *
   * @throws MalformedEnvelopeException if any byte was changed, or the data key is another
   */
  byte[] open(byte[] dataKey) throws MalformedEnvelopeException {
    try {
      return cipher(Cipher.DECRYPT_MODE, dataKey, header.iv(), headerBytes).doFinal(ciphertext);
    } catch (AEADBadTagException e) {
      throw new MalformedEnvelopeException("the value or its header was changed");
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new MalformedEnvelopeException("the data key has the wrong length");
    }
  }

  /** The text that stands behind {@code kms:}. */
  String toText() {
    byte[] all =
        ByteBuffer.allocate(headerBytes.length + ciphertext.length)
            .put(headerBytes)
            .put(ciphertext)
            .array();
    return Base64.getUrlEncoder().withoutPadding().encodeToString(all);
  }

  /**
   * Reads the text that stands behind {@code kms:}.
   *
   * @throws MalformedEnvelopeException if it isn't an envelope; the message tells why
   */
  static KmsEnvelope parse(String text) throws MalformedEnvelopeException {
    if (text.length() > MAX_TEXT_LENGTH) {
      throw new MalformedEnvelopeException("it is too long");
    }
    byte[] all;
    try {
      all = Base64.getUrlDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new MalformedEnvelopeException("it is no base64url");
    }
    ByteBuffer in = ByteBuffer.wrap(all);
    try {
      int version = in.get();
      if (version != FORMAT_VERSION) {
        throw new MalformedEnvelopeException(
            "it has version " + version + ", and this program reads " + FORMAT_VERSION + " only");
      }
      Header header =
          new Header(
              text(in),
              text(in),
              text(in),
              text(in),
              new UUID(in.getLong(), in.getLong()),
              bytes(in, length(in, MAX_ENCRYPTED_KEY_BYTES)),
              bytes(in, IV_BYTES));
      byte[] headerBytes = Arrays.copyOf(all, in.position());
      if (in.remaining() < TAG_BYTES || in.remaining() > MAX_VALUE_BYTES + TAG_BYTES) {
        throw new MalformedEnvelopeException("its value is too short or too long");
      }
      KmsEnvelope envelope = new KmsEnvelope(header, headerBytes, bytes(in, in.remaining()));
      // The last character can hold bits that stand for nothing.
      if (!envelope.toText().equals(text)) {
        throw new MalformedEnvelopeException("its text was changed");
      }
      return envelope;
    } catch (BufferUnderflowException e) {
      throw new MalformedEnvelopeException("it ends too early");
    }
  }

  private static byte[] encode(Header header) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(FORMAT_VERSION);
      for (String part :
          new String[] {header.keyArn(), header.cluster(), header.namespace(), header.name()}) {
        write(out, part.getBytes(StandardCharsets.UTF_8), MAX_TEXT_BYTES);
      }
      out.writeLong(header.versionId().getMostSignificantBits());
      out.writeLong(header.versionId().getLeastSignificantBits());
      write(out, header.encryptedDataKey(), MAX_ENCRYPTED_KEY_BYTES);
      out.write(header.iv());
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return bytes.toByteArray();
  }

  private static void write(DataOutputStream out, byte[] part, int longest) throws IOException {
    if (part.length == 0 || part.length > longest) {
      throw new IllegalArgumentException(
          "a part of a sealed value's header has "
              + part.length
              + " bytes; 1 to "
              + longest
              + " are allowed");
    }
    out.writeShort(part.length);
    out.write(part);
  }

  private static String text(ByteBuffer in) throws MalformedEnvelopeException {
    byte[] bytes = bytes(in, length(in, MAX_TEXT_BYTES));
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedEnvelopeException("a part of its header is no UTF-8");
    }
    if (text.isBlank()) {
      throw new MalformedEnvelopeException("a part of its header is blank");
    }
    return text;
  }

  /** Bounded before anything of that length is made. */
  private static int length(ByteBuffer in, int longest) throws MalformedEnvelopeException {
    int length = Short.toUnsignedInt(in.getShort());
    if (length == 0 || length > longest) {
      throw new MalformedEnvelopeException("a part of its header is empty or too long");
    }
    return length;
  }

  private static byte[] bytes(ByteBuffer in, int length) {
    if (in.remaining() < length) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }

  private static Cipher cipher(int mode, byte[] dataKey, byte[] iv, byte[] authenticated)
      throws GeneralSecurityException {
    SecretKey key = new SecretKeySpec(dataKey, "AES");
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, key, new GCMParameterSpec(TAG_BYTES * Byte.SIZE, iv));
    cipher.updateAAD(authenticated);
    return cipher;
  }

  /** Bytes that are no envelope, or not the one that was sealed. */
  static final class MalformedEnvelopeException extends Exception {
    private static final long serialVersionUID = 1L;

    MalformedEnvelopeException(String message) {
      super(message);
    }
  }
}
