package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A process namespace of its own as the containers of a pod share it: a pause process as PID 1, the
 * application, the fetcher's jar, and others. Each of them but the fetcher notes the signals that
 * it gets.
 */
@DisplayName("In a shared process namespace, the fetcher's jar")
class SharedNamespaceIT {

  @TempDir Path directory;
  private Path secrets;
  private Path root;
  private HangupNotes hangups;

  @BeforeEach
  void start() throws Exception {
    Process probe =
        new ProcessBuilder("unshare", "--pid", "--fork", "--mount-proc", "true")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    Assumptions.assumeTrue(
        probe.waitFor() == 0, "this user may not make a process namespace; root in CI may");
    secrets = Files.createDirectory(directory.resolve("secrets"));
    root = Files.createDirectory(directory.resolve("volume"));
    Launched.put(secrets.resolve("db"), "first");
    hangups = new HangupNotes(directory);
    Files.copy(Path.of("/bin/sh"), directory.resolve("pause"), StandardCopyOption.COPY_ATTRIBUTES);
  }

  /**
   * The fetcher as a sidecar that signals a process of that name.
   *
   * @param others what the pod starts before, a shell's commands
   */
  private Launched sidecar(String process, String others) throws Exception {
    return new Launched.Launcher(directory)
        .with("SECRETS_ROOT", root.toString())
        .with("SECRETS_SOURCE", "directory:" + secrets)
        .with("PATH", System.getenv("PATH"))
        .with(
            "SECRETS_PLAN",
            """
            {"version": 1, "files": [{"secret": "db", "path": "db"}],
             "refresh": {"interval": "PT1S"},
             "onChange": {"signal": "HUP", "process": "%s"}}
            """
                .formatted(process))
        .below("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
        .below(directory.resolve("pause").toString(), "-c")
        .below(
            "trap 'echo HUP >> " + path("pause.hup") + "' HUP; " + others + " \"$@\" & wait; wait")
        .below("pause")
        .start("sidecar")
        .awaitStarted();
  }

  /** A process that is called "application". */
  private String application(String notes) throws IOException {
    return "'" + String.join("' '", hangups.command("application", notes)) + "' & ";
  }

  private String path(String name) {
    return directory.resolve(name).toString();
  }

  private void awaitUp(Launched sidecar, String... notes) {
    for (String note : notes) {
      sidecar.await(note, () -> hangups.isUp(note));
    }
  }

  @Test
  @DisplayName("signals the application, and neither the pause process nor itself")
  void application() throws Exception {
    try (Launched sidecar = sidecar("application", application("app"))) {
      awaitUp(sidecar, "app");
      for (int i = 1; i <= 2; i++) {
        int times = i;
        Launched.put(secrets.resolve("db"), "version " + i);
        sidecar.await("signal " + i, () -> hangups.count("app") == times);
      }
      assertThat(hangups.count("pause")).isZero();
      assertThat(sidecar.status("/live")).isEqualTo(200);
    }
  }

  @Test
  @DisplayName("never signals PID 1, not even by its name")
  void pause() throws Exception {
    try (Launched sidecar = sidecar("pause", "")) {
      Launched.put(secrets.resolve("db"), "second");
      sidecar.awaitSaid("no process is named \"pause\"");
      assertThat(hangups.count("pause")).isZero();
    }
  }

  @Test
  @DisplayName("never signals itself, not even by its name")
  void itself() throws Exception {
    try (Launched sidecar = sidecar("java", "")) {
      Launched.put(secrets.resolve("db"), "second");
      sidecar.awaitSaid("no process is named \"java\"");
      assertThat(sidecar.status("/live")).isEqualTo(200);
    }
  }

  @Test
  @DisplayName("never signals a stranger: another user's process of the same name")
  void stranger() throws Exception {
    Assumptions.assumeTrue(
        new ProcessBuilder("setpriv", "--reuid=65534", "true").start().waitFor() == 0,
        "this user may not start a process of another user");
    directory.toFile().setExecutable(true, false);
    Path notes = Files.createDirectory(directory.resolve("others"));
    notes.toFile().setWritable(true, false);
    String others = "setpriv --reuid=65534 " + application("others/app");
    try (Launched sidecar = sidecar("application", others)) {
      awaitUp(sidecar, "others/app");
      Launched.put(secrets.resolve("db"), "second");
      sidecar.awaitSaid("runs as user 65534 and the fetcher as user 0");
      assertThat(hangups.count("others/app")).isZero();
    }
  }
}
