package io.github.secretscontroller.admission;

import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import org.bouncycastle.asn1.pkcs.PrivateKeyInfo;
import org.bouncycastle.cert.X509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.openssl.PEMKeyPair;
import org.bouncycastle.openssl.PEMParser;
import org.bouncycastle.openssl.jcajce.JcaPEMKeyConverter;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.openssl.jcajce.JcaPKCS8Generator;
import org.bouncycastle.util.io.pem.PemObjectGenerator;
import org.jspecify.annotations.Nullable;

/** PEM text to certificates and keys, and back. No message shows what the text says. */
final class Pem {

  private Pem() {}

  /**
   * All certificates of a text, in its order.
   *
   * @param what names the text in a message, such as a file
   * @throws IllegalArgumentException if it holds none, or one that this JVM can't use
   */
  static List<X509Certificate> certificates(String text, Object what) {
    List<X509Certificate> found = new ArrayList<>();
    for (Object part : parse(text, what)) {
      if (part instanceof X509CertificateHolder certificate) {
        found.add(convert(certificate, what));
      }
    }
    if (found.isEmpty()) {
      throw new IllegalArgumentException(what + " holds no PEM certificate");
    }
    return found;
  }

  /**
   * The last unencrypted private key of a text: PKCS#8, PKCS#1 or SEC1.
   *
   * @throws IllegalArgumentException if it holds none, or one that this JVM can't use
   */
  static PrivateKey privateKey(String text, Object what) {
    PrivateKey key = null;
    for (Object part : parse(text, what)) {
      PrivateKey found = privateKeyOf(part, what);
      key = found == null ? key : found;
    }
    if (key == null) {
      throw new IllegalArgumentException(what + " holds no unencrypted PEM private key");
    }
    return key;
  }

  static String of(List<X509Certificate> certificates) {
    StringBuilder text = new StringBuilder();
    certificates.forEach(certificate -> text.append(write(certificate)));
    return text.toString();
  }

  /** The key itself, as PKCS#8. */
  static String reveal(PrivateKey key) {
    try {
      PemObjectGenerator unencrypted = new JcaPKCS8Generator(key, null);
      return write(unencrypted);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
  }

  private static String write(Object object) {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter pem = new JcaPEMWriter(text)) {
      pem.writeObject(object);
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return text.toString();
  }

  private static List<Object> parse(String text, Object what) {
    List<Object> parts = new ArrayList<>();
    try (PEMParser pem = new PEMParser(new StringReader(text))) {
      for (Object part = pem.readObject(); part != null; part = pem.readObject()) {
        parts.add(part);
      }
      return parts;
    } catch (IOException e) {
      // Without the cause, which may quote the text.
      throw new IllegalArgumentException(what + " is no PEM file");
    }
  }

  private static X509Certificate convert(X509CertificateHolder certificate, Object what) {
    try {
      return new JcaX509CertificateConverter().getCertificate(certificate);
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException(what + " holds a certificate that this JVM can't use", e);
    }
  }

  private static @Nullable PrivateKey privateKeyOf(Object part, Object what) {
    try {
      if (part instanceof PEMKeyPair pair) {
        return new JcaPEMKeyConverter().getPrivateKey(pair.getPrivateKeyInfo());
      }
      return part instanceof PrivateKeyInfo key
          ? new JcaPEMKeyConverter().getPrivateKey(key)
          : null;
    } catch (IOException e) {
      throw new IllegalArgumentException(what + " holds a private key that this JVM can't use");
    }
  }
}
