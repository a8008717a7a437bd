package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;

/** A PKCS#12 or Java key store, by the JDK's own implementations. */
final class KeyStoreFormat {

  private KeyStoreFormat() {}

  /**
   * The store's bytes. They differ from time to time even for the same value, by salt and date.
   *
   * @param type a type that the JDK knows, {@code PKCS12} or {@code JKS}
   */
  static byte[] render(SecretContent content, String type) throws Unusable {
    KeyMaterial material = KeyMaterial.of(content);
    char[] password = material.password().toCharArray();
    try (SecretBuffer out = new SecretBuffer()) {
      KeyStore store = KeyStore.getInstance(type);
      store.load(null, null);
      if (material.key() != null) {
        Certificate[] chain = material.chain().toArray(new Certificate[0]);
        store.setKeyEntry(material.alias(), material.key(), password, chain);
      }
      int number = 1;
      for (X509Certificate trusted : material.trusted()) {
        store.setCertificateEntry("ca-" + number++, trusted);
      }
      store.store(out, password);
      return out.take();
    } catch (GeneralSecurityException | IOException e) {
      throw new Unusable(
          "can't become a "
              + type
              + " key store; check that its key and certificates belong"
              + " together");
    }
  }
}
