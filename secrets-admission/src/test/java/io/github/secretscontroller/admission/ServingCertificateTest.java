package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Clock;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A serving certificate")
class ServingCertificateTest {

  private static final Set<String> HOSTS = Set.of("localhost", "webhook.ns.svc", "127.0.0.1");

  private static ServingCertificate selfSigned() {
    return ServingCertificate.selfSigned(HOSTS, Clock.systemUTC());
  }

  @Nested
  @DisplayName("made on the spot")
  class SelfSigned {

    @ParameterizedTest
    @ValueSource(strings = {"localhost", "127.0.0.1", "webhook.ns.svc"})
    @DisplayName("is accepted by whoever trusts its authority, under each of its hosts")
    void accepted(String host) throws Exception {
      ServingCertificate certificate = selfSigned();
      assertThat(handshake(certificate, certificate.caPem(), host)).isEqualTo('!');
    }

    @Test
    @DisplayName("is refused under another host, and by whoever trusts another authority")
    void refused() {
      ServingCertificate certificate = selfSigned();
      assertThatThrownBy(() -> handshake(certificate, certificate.caPem(), "other.ns.svc"))
          .isInstanceOf(SSLHandshakeException.class);
      assertThatThrownBy(() -> handshake(certificate, selfSigned().caPem(), "localhost"))
          .isInstanceOf(SSLHandshakeException.class);
    }

    @Test
    @DisplayName("tells when it expires")
    void expiry() {
      Clock now = Clock.systemUTC();
      assertThat(ServingCertificate.selfSigned(HOSTS, now).notAfter())
          .isBetween(
              now.instant().plus(ServingCertificate.VALIDITY).minusSeconds(60),
              now.instant().plus(ServingCertificate.VALIDITY).plusSeconds(60));
    }

    @Test
    @DisplayName("needs a host")
    void noHost() {
      assertThatThrownBy(() -> ServingCertificate.selfSigned(Set.of(), Clock.systemUTC()))
          .hasMessage("a serving certificate needs at least one host");
    }
  }

  @Nested
  @DisplayName("read from PEM files")
  class FromPem {

    @TempDir Path directory;

    @Test
    @DisplayName("serves")
    void serves() throws Exception {
      KeyPair keys = newKeys();
      X500Name name = new X500Name("CN=test");
      String certificatePem =
          pem(
              "CERTIFICATE",
              new JcaX509v3CertificateBuilder(
                      name,
                      BigInteger.ONE,
                      Date.from(Instant.now().minusSeconds(60)),
                      Date.from(Instant.now().plusSeconds(3600)),
                      name,
                      keys.getPublic())
                  .addExtension(
                      Extension.subjectAlternativeName,
                      false,
                      new GeneralNames(new GeneralName(GeneralName.dNSName, "localhost")))
                  .build(new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate()))
                  .getEncoded());
      ServingCertificate certificate =
          ServingCertificate.fromPem(write("tls.crt", certificatePem), write("tls.key", pem(keys)));
      assertThat(handshake(certificate, certificatePem, "localhost")).isEqualTo('!');
    }

    @Test
    @DisplayName("that don't belong together is refused, naming both files")
    void mismatch() throws Exception {
      Path certificate = write("tls.crt", selfSigned().caPem());
      Path key = write("tls.key", pem(newKeys()));
      assertThatThrownBy(() -> ServingCertificate.fromPem(certificate, key))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "the private key in %s doesn't belong to the first certificate in %s",
              key, certificate);
    }

    @Test
    @DisplayName("that hold something else is refused without showing it")
    void noPem() throws Exception {
      Path certificate = write("tls.crt", selfSigned().caPem());
      Path noise = write("tls.key", "hunter2-canary");
      assertThatThrownBy(() -> ServingCertificate.fromPem(certificate, noise))
          .hasMessage("%s holds no unencrypted PEM private key", noise)
          .hasMessageNotContaining("canary");
      Path halfWritten =
          write(
              "half.key",
              "-----BEGIN PRIVATE KEY-----\nhunter2-canary\n-----END PRIVATE KEY-----\n");
      assertThatThrownBy(() -> ServingCertificate.fromPem(certificate, halfWritten))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageNotContaining("canary")
          .hasNoCause();
      assertThatThrownBy(() -> ServingCertificate.fromPem(noise, noise))
          .hasMessage("%s holds no PEM certificate", noise);
    }

    @Test
    @DisplayName("that don't exist is reported by name")
    void missing() {
      Path missing = directory.resolve("missing.crt");
      assertThatThrownBy(() -> ServingCertificate.fromPem(missing, missing))
          .isInstanceOf(UncheckedIOException.class)
          .hasMessageContaining("missing.crt can't be read");
    }

    private Path write(String name, String text) throws IOException {
      return Files.writeString(directory.resolve(name), text);
    }

    private KeyPair newKeys() throws Exception {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      return generator.generateKeyPair();
    }

    private String pem(KeyPair keys) {
      return pem("PRIVATE KEY", keys.getPrivate().getEncoded());
    }

    private String pem(String type, byte[] der) {
      return "-----BEGIN %s-----%n%s%n-----END %s-----%n"
          .formatted(type, Base64.getMimeEncoder().encodeToString(der), type);
    }
  }

  @Nested
  @DisplayName("from the environment")
  class FromEnvironment {

    @TempDir Path directory;

    @Test
    @DisplayName("is made on the spot, and what to trust is written down")
    void made() throws Exception {
      Path out = directory.resolve("ca.pem");
      ServingCertificate certificate =
          ServingCertificate.fromEnvironment(Map.of("WEBHOOK_CA_OUT", out.toString()));
      assertThat(handshake(certificate, Files.readString(out), "localhost")).isEqualTo('!');
    }

    @Test
    @DisplayName("needs both files or neither")
    void half() {
      assertThatThrownBy(
              () -> ServingCertificate.fromEnvironment(Map.of("WEBHOOK_TLS_CERT", "tls.crt")))
          .hasMessage(
              "set WEBHOOK_TLS_CERT and WEBHOOK_TLS_KEY, or neither; only one of them is set");
    }

    @Test
    @DisplayName("reads the files that it names")
    void files() {
      String missing = directory.resolve("missing").toString();
      assertThatThrownBy(
              () ->
                  ServingCertificate.fromEnvironment(
                      Map.of("WEBHOOK_TLS_CERT", missing, "WEBHOOK_TLS_KEY", missing)))
          .hasMessage("%s can't be read", missing);
    }
  }

  /** Serves one byte over real TLS, and reads it as a client that calls the server {@code host}. */
  private static int handshake(ServingCertificate certificate, String trusted, String host)
      throws Exception {
    try (SSLServerSocket server =
        (SSLServerSocket)
            certificate
                .sslContext()
                .getServerSocketFactory()
                .createServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      CompletableFuture<Void> served =
          CompletableFuture.runAsync(
              () -> {
                try (SSLSocket connection = (SSLSocket) server.accept()) {
                  connection.getOutputStream().write('!');
                } catch (IOException clientRefused) {
                  // The client's exception is what the test looks at.
                }
              });
      try (Socket plain = new Socket(server.getInetAddress(), server.getLocalPort());
          SSLSocket client =
              (SSLSocket)
                  trusting(trusted)
                      .getSocketFactory()
                      .createSocket(plain, host, server.getLocalPort(), true)) {
        SSLParameters parameters = client.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        client.setSSLParameters(parameters);
        return client.getInputStream().read();
      } finally {
        served.join();
      }
    }
  }

  private static SSLContext trusting(String pem) throws Exception {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry(
        "ca",
        CertificateFactory.getInstance("X.509")
            .generateCertificate(
                new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII))));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }
}
