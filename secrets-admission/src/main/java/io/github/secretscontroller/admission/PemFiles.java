package io.github.secretscontroller.admission;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A certificate in two files that somebody else replaces now and then: cert-manager, kubelet, a
 * script. They are read and compared each time, because neither time stamps nor file events survive
 * the swap of a symbolic link on every file system.
 */
final class PemFiles implements CertificateSource {

  private static final Duration INTERVAL = Duration.ofSeconds(10);

  private final Path certificateChain;
  private final Path privateKey;
  private final Clock clock;
  private @Nullable KeyAndChain served;

  PemFiles(Path certificateChain, Path privateKey, Clock clock) {
    this.certificateChain = certificateChain;
    this.privateKey = privateKey;
    this.clock = clock;
  }

  /**
   * The pair as it is now.
   *
   * @throws IllegalArgumentException if it can't be served; the message names the file
   * @throws UncheckedIOException if a file can't be read
   */
  KeyAndChain read() {
    KeyAndChain pair;
    try {
      pair = readPair();
    } catch (IllegalArgumentException e) {
      // The files may have been swapped between the two reads.
      pair = readPair();
    }
    Instant now = clock.instant();
    if (pair.isExpired(now)) {
      throw new IllegalArgumentException(
          "the certificate in " + certificateChain + " expired at " + pair.notAfter());
    }
    if (now.isBefore(pair.notBefore())) {
      throw new IllegalArgumentException(
          "the certificate in " + certificateChain + " isn't valid before " + pair.notBefore());
    }
    served = pair;
    return pair;
  }

  @Override
  public Look look() {
    try {
      return new Look(read(), true, null);
    } catch (IllegalArgumentException | UncheckedIOException e) {
      String problem = e.getMessage() + "; the last good certificate is served";
      return new Look(
          null, true, served == null ? problem : problem + " until " + served.notAfter());
    }
  }

  @Override
  public Duration interval() {
    return INTERVAL;
  }

  private KeyAndChain readPair() {
    return KeyAndChain.matching(
        Pem.certificates(text(certificateChain), certificateChain),
        certificateChain,
        Pem.privateKey(text(privateKey), privateKey),
        privateKey);
  }

  private static String text(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(file + " can't be read", e);
    }
  }
}
