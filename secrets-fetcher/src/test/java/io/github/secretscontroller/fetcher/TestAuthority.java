package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.io.StringWriter;
import java.math.BigInteger;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Instant;
import java.util.Date;
import java.util.concurrent.atomic.AtomicLong;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.openssl.PKCS8Generator;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.openssl.jcajce.JceOpenSSLPKCS8EncryptorBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** A key and its certificate, which can sign others; real ones, made for a test. */
record TestAuthority(KeyPair keys, X509Certificate certificate) {

  private static final AtomicLong SERIAL = new AtomicLong(1);

  static KeyPair keys(String algorithm) throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm.replaceAll("-.*", ""));
    if (algorithm.startsWith("EC-")) {
      generator.initialize(new ECGenParameterSpec(algorithm.substring(3)));
    } else if (algorithm.startsWith("RSA-")) {
      generator.initialize(Integer.parseInt(algorithm.substring(4)));
    }
    return generator.generateKeyPair();
  }

  static TestAuthority root(String name) throws Exception {
    KeyPair keys = keys("EC-secp256r1");
    return new TestAuthority(keys, certificate(name, keys, name, keys));
  }

  TestAuthority issue(String name, KeyPair newKeys) throws Exception {
    String issuer = certificate.getSubjectX500Principal().getName().replace("CN=", "");
    return new TestAuthority(newKeys, certificate(name, newKeys, issuer, keys));
  }

  private static X509Certificate certificate(
      String subject, KeyPair keys, String issuer, KeyPair issuerKeys) throws Exception {
    Instant now = Instant.now();
    JcaX509v3CertificateBuilder builder =
        new JcaX509v3CertificateBuilder(
            new X500Name("CN=" + issuer),
            BigInteger.valueOf(SERIAL.getAndIncrement()),
            Date.from(now.minusSeconds(60)),
            Date.from(now.plusSeconds(86_400)),
            new X500Name("CN=" + subject),
            keys.getPublic());
    builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(true));
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(
                new JcaContentSignerBuilder("SHA256withECDSA").build(issuerKeys.getPrivate())));
  }

  String certificatePem() throws IOException {
    return pem(certificate);
  }

  /** As OpenSSL 1 and Go write it: PKCS#1 for RSA, SEC 1 for EC. */
  String traditionalKeyPem() throws IOException {
    return pem(keys.getPrivate());
  }

  String pkcs8Pem() throws Exception {
    return pem(new JcaPKCS8Generator(keys.getPrivate(), null));
  }

  String encryptedPem(String password) throws Exception {
    return pem(
        new JcaPKCS8Generator(
            keys.getPrivate(),
            new JceOpenSSLPKCS8EncryptorBuilder(PKCS8Generator.AES_256_CBC)
                .setProvider(new BouncyCastleProvider())
                .setPassword(password.toCharArray())
                .build()));
  }

  static String pem(Object object) throws IOException {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter writer = new JcaPEMWriter(text)) {
      writer.writeObject(object);
    }
    return text.toString();
  }
}
