package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.core.SecretFile.Format;
import java.io.ByteArrayInputStream;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayName("A key store")
class KeyStoreFormatTest {

  private static final ObjectMapper JACKSON = new ObjectMapper();

  private static TestAuthority root;
  private static TestAuthority intermediate;
  private static TestAuthority leaf;
  private static TestAuthority stranger;

  @BeforeAll
  static void certificates() throws Exception {
    root = TestAuthority.root("root");
    intermediate = root.issue("intermediate", TestAuthority.keys("EC-secp256r1"));
    leaf = intermediate.issue("leaf", TestAuthority.keys("RSA-2048"));
    stranger = TestAuthority.root("stranger");
  }

  private static KeyStore load(byte[] store, Format format, String password) throws Exception {
    KeyStore keyStore = KeyStore.getInstance(format.name());
    keyStore.load(new ByteArrayInputStream(store), password.toCharArray());
    return keyStore;
  }

  private static KeyStore render(Map<String, ?> secret, Format format, String password)
      throws Exception {
    return load(Rendering.of(JACKSON.writeValueAsBytes(secret), format), format, password);
  }

  private static Certificate[] chain() {
    return new Certificate[] {leaf.certificate(), intermediate.certificate(), root.certificate()};
  }

  @TestFactory
  @DisplayName("loads with the key and its chain, whatever the algorithm, the form and the order")
  Stream<DynamicTest> everyForm() {
    List<DynamicTest> tests = new ArrayList<>();
    for (String algorithm :
        List.of(
            "RSA-2048", "RSA-4096", "EC-secp256r1", "EC-secp384r1", "EC-secp521r1", "Ed25519")) {
      for (boolean traditional : new boolean[] {true, false}) {
        String form = algorithm + (traditional ? ", traditional" : ", PKCS#8");
        tests.add(dynamicTest(form, () -> roundTrip(algorithm, traditional)));
      }
    }
    return tests.stream();
  }

  private static void roundTrip(String algorithm, boolean traditional) throws Exception {
    TestAuthority own = intermediate.issue("own", TestAuthority.keys(algorithm));
    String key = traditional ? own.traditionalKeyPem() : own.pkcs8Pem();
    List<String> blocks =
        new ArrayList<>(
            List.of(
                key,
                own.certificatePem(),
                intermediate.certificatePem(),
                root.certificatePem(),
                intermediate.certificatePem()));
    Random random = new Random(algorithm.hashCode());
    for (Format format : List.of(Format.PKCS12, Format.JKS)) {
      Collections.shuffle(blocks, random);
      String bundle =
          "Bag Attributes\n" + String.join("# a comment\n", blocks).replace("\n", "\r\n");
      KeyStore store = load(Rendering.of(bundle.getBytes(US_ASCII), format), format, "changeit");

      assertThat(Collections.list(store.aliases())).containsExactly("key");
      assertThat(store.getKey("key", "changeit".toCharArray())).isEqualTo(own.keys().getPrivate());
      assertThat(store.getCertificateChain("key"))
          .containsExactly(own.certificate(), intermediate.certificate(), root.certificate());
      KeyManagerFactory.getInstance("PKIX").init(store, "changeit".toCharArray());
    }
  }

  @ParameterizedTest(name = "{0}, {1}, {2} and {3}")
  @DisplayName("is made from a JSON object with the usual names")
  @CsvSource({
    "tls.key, tls.crt, chain, ca.crt, password",
    "privateKey, certificate, certificateChain, caCertificate, keystorePassword",
    "private_key, certificate, ca_chain, issuing_ca, keystore_password",
    "PrivateKey, Certificate, CertificateChain, CA, Password",
    "key, cert, intermediates, ca, password"
  })
  void names(String key, String certificate, String chain, String trusted, String password)
      throws Exception {
    Map<String, Object> secret = new LinkedHashMap<>();
    secret.put(key, leaf.traditionalKeyPem());
    secret.put(certificate, leaf.certificatePem());
    secret.put(chain, root.certificatePem() + intermediate.certificatePem());
    secret.put(trusted, stranger.certificatePem());
    secret.put(password, "s3cret pass");
    secret.put("alias", "web");
    secret.put("other", 1);

    for (Format format : List.of(Format.PKCS12, Format.JKS)) {
      KeyStore store = render(secret, format, "s3cret pass");
      assertThat(Collections.list(store.aliases())).containsExactlyInAnyOrder("web", "ca-1");
      assertThat(store.getCertificateChain("web")).isEqualTo(chain());
      assertThat(store.getKey("web", "s3cret pass".toCharArray()))
          .isEqualTo(leaf.keys().getPrivate());
      assertThat(store.isCertificateEntry("ca-1")).isTrue();
      assertThat(store.getCertificate("ca-1")).isEqualTo(stranger.certificate());
    }
  }

  @Test
  @DisplayName("takes a chain that is an array of texts, and one that stands with the certificate")
  void chainForms() throws Exception {
    Map<String, ?> array =
        Map.of(
            "private_key",
            leaf.pkcs8Pem(),
            "certificate",
            leaf.certificatePem(),
            "ca_chain",
            List.of(intermediate.certificatePem(), root.certificatePem()));
    Map<String, ?> together =
        Map.of(
            "tls.key",
            leaf.pkcs8Pem(),
            "tls.crt",
            leaf.certificatePem() + intermediate.certificatePem() + root.certificatePem());

    assertThat(render(array, Format.PKCS12, "changeit").getCertificateChain("key"))
        .isEqualTo(chain());
    assertThat(render(together, Format.PKCS12, "changeit").getCertificateChain("key"))
        .isEqualTo(chain());
  }

  @ParameterizedTest
  @EnumSource(names = {"PKCS12", "JKS"})
  @DisplayName("without a key is a trust store that Java can trust by")
  void trustStore(Format format) throws Exception {
    String bundle = root.certificatePem() + stranger.certificatePem();
    KeyStore store = load(Rendering.of(bundle.getBytes(US_ASCII), format), format, "changeit");

    assertThat(Collections.list(store.aliases())).containsExactlyInAnyOrder("ca-1", "ca-2");
    TrustManagerFactory.getInstance("PKIX").init(store);
    assertThat(
            render(Map.of("ca.crt", root.certificatePem()), format, "changeit")
                .getCertificate("ca-1"))
        .isEqualTo(root.certificate());
  }

  @ParameterizedTest
  @EnumSource(names = {"PKCS12", "JKS"})
  @DisplayName("that is made again from the same value says the same, though its bytes differ")
  void sameness(Format format) throws Exception {
    Map<String, String> secret = new LinkedHashMap<>();
    secret.put("tls.key", leaf.pkcs8Pem());
    secret.put("tls.crt", leaf.certificatePem() + intermediate.certificatePem());
    secret.put("ca.crt", root.certificatePem());
    RenderedFile one = file(secret, format);
    byte[] again = Rendering.bytes(file(secret, format));

    assertThat(Rendering.bytes(one)).isNotEqualTo(again);
    assertThat(one.saysTheSameAs(again)).isTrue();
    for (Map.Entry<String, String> change :
        Map.of(
                "tls.crt",
                leaf.certificatePem(),
                "ca.crt",
                root.certificatePem() + stranger.certificatePem(),
                "password",
                "another",
                "alias",
                "another")
            .entrySet()) {
      Map<String, String> changed = new LinkedHashMap<>(secret);
      changed.put(change.getKey(), change.getValue());
      assertThat(one.saysTheSameAs(Rendering.bytes(file(changed, format))))
          .as(change.getKey())
          .isFalse();
    }
    secret.remove("ca.crt");
    assertThat(one.saysTheSameAs(Rendering.bytes(file(secret, format)))).isFalse();
    assertThat(one.saysTheSameAs(new byte[10])).isFalse();
  }

  private static RenderedFile file(Map<String, String> secret, Format format) throws Exception {
    Rendering rendering =
        new Rendering().secret("s", JACKSON.writeValueAsBytes(secret)).file("s", format);
    return rendering.renderer().render(rendering.results()).get(0);
  }

  @Test
  @DisplayName("can be made from what a selector selects")
  void selected() throws Exception {
    String secret =
        JACKSON.writeValueAsString(
            Map.of("tls", Map.of("key", leaf.pkcs8Pem(), "crt", leaf.certificatePem())));
    byte[] store = new Rendering().secret("s", secret).file("s#tls", Format.PKCS12).renderOne();

    assertThat(load(store, Format.PKCS12, "changeit").isKeyEntry("key")).isTrue();
  }

  @Nested
  @DisplayName("is refused, with the reason,")
  class Refused {

    private void refused(String secret, String reason) {
      for (Format format : List.of(Format.PKCS12, Format.JKS)) {
        FetchFailure failure = new Rendering().secret("s", secret).file("s", format).failure();
        assertThat(failure.code()).isEqualTo(ExitCode.UNUSABLE);
        assertThat(failure.sentences()).singleElement().asString().startsWith("file: s ");
        assertThat(failure.oneSentence()).contains(reason);
      }
    }

    private void refused(Map<String, String> secret, String reason) throws Exception {
      refused(JACKSON.writeValueAsString(secret), reason);
    }

    @Test
    @DisplayName("for a key that belongs to another certificate")
    void otherKey() throws Exception {
      refused(stranger.pkcs8Pem() + leaf.certificatePem(), "belongs to none of the certificates");
      refused(leaf.traditionalKeyPem() + root.certificatePem(), "belongs to none");
    }

    @Test
    @DisplayName("for a certificate that is part of no chain")
    void otherCertificate() throws Exception {
      refused(
          leaf.pkcs8Pem() + leaf.certificatePem() + stranger.certificatePem(),
          "a certificate that isn't part of the key's chain");
    }

    @Test
    @DisplayName("for a key that is encrypted, in either way")
    void encrypted() throws Exception {
      refused(leaf.encryptedPem("x") + leaf.certificatePem(), "an encrypted private key");
      refused(
          "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"
              + "AAAA\n-----END RSA PRIVATE KEY-----\n"
              + leaf.certificatePem(),
          "an encrypted private key");
    }

    @Test
    @DisplayName("for a key without a certificate, two keys, or nothing at all")
    void incomplete() throws Exception {
      refused(leaf.pkcs8Pem(), "no certificate for it");
      refused(leaf.pkcs8Pem() + root.pkcs8Pem() + leaf.certificatePem(), "more than one");
      refused("password", "neither a private key nor a certificate");
      refused(Map.of("user", "x"), "its keys are \"user\"");
    }

    @Test
    @DisplayName("for what isn't PEM, DER or X.509")
    void damaged() throws Exception {
      refused(Map.of("tls.crt", leaf.certificatePem().replace("\n", "\\n")), "line breaks");
      refused("-----BEGIN CERTIFICATE-----\nAAAA\n", "doesn't end");
      refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "isn't valid X.509");
      refused(
          "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"
              + leaf.certificatePem(),
          "can't be read");
    }

    @Test
    @DisplayName("for a password that Java can't use")
    void password() throws Exception {
      refused(Map.of("ca", root.certificatePem(), "password", ""), "a password for the key store");
      refused(Map.of("ca", root.certificatePem(), "password", "pässword"), "not ASCII");
    }
  }
}
