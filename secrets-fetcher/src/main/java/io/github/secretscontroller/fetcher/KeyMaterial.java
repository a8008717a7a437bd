package io.github.secretscontroller.fetcher;

import java.io.ByteArrayInputStream;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a secret has for a key store: a PEM text with everything in it, or a JSON object with PEM
 * texts under the names that are usual for them.
 *
 * @param key the private key, or {@code null} for trusted certificates alone
 * @param chain its certificates, its own first
 * @param trusted certificates of authorities
 * @param password of the store and the key
 * @param alias the name of the key's entry
 */
record KeyMaterial(
    @Nullable PrivateKey key,
    List<X509Certificate> chain,
    List<X509Certificate> trusted,
    String password,
    String alias) {

  static final String DEFAULT_PASSWORD = "changeit";
  static final String DEFAULT_ALIAS = "key";

  // Compared without case and punctuation: tls.key, privateKey and private_key are all usual.
  private static final List<String> KEY = List.of("tlskey", "privatekey", "key");
  private static final List<String> CERTIFICATE =
      List.of("tlscrt", "tlscert", "certificate", "cert", "crt");
  private static final List<String> CHAIN =
      List.of("certificatechain", "chain", "cachain", "intermediates");
  private static final List<String> TRUSTED =
      List.of("cacrt", "cacert", "cacertificate", "ca", "issuingca");
  private static final List<String> PASSWORD = List.of("keystorepassword", "password");
  private static final List<String> ALIAS = List.of("alias");

  static KeyMaterial of(SecretContent content) throws Unusable {
    String text = content.revealText();
    if (text.stripLeading().startsWith("{")) {
      return ofObject(content.revealFields());
    }
    return of(Pem.blocks(text), List.of(), DEFAULT_PASSWORD, DEFAULT_ALIAS);
  }

  private static KeyMaterial ofObject(Map<String, String> fields) throws Unusable {
    Map<String, String> byName = new HashMap<>();
    fields.forEach(
        (name, value) ->
            byName.putIfAbsent(name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]", ""), value));
    List<Pem> own = new ArrayList<>();
    for (List<String> names : List.of(KEY, CERTIFICATE, CHAIN)) {
      own.addAll(Pem.blocks(pem(byName, names)));
    }
    List<Pem> trusted = Pem.blocks(pem(byName, TRUSTED));
    if (own.isEmpty() && trusted.isEmpty()) {
      throw new Unusable(
          "has no PEM text under the names tls.key, tls.crt and ca.crt, or privateKey, certificate,"
              + " certificateChain and ca ("
              + SecretContent.keysOf(fields)
              + "); store it under these");
    }
    return of(
        own,
        certificates(trusted),
        first(byName, PASSWORD, DEFAULT_PASSWORD),
        first(byName, ALIAS, DEFAULT_ALIAS));
  }

  /** An array of PEM texts came as a JSON text, with its line breaks escaped. */
  private static String pem(Map<String, String> fields, List<String> names) {
    String text = first(fields, names, "");
    return text.startsWith("[") ? text.replace("\\n", "\n") : text;
  }

  private static String first(Map<String, String> fields, List<String> names, String otherwise) {
    for (String name : names) {
      String value = fields.get(name);
      if (value != null) {
        return value;
      }
    }
    return otherwise;
  }

  private static KeyMaterial of(
      List<Pem> blocks, List<X509Certificate> trusted, String password, String alias)
      throws Unusable {
    requirePassword(password);
    try {
      List<X509Certificate> certificates = certificates(blocks);
      List<Pem> keys = blocks.stream().filter(PrivateKeys::isKey).toList();
      if (keys.size() > 1) {
        throw new Unusable("has more than one private key; store one key for each key store");
      }
      if (keys.isEmpty()) {
        List<X509Certificate> all = new ArrayList<>(certificates);
        all.addAll(trusted);
        if (all.isEmpty()) {
          throw new Unusable(
              "has neither a private key nor a certificate in PEM; store a PEM text, or a JSON"
                  + " object with tls.key and tls.crt");
        }
        return new KeyMaterial(null, List.of(), distinct(all), password, alias);
      }
      return withKey(keys.get(0), distinct(certificates), distinct(trusted), password, alias);
    } finally {
      blocks.forEach(Pem::close);
    }
  }

  private static KeyMaterial withKey(
      Pem block,
      List<X509Certificate> certificates,
      List<X509Certificate> trusted,
      String password,
      String alias)
      throws Unusable {
    PrivateKeys.requirePlain(block);
    if (certificates.isEmpty()) {
      throw new Unusable(
          "has a private key but no certificate for it; add its certificate, and its chain");
    }
    for (X509Certificate certificate : certificates) {
      PrivateKey key = PrivateKeys.read(block, certificate.getPublicKey());
      if (key != null) {
        return new KeyMaterial(key, chain(certificate, certificates), trusted, password, alias);
      }
    }
    throw new Unusable(
        "has a private key that can't be read or that belongs to none of the certificates; store"
            + " the RSA, EC or Ed25519 key of the first certificate");
  }

  /** From the key's own certificate upwards, as the Java key stores want it. */
  private static List<X509Certificate> chain(
      X509Certificate own, List<X509Certificate> certificates) throws Unusable {
    List<X509Certificate> left = new ArrayList<>(certificates);
    List<X509Certificate> chain = new ArrayList<>();
    X509Certificate next = own;
    while (next != null) {
      chain.add(next);
      left.remove(next);
      X509Certificate last = next;
      next =
          left.stream()
              .filter(c -> c.getSubjectX500Principal().equals(last.getIssuerX500Principal()))
              .findFirst()
              .orElse(null);
    }
    if (!left.isEmpty()) {
      throw new Unusable(
          "has a certificate that isn't part of the key's chain; move the authorities that are to be"
              + " trusted to ca.crt, and leave out the others");
    }
    return chain;
  }

  private static List<X509Certificate> certificates(List<Pem> blocks) throws Unusable {
    List<X509Certificate> certificates = new ArrayList<>();
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      for (Pem block : blocks) {
        if (block.label().equals("CERTIFICATE")) {
          certificates.add(
              (X509Certificate)
                  factory.generateCertificate(new ByteArrayInputStream(block.revealDer())));
        }
      }
    } catch (CertificateException e) {
      throw new Unusable("has a certificate that isn't valid X.509; store it in PEM");
    }
    return certificates;
  }

  private static List<X509Certificate> distinct(List<X509Certificate> certificates) {
    Set<X509Certificate> set = new LinkedHashSet<>(certificates);
    return List.copyOf(set);
  }

  /** What the JDK's encryption of PKCS#12 takes. */
  private static void requirePassword(String password) throws Unusable {
    if (!password.matches("[\\x20-\\x7e]+")) {
      throw new Unusable(
          "has a password for the key store that is empty or not ASCII, which Java can't use;"
              + " choose another one");
    }
  }

  /** Never the content. */
  @Override
  public String toString() {
    return "KeyMaterial[" + chain.size() + " and " + trusted.size() + " certificates]";
  }
}
