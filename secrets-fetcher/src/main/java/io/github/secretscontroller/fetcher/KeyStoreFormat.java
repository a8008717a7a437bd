package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretFile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collections;
import java.util.Objects;

/** A PKCS#12 or Java key store, by the JDK's own implementations. */
final class KeyStoreFormat {

  private KeyStoreFormat() {}

  /**
   * The store, whose bytes differ from time to time even for the same value, by salt and date.
   *
   * @param type a type that the JDK knows, {@code PKCS12} or {@code JKS}
   */
  static RenderedFile render(SecretContent content, SecretFile file, String type) throws Unusable {
    KeyMaterial material = KeyMaterial.of(content);
    return new RenderedFile(
        file.path(),
        file.mode(),
        store(material, type),
        (store, other) -> haveTheSame(store, other, type, material.password()));
  }

  private static byte[] store(KeyMaterial material, String type) throws Unusable {
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

  /** Whether two stores have the same entries, under this password. */
  private static boolean haveTheSame(byte[] one, byte[] other, String type, String password) {
    char[] characters = password.toCharArray();
    try {
      KeyStore first = load(one, type, characters);
      KeyStore second = load(other, type, characters);
      for (String alias : Collections.list(first.aliases())) {
        boolean same =
            Objects.equals(first.getKey(alias, characters), second.getKey(alias, characters))
                && Objects.equals(first.getCertificate(alias), second.getCertificate(alias))
                && Arrays.equals(
                    first.getCertificateChain(alias), second.getCertificateChain(alias));
        if (!same) {
          return false;
        }
      }
      return first.size() == second.size();
    } catch (GeneralSecurityException | IOException e) {
      return false;
    }
  }

  private static KeyStore load(byte[] store, String type, char[] password)
      throws GeneralSecurityException, IOException {
    KeyStore loaded = KeyStore.getInstance(type);
    loaded.load(new ByteArrayInputStream(store), password);
    return loaded;
  }
}
