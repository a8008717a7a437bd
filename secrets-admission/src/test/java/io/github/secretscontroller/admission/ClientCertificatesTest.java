package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The check of the API server's client certificate")
class ClientCertificatesTest {

  private static final Clock CLOCK = Clock.systemUTC();

  private final Authority clientAuthority = Authority.create(Instant.now(), Duration.ofDays(1));
  private final ServingCertificate serving =
      ServingCertificate.selfSigned(Set.of("localhost"), CLOCK);

  @TempDir Path directory;

  @Test
  @DisplayName("lets in a certificate of the right authority and name")
  void allowed() throws Exception {
    assertThat(
            status(Set.of("kube-apiserver"), keys(clientAuthority, "CN=kube-apiserver,O=system")))
        .isEqualTo(200);
    assertThat(status(Set.of(), keys(clientAuthority, "CN=anybody"))).isEqualTo(200);
  }

  @Test
  @DisplayName("turns away whoever shows none, while the connection itself works: probes show none")
  void none() throws Exception {
    assertThat(status(Set.of())).isEqualTo(403);
  }

  @Test
  @DisplayName("turns away another name")
  void otherName() throws Exception {
    assertThat(status(Set.of("kube-apiserver"), keys(clientAuthority, "CN=somebody")))
        .isEqualTo(403);
  }

  @Test
  @DisplayName("refuses the handshake of a certificate that another authority signed")
  void otherAuthority() throws Exception {
    Authority other = Authority.create(Instant.now(), Duration.ofDays(1));
    KeyManager[] keys = keys(other, "CN=kube-apiserver");
    // The client sends no certificate that doesn't fit the server's list of authorities, or one
    // that the server then refuses.
    try {
      assertThat(status(Set.of(), keys)).isEqualTo(403);
    } catch (IOException refused) {
      assertThat(refused).isNotNull();
    }
    X509Certificate forged = certificate(other, "CN=kube-apiserver", newKeys());
    assertThat(clients(Set.of()).allow(new X509Certificate[] {forged})).isFalse();
  }

  @Test
  @DisplayName("is asked for by the environment, and only there")
  void environment() throws Exception {
    assertThat(ClientCertificates.fromEnvironment(Map.of())).isEmpty();
    Path file = directory.resolve("client-ca.pem");
    Files.writeString(file, Pem.of(List.of(clientAuthority.certificate())));
    ClientCertificates clients =
        ClientCertificates.fromEnvironment(
                Map.of("WEBHOOK_CLIENT_CA", file.toString(), "WEBHOOK_CLIENT_NAMES", "a, b"))
            .orElseThrow();
    assertThat(clients.allow(chain("CN=b"))).isTrue();
    assertThat(clients.allow(chain("CN=c"))).isFalse();
    assertThat(clients.allow(new X509Certificate[0])).isFalse();
    assertThatThrownBy(
            () -> ClientCertificates.fromEnvironment(Map.of("WEBHOOK_CLIENT_NAMES", "a")))
        .hasMessage("WEBHOOK_CLIENT_NAMES needs WEBHOOK_CLIENT_CA");
    Files.writeString(file, "nothing");
    assertThatThrownBy(
            () -> ClientCertificates.fromEnvironment(Map.of("WEBHOOK_CLIENT_CA", file.toString())))
        .hasMessage("%s holds no PEM certificate", file);
  }

  private ClientCertificates clients(Set<String> names) {
    return ClientCertificates.of(List.of(clientAuthority.certificate()), names);
  }

  private X509Certificate[] chain(String subject) throws Exception {
    return new X509Certificate[] {certificate(clientAuthority, subject, newKeys())};
  }

  private int status(Set<String> names, KeyManager... keys) throws Exception {
    ClientCertificates clients = clients(names);
    try (TlsPeer.Server server = new TlsPeer.Server(serving.sslContext(clients), clients);
        TlsPeer.Connection connection =
            new TlsPeer.Connection(TlsPeer.trusting(serving.caPem(), CLOCK, keys), server.port())) {
      return connection.get();
    }
  }

  private static KeyManager[] keys(Authority authority, String subject) throws Exception {
    KeyPair keys = newKeys();
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry(
        "client",
        keys.getPrivate(),
        new char[0],
        new X509Certificate[] {certificate(authority, subject, keys)});
    KeyManagerFactory factory = KeyManagerFactory.getInstance("PKIX");
    factory.init(store, new char[0]);
    return factory.getKeyManagers();
  }

  private static X509Certificate certificate(Authority authority, String subject, KeyPair keys)
      throws Exception {
    return new JcaX509CertificateConverter()
        .getCertificate(
            new JcaX509v3CertificateBuilder(
                    authority.certificate(),
                    BigInteger.TWO,
                    Date.from(Instant.now().minusSeconds(60)),
                    Date.from(Instant.now().plusSeconds(3600)),
                    new X500Name(subject),
                    keys.getPublic())
                .build(
                    new JcaContentSignerBuilder("SHA256withECDSA")
                        .build(authority.keyAndChain().privateKey())));
  }

  private static KeyPair newKeys() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(256);
    return generator.generateKeyPair();
  }
}
