package io.github.secretscontroller.admission;

import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/**
 * A private key and the certificates that vouch for it, the key's own first. Immutable; printed
 * without the key.
 *
 * @param trustAnchor what a client has to trust
 */
record KeyAndChain(
    PrivateKey privateKey, List<X509Certificate> chain, X509Certificate trustAnchor) {

  KeyAndChain {
    chain = List.copyOf(chain);
  }

  /**
   * A pair that was read.
   *
   * @throws IllegalArgumentException if the two don't belong together
   */
  static KeyAndChain matching(
      List<X509Certificate> chain, Object certificatesFrom, PrivateKey key, Object keyFrom) {
    if (!belongTogether(chain.get(0).getPublicKey(), key)) {
      throw new IllegalArgumentException(
          "the private key in "
              + keyFrom
              + " doesn't belong to the first certificate in "
              + certificatesFrom);
    }
    return new KeyAndChain(key, chain, chain.get(chain.size() - 1));
  }

  X509Certificate certificate() {
    return chain.get(0);
  }

  Instant notBefore() {
    return certificate().getNotBefore().toInstant();
  }

  Instant notAfter() {
    return certificate().getNotAfter().toInstant();
  }

  /** Two thirds of its life: late enough to be rare, early enough to fail for a while. */
  Instant renewAt() {
    Instant made = notBefore().plus(Authority.CLOCK_SKEW);
    return made.plus(Duration.between(made, notAfter()).dividedBy(3).multipliedBy(2));
  }

  boolean isExpired(Instant now) {
    return !now.isBefore(notAfter());
  }

  @Override
  public String toString() {
    return "KeyAndChain[serial "
        + certificate().getSerialNumber().toString(16)
        + ", until "
        + notAfter()
        + "]";
  }

  private static boolean belongTogether(PublicKey publicKey, PrivateKey key) {
    try {
      String algorithm =
          switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            default -> key.getAlgorithm();
          };
      byte[] probe = {1};
      Signature signing = Signature.getInstance(algorithm);
      signing.initSign(key);
      signing.update(probe);
      Signature verifying = Signature.getInstance(algorithm);
      verifying.initVerify(publicKey);
      verifying.update(probe);
      return verifying.verify(signing.sign());
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
