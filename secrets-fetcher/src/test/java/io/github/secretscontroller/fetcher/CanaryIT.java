package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plants a value and looks for it in everything that the process shows of itself. */
@DisplayName("A value is shown nowhere but in its file")
class CanaryIT {

  private static final List<String> CANARIES = List.of("canary-5d01-value", "canary-6e12-value");

  @TempDir Path directory;

  @Test
  @DisplayName("by a sidecar that publishes, rotates, fails in every way and is stopped")
  void sidecar() throws Exception {
    Path root = Files.createDirectory(directory.resolve("volume"));
    Map<String, String> shown = new TreeMap<>();
    try (StubSecretsManager aws = new StubSecretsManager()) {
      aws.put("db", CANARIES.get(0));
      Launched.Launcher launcher =
          new Launched.Launcher(directory)
              .with(aws.variables())
              .with("SECRETS_ROOT", root.toString())
              .with("SECRETS_LOG_LEVEL", "debug")
              .with(
                  "SECRETS_PLAN",
                  """
                  {"version": 1, "files": [{"secret": "db", "path": "db"}],
                   "refresh": {"interval": "PT1S", "staleAfter": "PT1S"},
                   "onChange": {"signal": "HUP", "process": "nobody-at-all"}}
                  """);
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        aws.put("db", CANARIES.get(1));
        sidecar.awaitSaid("the application has not been told");
        assertThat(root.resolve("db")).hasContent(CANARIES.get(1));
        aws.put("db", CANARIES.get(0));
        for (String code :
            List.of("AccessDeniedException", "ThrottlingException", "InternalServiceError")) {
          aws.refuse("GetSecretValue", Integer.MAX_VALUE, 400, code);
          sidecar.awaitSaid(code);
        }
        sidecar.awaitSaid("is stale");

        shown.put("metrics", sidecar.get("/metrics").body());
        shown.put("readiness", sidecar.get("/ready").body());
        shown.put("status", Files.readString(root.resolve(".status.json")));
        shown.put("thread dump", threadDump(sidecar.process.pid()));
        addProcess(shown, Path.of("/proc", String.valueOf(sidecar.process.pid())));
        sidecar.process.destroy();
        assertThat(sidecar.exitCode()).isZero();
        shown.put("log", sidecar.err());
        shown.put("output", sidecar.out());
        shown.put("termination", Files.readString(directory.resolve("termination-log")));
      }
    }
    assertThat(shown.get("log")).contains("AccessDeniedException", StubSecretsManager.REQUEST_ID);
    assertThat(shown).allSatisfy((what, text) -> assertThat(text).as(what).isNotNull());
    for (String canary : CANARIES) {
      byte[] bytes = canary.getBytes(UTF_8);
      for (String form :
          List.of(
              canary, HexFormat.of().formatHex(bytes), Base64.getEncoder().encodeToString(bytes))) {
        assertThat(shown)
            .allSatisfy((what, text) -> assertThat(text).as(what).doesNotContain(form));
      }
    }
  }

  private static String threadDump(long pid) throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "jstack").toString(),
                "-l",
                String.valueOf(pid))
            .redirectErrorStream(true)
            .start();
    String dump = new String(process.getInputStream().readAllBytes(), UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(dump).contains("\"main\"");
    return dump;
  }

  /** What the kernel shows: environment, arguments, names of threads. */
  private static void addProcess(Map<String, String> shown, Path process) throws IOException {
    for (String name : List.of("environ", "cmdline", "comm", "status")) {
      shown.put(name, Files.readString(process.resolve(name), ISO_8859_1));
    }
    assertThat(shown.get("environ")).contains("SECRETS_PLAN=");
    StringBuilder names = new StringBuilder();
    try (Stream<Path> tasks = Files.list(process.resolve("task"))) {
      for (Path task : tasks.toList()) {
        names.append(Files.readString(task.resolve("comm")));
      }
    }
    shown.put("names of threads", names.toString());
  }
}
