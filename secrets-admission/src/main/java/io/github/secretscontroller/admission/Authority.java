package io.github.secretscontroller.admission;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Set;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509ExtensionUtils;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/**
 * A certificate authority of our own, on a P-256 key.
 *
 * <p>Each has a name of its own: while an old and a new one are trusted at once, a client finds the
 * right one by name.
 */
record Authority(KeyAndChain keyAndChain) {

  /** A clock that runs behind must not find a certificate that isn't valid yet. */
  static final Duration CLOCK_SKEW = Duration.ofMinutes(5);

  private static final String NAME = "CN=Secrets Controller webhook CA";

  static Authority create(Instant now, Duration lifetime) {
    try {
      SecureRandom random = new SecureRandom();
      KeyPair keys = newKeys(random);
      BigInteger serial = serial(random);
      X500Name name = new X500Name(NAME + " " + serial.toString(16).substring(0, 8));
      X509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
                  name,
                  serial,
                  Date.from(now.minus(CLOCK_SKEW)),
                  Date.from(now.plus(lifetime)),
                  name,
                  keys.getPublic())
              .addExtension(
                  Extension.subjectKeyIdentifier,
                  false,
                  new JcaX509ExtensionUtils().createSubjectKeyIdentifier(keys.getPublic()))
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
      X509Certificate certificate = sign(builder, keys.getPrivate());
      return new Authority(new KeyAndChain(keys.getPrivate(), List.of(certificate), certificate));
    } catch (GeneralSecurityException | OperatorCreationException | CertIOException e) {
      throw cannotMake(e);
    }
  }

  /**
   * An authority that was read.
   *
   * @throws IllegalArgumentException if the two aren't one; the message names where they come from
   */
  static Authority read(String certificate, Object certificateFrom, String key, Object keyFrom) {
    KeyAndChain read =
        KeyAndChain.matching(
            Pem.certificates(certificate, certificateFrom),
            certificateFrom,
            Pem.privateKey(key, keyFrom),
            keyFrom);
    if (read.certificate().getBasicConstraints() < 0) {
      throw new IllegalArgumentException(
          "the certificate in " + certificateFrom + " isn't one of a certificate authority");
    }
    return new Authority(read);
  }

  /**
   * A new key and a certificate for it, which never outlives the authority.
   *
   * @param hosts DNS names and IP addresses that the server is called by
   */
  KeyAndChain issue(Set<String> hosts, Instant now, Duration lifetime) {
    Instant notAfter = now.plus(lifetime);
    if (notAfter.isAfter(keyAndChain.notAfter())) {
      notAfter = keyAndChain.notAfter();
    }
    try {
      SecureRandom random = new SecureRandom();
      KeyPair keys = newKeys(random);
      X509v3CertificateBuilder builder =
          new JcaX509v3CertificateBuilder(
                  certificate(),
                  serial(random),
                  Date.from(now.minus(CLOCK_SKEW)),
                  Date.from(notAfter),
                  new X500Name("CN=Secrets Controller webhook"),
                  keys.getPublic())
              .addExtension(
                  Extension.authorityKeyIdentifier,
                  false,
                  new JcaX509ExtensionUtils().createAuthorityKeyIdentifier(certificate()))
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
              .addExtension(
                  Extension.extendedKeyUsage,
                  false,
                  new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth))
              .addExtension(Extension.subjectAlternativeName, false, alternativeNames(hosts));
      return new KeyAndChain(
          keys.getPrivate(),
          List.of(sign(builder, keyAndChain.privateKey())),
          keyAndChain.certificate());
    } catch (GeneralSecurityException | OperatorCreationException | CertIOException e) {
      throw cannotMake(e);
    }
  }

  X509Certificate certificate() {
    return keyAndChain.certificate();
  }

  private static KeyPair newKeys(SecureRandom random) throws GeneralSecurityException {
    KeyPairGenerator keys = KeyPairGenerator.getInstance("EC");
    keys.initialize(new ECGenParameterSpec("secp256r1"), random);
    return keys.generateKeyPair();
  }

  private static BigInteger serial(SecureRandom random) {
    return new BigInteger(159, random).setBit(158);
  }

  private static X509Certificate sign(X509v3CertificateBuilder builder, PrivateKey signer)
      throws OperatorCreationException, GeneralSecurityException {
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(new JcaContentSignerBuilder("SHA256withECDSA").build(signer)));
  }

  private static GeneralNames alternativeNames(Set<String> hosts) {
    return new GeneralNames(
        hosts.stream()
            .sorted()
            .map(
                host ->
                    new GeneralName(
                        host.matches("[0-9.]+") || host.contains(":")
                            ? GeneralName.iPAddress
                            : GeneralName.dNSName,
                        host))
            .toArray(GeneralName[]::new));
  }

  private static IllegalStateException cannotMake(Exception e) {
    return new IllegalStateException("this JVM can't make an EC certificate: " + e, e);
  }
}
