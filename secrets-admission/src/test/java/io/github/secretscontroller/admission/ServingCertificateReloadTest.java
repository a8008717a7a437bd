package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A serving certificate in files that somebody else replaces")
class ServingCertificateReloadTest {

  private static final Set<String> HOSTS = Set.of("localhost");
  private static final Duration DAY = Duration.ofDays(1);

  @TempDir Path directory;
  private final MovableClock clock = new MovableClock();
  private Authority authority;
  private KeyAndChain first;
  private KeyAndChain second;
  private Path certificateFile;
  private Path keyFile;
  private ServingCertificate certificate;
  private TlsPeer.Server server;

  @BeforeEach
  void serve() throws Exception {
    authority = Authority.create(clock.instant(), Duration.ofDays(900));
    first = authority.issue(HOSTS, clock.instant(), DAY);
    second = authority.issue(HOSTS, clock.instant(), Duration.ofDays(2));
    certificateFile = directory.resolve("tls.crt");
    keyFile = directory.resolve("tls.key");
    write(first);
    certificate = ServingCertificate.fromPem(certificateFile, keyFile, clock);
    server = new TlsPeer.Server(certificate.sslContext());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  @DisplayName("is served to new connections once it was replaced; open connections go on")
  void replaced() throws Exception {
    try (TlsPeer.Connection open =
        new TlsPeer.Connection(TlsPeer.trusting(bundle(), clock), server.port())) {
      assertThat(open.get()).isEqualTo(200);
      write(second);
      certificate.refresh();
      assertThat(served()).isEqualTo(second.certificate());
      assertThat(open.get()).isEqualTo(200);
      assertThat(open.serverCertificate()).isEqualTo(first.certificate());
    }
    assertThat(certificate.notAfter()).isEqualTo(second.notAfter());
    assertThat(certificate.problem()).isEmpty();
    assertThat(certificate.isReady()).isTrue();
  }

  @Test
  @DisplayName("can be had as PEM, for a server that takes nothing else")
  void pem() {
    assertThat(certificate.chainPem()).isEqualTo(Pem.of(first.chain()));
    String key = new String(certificate.revealPrivateKeyPem(), StandardCharsets.US_ASCII);
    assertThat(Pem.privateKey(key, "it")).isEqualTo(first.privateKey());
  }

  @Test
  @DisplayName("stays as it is while the new one is half-written, and is replaced when it is whole")
  void halfWritten() throws Exception {
    String whole = Pem.of(second.chain());
    Files.writeString(certificateFile, whole.substring(0, whole.length() / 2));
    certificate.refresh();
    assertThat(served()).isEqualTo(first.certificate());
    assertThat(problem())
        .isEqualTo(
            certificateFile
                + " is no PEM file; the last good certificate is served until "
                + first.notAfter());
    write(second);
    certificate.refresh();
    assertThat(served()).isEqualTo(second.certificate());
    assertThat(certificate.problem()).isEmpty();
  }

  @Test
  @DisplayName("stays as it is when certificate and key don't match")
  void mismatch() throws Exception {
    Files.writeString(keyFile, Pem.reveal(second.privateKey()));
    certificate.refresh();
    assertThat(served()).isEqualTo(first.certificate());
    assertThat(problem())
        .startsWith(
            "the private key in %s doesn't belong to the first certificate in %s; the last good"
                .formatted(keyFile, certificateFile));
  }

  @Test
  @DisplayName("stays as it is when a file is gone or empty")
  void gone() throws Exception {
    Files.delete(keyFile);
    certificate.refresh();
    assertThat(problem()).startsWith(keyFile + " can't be read; the last good certificate");
    Files.writeString(keyFile, "");
    certificate.refresh();
    assertThat(problem()).startsWith(keyFile + " holds no unencrypted PEM private key; the last");
    assertThat(served()).isEqualTo(first.certificate());
  }

  @Test
  @DisplayName("isn't replaced by one that has expired, nor by one of the future")
  void wrongTime() throws Exception {
    clock.advance(Duration.ofHours(12));
    KeyAndChain expired =
        authority.issue(HOSTS, clock.instant().minus(Duration.ofHours(9)), Duration.ofHours(8));
    write(expired);
    certificate.refresh();
    assertThat(served()).isEqualTo(first.certificate());
    assertThat(problem())
        .startsWith("the certificate in " + certificateFile + " expired at " + expired.notAfter());
    KeyAndChain future = authority.issue(HOSTS, clock.instant().plus(DAY), DAY);
    write(future);
    certificate.refresh();
    assertThat(served()).isEqualTo(first.certificate());
    assertThat(problem()).contains("isn't valid before " + future.notBefore());
  }

  @Test
  @DisplayName("is told to have expired when nobody renewed it, and is still served")
  void expires() throws Exception {
    clock.advance(DAY.plusSeconds(1));
    certificate.refresh();
    assertThat(problem()).startsWith("the certificate in " + certificateFile + " expired at ");
    assertThat(certificate.isReady()).isTrue();
    clock.advance(Duration.ofDays(-1));
    assertThat(served()).isEqualTo(first.certificate());
  }

  @Test
  @DisplayName("that has expired is refused at the start")
  void expiredAtStart() {
    clock.advance(DAY.plusSeconds(1));
    assertThatThrownBy(() -> ServingCertificate.fromPem(certificateFile, keyFile, clock))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the certificate in %s expired at %s", certificateFile, first.notAfter());
  }

  @Test
  @DisplayName("is swapped by a symbolic link, as kubelet does, under load, and no handshake fails")
  void symbolicLink() throws Exception {
    Path mounted = Files.createDirectory(directory.resolve("mounted"));
    publish(mounted, "1", first);
    Path linkedCertificate = mounted.resolve("tls.crt");
    Path linkedKey = mounted.resolve("tls.key");
    Files.createSymbolicLink(linkedCertificate, Path.of("..data", "tls.crt"));
    Files.createSymbolicLink(linkedKey, Path.of("..data", "tls.key"));
    try (ServingCertificate linked =
            ServingCertificate.fromPem(linkedCertificate, linkedKey, clock);
        TlsPeer.Server busy = new TlsPeer.Server(linked.sslContext())) {
      AtomicBoolean done = new AtomicBoolean();
      CompletableFuture<Integer> load =
          CompletableFuture.supplyAsync(
              () -> {
                int handshakes = 0;
                while (!done.get()) {
                  try {
                    TlsPeer.served(busy.port(), bundle(), clock);
                  } catch (Exception e) {
                    throw new IllegalStateException("handshake " + handshakes + " failed", e);
                  }
                  handshakes++;
                }
                return handshakes;
              });
      KeyAndChain last = first;
      for (int swap = 2; swap < 40; swap++) {
        last = authority.issue(HOSTS, clock.instant(), DAY);
        publish(mounted, "" + swap, last);
        linked.refresh();
      }
      X509Certificate now = TlsPeer.served(busy.port(), bundle(), clock);
      done.set(true);
      assertThat(load.join()).isPositive();
      assertThat(now).isEqualTo(last.certificate());
    }
  }

  private X509Certificate served() throws Exception {
    return TlsPeer.served(server.port(), bundle(), clock);
  }

  private String bundle() {
    return Pem.of(authority.keyAndChain().chain());
  }

  private String problem() {
    return certificate.problem().orElse("no problem");
  }

  private void write(KeyAndChain pair) throws IOException {
    Files.writeString(certificateFile, Pem.of(pair.chain()));
    Files.writeString(keyFile, Pem.reveal(pair.privateKey()));
  }

  private static void publish(Path mounted, String version, KeyAndChain pair) throws IOException {
    Path data = Files.createDirectory(mounted.resolve("..version-" + version));
    Files.writeString(data.resolve("tls.crt"), Pem.of(pair.chain()));
    Files.writeString(data.resolve("tls.key"), Pem.reveal(pair.privateKey()));
    Path next = Files.createSymbolicLink(mounted.resolve("..data_tmp"), data.getFileName());
    Files.move(
        next,
        mounted.resolve("..data"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }
}
