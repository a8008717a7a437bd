package io.github.secretscontroller.admission;

import java.io.IOException;
import java.io.Reader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.jspecify.annotations.Nullable;

/**
 * The certificate with which a webhook serves: from PEM files, or made on the spot.
 *
 * <p>The API server accepts a webhook's certificate only if it names the host it calls as a subject
 * alternative name and chains up to the {@code caBundle} of the webhook's configuration. Immutable
 * and thread-safe.
 */
public final class ServingCertificate {

  /** How long a certificate that is made on the spot is valid. */
  public static final Duration VALIDITY = Duration.ofDays(365);

  // A clock that runs behind must not find a certificate that isn't valid yet.
  private static final Duration CLOCK_SKEW = Duration.ofMinutes(5);
  private static final String SIGNATURE = "SHA256withECDSA";
  private static final char[] NO_PASSWORD = new char[0];

  private final List<X509Certificate> chain;
  private final PrivateKey privateKey;
  private final X509Certificate trustAnchor;

  private ServingCertificate(
      List<X509Certificate> chain, PrivateKey privateKey, X509Certificate trustAnchor) {
    this.chain = List.copyOf(chain);
    this.privateKey = privateKey;
    this.trustAnchor = trustAnchor;
  }

  /**
   * The certificate that the environment of a webhook names: {@code WEBHOOK_TLS_CERT} and {@code
   * WEBHOOK_TLS_KEY} are PEM files, see {@link #fromPem}. Without them one is made for {@code
   * localhost}, and what to trust is written to the file that {@code WEBHOOK_CA_OUT} names.
   *
   * @throws IllegalArgumentException if only one of the two files is named, or see {@link #fromPem}
   * @throws UncheckedIOException if a file can't be read or written
   */
  public static ServingCertificate fromEnvironment(Map<String, String> environment) {
    String certificate = environment.get("WEBHOOK_TLS_CERT");
    String key = environment.get("WEBHOOK_TLS_KEY");
    if (certificate != null && key != null) {
      return fromPem(Path.of(certificate), Path.of(key));
    }
    if (certificate != null || key != null) {
      throw new IllegalArgumentException(
          "set WEBHOOK_TLS_CERT and WEBHOOK_TLS_KEY, or neither; only one of them is set");
    }
    ServingCertificate made = selfSigned(Set.of("localhost", "127.0.0.1"), Clock.systemUTC());
    String out = environment.get("WEBHOOK_CA_OUT");
    if (out != null) {
      try {
        Files.writeString(Path.of(out), made.caPem());
      } catch (IOException e) {
        throw new UncheckedIOException("WEBHOOK_CA_OUT, " + out + ", can't be written", e);
      }
    }
    return made;
  }

  /**
   * Reads a chain, the server's certificate first, and its unencrypted private key (PKCS#8, PKCS#1
   * or SEC1).
   *
   * @throws IllegalArgumentException if a file isn't such a thing, or if the two don't belong
   *     together; the message names the file and never shows its content
   * @throws UncheckedIOException if a file can't be read
   */
  public static ServingCertificate fromPem(Path certificateChain, Path privateKey) {
    List<X509Certificate> chain = new ArrayList<>();
    for (Object part : parse(certificateChain)) {
      if (part instanceof X509CertificateHolder certificate) {
        chain.add(convert(certificate, certificateChain));
      }
    }
    if (chain.isEmpty()) {
      throw new IllegalArgumentException(certificateChain + " holds no PEM certificate");
    }
    PrivateKey key = null;
    for (Object part : parse(privateKey)) {
      PrivateKey found = privateKey(part, privateKey);
      key = found == null ? key : found;
    }
    if (key == null) {
      throw new IllegalArgumentException(privateKey + " holds no unencrypted PEM private key");
    }
    if (!belongTogether(chain.get(0), key)) {
      throw new IllegalArgumentException(
          "the private key in "
              + privateKey
              + " doesn't belong to the first certificate in "
              + certificateChain);
    }
    return new ServingCertificate(chain, key, chain.get(chain.size() - 1));
  }

  /**
   * Makes a certificate authority and a certificate signed by it, valid for {@link #VALIDITY}. The
   * authority's private key is forgotten at once.
   *
   * @param hosts the DNS names and IP addresses that the server is called by
   */
  public static ServingCertificate selfSigned(Set<String> hosts, Clock clock) {
    if (hosts.isEmpty()) {
      throw new IllegalArgumentException("a serving certificate needs at least one host");
    }
    try {
      SecureRandom random = new SecureRandom();
      KeyPairGenerator keys = KeyPairGenerator.getInstance("EC");
      keys.initialize(new ECGenParameterSpec("secp256r1"), random);
      KeyPair authorityKeys = keys.generateKeyPair();
      KeyPair serverKeys = keys.generateKeyPair();
      Instant now = clock.instant();
      X500Name authorityName = new X500Name("CN=Secrets Controller webhook CA");

      X509v3CertificateBuilder authority =
          builder(authorityName, authorityName, authorityKeys, now, random)
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(0))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.keyCertSign));
      X509v3CertificateBuilder server =
          builder(
                  authorityName,
                  new X500Name("CN=Secrets Controller webhook"),
                  serverKeys,
                  now,
                  random)
              .addExtension(Extension.basicConstraints, true, new BasicConstraints(false))
              .addExtension(Extension.keyUsage, true, new KeyUsage(KeyUsage.digitalSignature))
              .addExtension(
                  Extension.extendedKeyUsage,
                  false,
                  new ExtendedKeyUsage(KeyPurposeId.id_kp_serverAuth))
              .addExtension(Extension.subjectAlternativeName, false, alternativeNames(hosts));

      X509Certificate authorityCertificate = sign(authority, authorityKeys);
      X509Certificate serverCertificate = sign(server, authorityKeys);
      return new ServingCertificate(
          List.of(serverCertificate), serverKeys.getPrivate(), authorityCertificate);
    } catch (GeneralSecurityException | OperatorCreationException | CertIOException e) {
      throw new IllegalStateException("this JVM can't make an EC certificate: " + e, e);
    }
  }

  /** A context for the server's side of TLS 1.2 and 1.3; it asks for no client certificate. */
  public SSLContext sslContext() {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      store.setKeyEntry("serving", privateKey, NO_PASSWORD, chain.toArray(new X509Certificate[0]));
      KeyManagerFactory keys =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      keys.init(store, NO_PASSWORD);
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), null, null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("this JVM can't serve with this certificate: " + e, e);
    }
  }

  /**
   * What a client has to trust, as PEM: the authority of a certificate made on the spot, or the
   * last certificate of a chain that was read. This is the {@code caBundle} of the webhook's
   * configuration.
   */
  public String caPem() {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter pem = new JcaPEMWriter(text)) {
      pem.writeObject(trustAnchor);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return text.toString();
  }

  /** When the certificate expires. */
  public Instant notAfter() {
    return chain.get(0).getNotAfter().toInstant();
  }

  private static X509v3CertificateBuilder builder(
      X500Name issuer, X500Name subject, KeyPair keys, Instant now, SecureRandom random) {
    return new JcaX509v3CertificateBuilder(
        issuer,
        new BigInteger(159, random).setBit(158),
        Date.from(now.minus(CLOCK_SKEW)),
        Date.from(now.plus(VALIDITY)),
        subject,
        keys.getPublic());
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

  private static X509Certificate sign(X509v3CertificateBuilder builder, KeyPair signer)
      throws OperatorCreationException, GeneralSecurityException {
    return new JcaX509CertificateConverter()
        .getCertificate(
            builder.build(new JcaContentSignerBuilder(SIGNATURE).build(signer.getPrivate())));
  }

  private static List<Object> parse(Path file) {
    List<Object> parts = new ArrayList<>();
    try (Reader reader = Files.newBufferedReader(file);
        PEMParser pem = new PEMParser(reader)) {
      for (Object part = pem.readObject(); part != null; part = pem.readObject()) {
        parts.add(part);
      }
      return parts;
    } catch (IOException e) {
      if (Files.isReadable(file)) {
        // Without the cause, which may quote the file.
        throw new IllegalArgumentException(file + " is no PEM file");
      }
      throw new UncheckedIOException(file + " can't be read", e);
    }
  }

  private static X509Certificate convert(X509CertificateHolder certificate, Path file) {
    try {
      return new JcaX509CertificateConverter().getCertificate(certificate);
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException(file + " holds a certificate that this JVM can't use", e);
    }
  }

  private static @Nullable PrivateKey privateKey(Object part, Path file) {
    try {
      if (part instanceof PEMKeyPair pair) {
        return new JcaPEMKeyConverter().getPrivateKey(pair.getPrivateKeyInfo());
      }
      return part instanceof PrivateKeyInfo key
          ? new JcaPEMKeyConverter().getPrivateKey(key)
          : null;
    } catch (IOException e) {
      throw new IllegalArgumentException(file + " holds a private key that this JVM can't use");
    }
  }

  private static boolean belongTogether(X509Certificate certificate, PrivateKey key) {
    try {
      String algorithm =
          switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> SIGNATURE;
            default -> key.getAlgorithm();
          };
      byte[] probe = {1};
      Signature signing = Signature.getInstance(algorithm);
      signing.initSign(key);
      signing.update(probe);
      Signature verifying = Signature.getInstance(algorithm);
      verifying.initVerify(certificate);
      verifying.update(probe);
      return verifying.verify(signing.sign());
    } catch (GeneralSecurityException e) {
      return false;
    }
  }
}
