package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Authorities of which only those are parsed that a chain names")
class NamedAuthoritiesTest {

  private TestAuthority trusted;
  private TestAuthority other;

  @TempDir private Path directory;

  @BeforeEach
  void authorities() throws Exception {
    trusted = TestAuthority.root("trusted");
    other = TestAuthority.root("other");
  }

  @Test
  @DisplayName("trust a chain that ends at one of them, with and without the one itself")
  void trust() throws Exception {
    TestAuthority intermediate = trusted.issue("between", TestAuthority.keys("EC-secp256r1"));
    TestAuthority server = intermediate.issue("server", TestAuthority.keys("RSA-2048"));
    NamedAuthorities authorities = authorities("JKS", other, trusted);
    assertThatCode(() -> check(authorities, server, intermediate)).doesNotThrowAnyException();
    assertThatCode(() -> check(authorities, server, intermediate, trusted))
        .doesNotThrowAnyException();
  }

  @Test
  @DisplayName("don't trust a chain of somebody else, of a namesake, or without its middle")
  void distrust() throws Exception {
    NamedAuthorities authorities = authorities("JKS", other, trusted);
    TestAuthority stranger = TestAuthority.root("stranger");
    TestAuthority namesake = TestAuthority.root("trusted");
    TestAuthority intermediate = trusted.issue("between", TestAuthority.keys("EC-secp256r1"));
    for (TestAuthority issuer : List.of(stranger, namesake, intermediate)) {
      TestAuthority server = issuer.issue("server", TestAuthority.keys("EC-secp256r1"));
      assertThatThrownBy(() -> check(authorities, server))
          .as(issuer.certificate().getSubjectX500Principal().getName())
          .isInstanceOf(CertificateException.class);
    }
  }

  @Test
  @DisplayName("leave it to the JVM where the store is of another kind, or isn't there")
  void otherStores() throws Exception {
    TestAuthority server = trusted.issue("server", TestAuthority.keys("EC-secp256r1"));
    assertThatThrownBy(() -> check(authorities("PKCS12", trusted), server))
        .isInstanceOf(CertificateException.class);
    assertThatThrownBy(() -> check(new NamedAuthorities(directory.resolve("none")), server))
        .isInstanceOf(CertificateException.class);
  }

  @Test
  @DisplayName("are found by their names, as the JDK reads them, for all that the JDK trusts")
  void names() throws Exception {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init((KeyStore) null);
    X509Certificate[] all = ((X509TrustManager) factory.getTrustManagers()[0]).getAcceptedIssuers();
    assertThat(all).isNotEmpty();
    List<ByteBuffer> found = JksCertificates.of(store("JKS", all));
    assertThat(found).hasSameSizeAs(all);
    for (ByteBuffer encoded : found) {
      X509Certificate parsed =
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(bytes(encoded)));
      assertThat(bytes(JksCertificates.subject(encoded)))
          .isEqualTo(parsed.getSubjectX500Principal().getEncoded());
    }
  }

  @Test
  @DisplayName("are not read from a store that was cut off")
  void cutOff() throws Exception {
    byte[] store = store("JKS", trusted.certificate());
    int digest = 20;
    for (int length = 0; length < store.length - digest; length++) {
      byte[] cut = Arrays.copyOf(store, length);
      assertThatThrownBy(() -> JksCertificates.of(cut))
          .as("%s bytes", length)
          .isInstanceOfAny(IOException.class, BufferUnderflowException.class);
    }
  }

  private NamedAuthorities authorities(String type, TestAuthority... authorities) throws Exception {
    X509Certificate[] certificates =
        Arrays.stream(authorities).map(TestAuthority::certificate).toArray(X509Certificate[]::new);
    return new NamedAuthorities(Files.write(directory.resolve("store"), store(type, certificates)));
  }

  private static byte[] store(String type, X509Certificate... certificates) throws Exception {
    KeyStore store = KeyStore.getInstance(type);
    store.load(null, null);
    for (X509Certificate certificate : certificates) {
      store.setCertificateEntry("authority " + store.size(), certificate);
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    store.store(out, "changeit".toCharArray());
    return out.toByteArray();
  }

  private static void check(NamedAuthorities authorities, TestAuthority... chain)
      throws CertificateException {
    authorities.checkServerTrusted(
        Arrays.stream(chain).map(TestAuthority::certificate).toArray(X509Certificate[]::new),
        "UNKNOWN");
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  @Test
  @DisplayName("give way to a cacerts that was added to the runtime, unless another store is named")
  void added() throws Exception {
    Path security = Files.createDirectories(directory.resolve("lib/security"));
    Files.write(security.resolve("jssecacerts"), store("JKS", trusted.certificate()));
    Path cacerts = Files.write(security.resolve("cacerts"), store("PKCS12", other.certificate()));
    Properties system = new Properties();
    system.setProperty("java.home", directory.toString());

    NamedAuthorities.useWherePrepared(system);

    assertThat(system.getProperty("javax.net.ssl.trustStore")).isEqualTo(cacerts.toString());
  }
}
