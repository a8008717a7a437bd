package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ends the jar that ships by SIGTERM while it waits for somebody who never answers. */
@DisplayName("The fetcher's jar, on SIGTERM,")
class StoppingIT {

  /** What each of the waits would take is more: 5 seconds a POST, 30 a call of AWS. */
  private static final Duration A_SECOND = Duration.ofSeconds(1);

  /** A busy machine may hold up one end, or some. */
  private static final int TRIES = 5;

  @TempDir Path directory;
  private ServerSocket silent;
  private StubSecretsManager aws;

  @BeforeEach
  void servers() throws IOException {
    // Accepts connections and never answers.
    silent = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    silent.setSoTimeout((int) Launched.PATIENCE.toMillis());
    aws = new StubSecretsManager();
    aws.put("db", "1");
  }

  @AfterEach
  void close() throws IOException {
    silent.close();
    aws.close();
  }

  /** A launcher with a volume of its own. */
  private Launched.Launcher launcher(String more) throws IOException {
    return new Launched.Launcher(directory)
        .with("SECRETS_ROOT", Files.createTempDirectory(directory, "volume").toString())
        .with(aws.variables())
        .with(
            "SECRETS_PLAN",
            """
            {"version": 1, "files": [{"secret": "db", "path": "db"}],
             "refresh": {"interval": "PT1S"}%s}
            """
                .formatted(more));
  }

  private String silentUrl() {
    return "http://127.0.0.1:" + silent.getLocalPort();
  }

  /** Brings a fetcher to where it waits. */
  private interface Waiting {
    Launched start() throws Exception;
  }

  /** The quickest of a few must be gone within a second, and each with that code. */
  private static void assertQuick(int code, Waiting waiting) throws Exception {
    Duration quickest = Launched.PATIENCE;
    for (int i = 0; i < TRIES && quickest.compareTo(A_SECOND) > 0; i++) {
      try (Launched fetcher = waiting.start()) {
        long signalled = System.nanoTime();
        fetcher.process.destroy();
        assertThat(fetcher.exitCode()).as(fetcher.err()).isEqualTo(code);
        Duration took = Duration.ofNanos(System.nanoTime() - signalled);
        quickest = took.compareTo(quickest) < 0 ? took : quickest;
      }
    }
    assertThat(quickest).as("from the signal to the end").isLessThan(A_SECOND);
  }

  @Test
  @DisplayName("doesn't wait for its first read; then it has nothing, and doesn't end with 0")
  void firstRead() throws Exception {
    for (String mode : List.of("init", "sidecar")) {
      assertQuick(
          143,
          () -> {
            Launched fetcher = launcher("").with("AWS_ENDPOINT_URL", silentUrl()).start(mode);
            silent.accept();
            return fetcher;
          });
    }
    try (var volumes = Files.newDirectoryStream(directory, "volume*")) {
      assertThat(volumes).allSatisfy(volume -> assertThat(volume).isEmptyDirectory());
    }
  }

  @Test
  @DisplayName("doesn't wait for a refresh; it has what it came for, and ends with 0")
  void refresh() throws Exception {
    assertQuick(
        0,
        () -> {
          Launched fetcher = launcher("").start("sidecar").awaitStarted();
          aws.hang("DescribeSecret");
          long asked = aws.count("DescribeSecret");
          fetcher.await("a look", () -> aws.count("DescribeSecret") > asked);
          return fetcher;
        });
  }

  @Test
  @DisplayName("doesn't wait for the application that is told of a change")
  void change() throws Exception {
    assertQuick(
        0,
        () -> {
          Launched fetcher =
              launcher(", \"onChange\": {\"post\": \"" + silentUrl() + "/reload\"}")
                  .start("sidecar")
                  .awaitStarted();
          // Another one each time: the same content would be no change.
          aws.put("db", UUID.randomUUID().toString());
          Socket post = silent.accept();
          assertThat(post.getInputStream().read()).isEqualTo('P');
          return fetcher;
        });
  }
}
