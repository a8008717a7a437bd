package io.github.secretscontroller.fetcher;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.interfaces.RSAPrivateKey;
import java.security.interfaces.RSAPublicKey;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Private keys out of PEM blocks. The JDK reads PKCS#8 only; the older PKCS#1 (RSA) and SEC 1 (EC)
 * forms are put into that envelope here, with the algorithm that the certificate's public key
 * names. A library that could do it would be ten times the size of this program.
 */
final class PrivateKeys {

  private static final int SEQUENCE = 0x30;
  private static final int OCTET_STRING = 0x04;
  private static final byte[] VERSION_0 = {0x02, 0x01, 0x00};

  private PrivateKeys() {}

  /** Whether a block holds a private key of a form that is known. */
  static boolean isKey(Pem block) {
    return block.label().endsWith("PRIVATE KEY");
  }

  /**
   * Refuses a key that needs a password.
   *
   * @throws Unusable if it is encrypted
   */
  static void requirePlain(Pem block) throws Unusable {
    if (block.encrypted() || block.label().equals("ENCRYPTED PRIVATE KEY")) {
      throw new Unusable(
          "has an encrypted private key; store the key unencrypted, since the secret itself is"
              + " encrypted at rest");
    }
  }

  /** The key in this block, if it belongs to the public one; else {@code null}. */
  static @Nullable PrivateKey read(Pem block, PublicKey publicKey) {
    byte[] pkcs8 =
        block.label().equals("PRIVATE KEY")
            ? block.revealDer().clone()
            : envelope(block, publicKey);
    try {
      PrivateKey key =
          KeyFactory.getInstance(publicKey.getAlgorithm())
              .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
      return belongs(key, publicKey) ? key : null;
    } catch (GeneralSecurityException e) {
      return null;
    } finally {
      Arrays.fill(pkcs8, (byte) 0);
    }
  }

  private static boolean belongs(PrivateKey key, PublicKey publicKey)
      throws GeneralSecurityException {
    if (key instanceof RSAPrivateKey rsa && publicKey instanceof RSAPublicKey rsaPublic) {
      return rsa.getModulus().equals(rsaPublic.getModulus());
    }
    String algorithm = publicKey.getAlgorithm().equals("EC") ? "SHA256withECDSA" : "EdDSA";
    byte[] probe = {1};
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(key);
    signature.update(probe);
    byte[] signed = signature.sign();
    signature.initVerify(publicKey);
    signature.update(probe);
    return signature.verify(signed);
  }

  /** {@code PrivateKeyInfo} of PKCS#8: a version, the algorithm, and the key as it was. */
  private static byte[] envelope(Pem block, PublicKey publicKey) {
    byte[] algorithm = algorithm(publicKey.getEncoded());
    byte[] key = element(OCTET_STRING, block.revealDer());
    byte[] content = element(SEQUENCE, VERSION_0, algorithm, key);
    Arrays.fill(key, (byte) 0);
    return content;
  }

  /** The first element of a {@code SubjectPublicKeyInfo}. */
  private static byte[] algorithm(byte[] publicKeyInfo) {
    int start = 1 + lengthBytes(publicKeyInfo, 1);
    int length = publicKeyInfo[start + 1];
    // An algorithm and its curve have less than 128 bytes, whose length is one byte.
    return Arrays.copyOfRange(publicKeyInfo, start, start + 2 + length);
  }

  private static int lengthBytes(byte[] der, int at) {
    return der[at] >= 0 ? 1 : 1 + (der[at] & 0x7F);
  }

  private static byte[] element(int tag, byte[]... parts) {
    int length = 0;
    for (byte[] part : parts) {
      length += part.length;
    }
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    head.write(tag);
    if (length < 128) {
      head.write(length);
    } else {
      int bytes = (32 - Integer.numberOfLeadingZeros(length) + 7) / 8;
      head.write(0x80 | bytes);
      for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
        head.write(length >> shift);
      }
    }
    byte[] element = Arrays.copyOf(head.toByteArray(), head.size() + length);
    int at = head.size();
    for (byte[] part : parts) {
      System.arraycopy(part, 0, element, at, part.length);
      at += part.length;
    }
    return element;
  }
}
