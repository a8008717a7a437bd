package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the jar that ships, as a process of its own, with nothing but its environment. */
@DisplayName("The fetcher's jar")
class FetcherProgramIT {

  private static final String CANARY = "canary-77c2-value";
  private static final Path SHM = Path.of("/dev/shm");

  @TempDir Path directory;
  private Path secrets;
  private Path root;

  @BeforeEach
  void volume() throws IOException {
    secrets = Files.createDirectory(directory.resolve("secrets"));
    root =
        Files.isWritable(SHM)
            ? Files.createTempDirectory(SHM, "fetcher-it")
            : Files.createDirectory(directory.resolve("volume"));
  }

  @AfterEach
  void removeVolume() throws IOException {
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwx------"));
    try (Stream<Path> walk = Files.walk(root)) {
      for (Path path : walk.sorted((a, b) -> b.compareTo(a)).toList()) {
        Files.delete(path);
      }
    }
  }

  private record Outcome(int exitCode, String out, String err) {}

  private Outcome run(Map<String, String> variables, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
    command.addAll(List.of("-jar", System.getProperty("fetcher.jar")));
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().clear();
    builder.environment().put("LC_ALL", "C.UTF-8");
    builder.environment().put("SECRETS_ROOT", root.toString());
    builder.environment().put("SECRETS_SOURCE", "directory:" + secrets);
    builder.environment().put("SECRETS_TERMINATION_LOG", terminationLog().toString());
    builder.environment().putAll(variables);
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the fetcher didn't end; it said " + Files.readString(err));
    }
    return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err));
  }

  private Path terminationLog() {
    return directory.resolve("termination-log");
  }

  private static Map<String, String> plan(String files) {
    return Map.of("SECRETS_PLAN", "{\"version\":1,\"files\":[" + files + "]}");
  }

  @Test
  @DisplayName("publishes text, every byte value, and names with any character, with their modes")
  void publishes() throws Exception {
    byte[] everyByte = new byte[256];
    for (int i = 0; i < everyByte.length; i++) {
      everyByte[i] = (byte) i;
    }
    Files.createDirectory(secrets.resolve("prod"));
    Files.write(secrets.resolve("prod/binary"), everyByte);
    Files.writeString(secrets.resolve("text"), CANARY);

    Outcome outcome =
        run(
            plan(
                "{\"secret\":\"prod/binary\",\"path\":\"keys/bin\\u00e4r\",\"mode\":\"0440\"},"
                    + "{\"secret\":\"text\",\"path\":\"text\"},"
                    + "{\"secret\":\"nothing\",\"path\":\"nothing\",\"optional\":true}"));

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(root.resolve("keys/binär")).hasBinaryContent(everyByte);
    assertThat(mode("keys/binär")).isEqualTo("r--r-----");
    assertThat(root.resolve("text")).hasContent(CANARY);
    assertThat(mode("text")).isEqualTo("r--r--r--");
    assertThat(root.resolve("nothing")).doesNotExist();
    assertThat(outcome.out()).isEmpty();
  }

  private String mode(String path) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve(path)));
  }

  @Test
  @DisplayName("understands the older SECRET_ARN, with and without a file name")
  void legacy() throws Exception {
    Files.writeString(secrets.resolve("db"), CANARY);
    String arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-hlRvvF";

    assertThat(run(Map.of("SECRET_ARN", arn)).exitCode()).isZero();
    assertThat(root.resolve("secret")).hasContent(CANARY);

    assertThat(run(Map.of("SECRET_ARN", arn, "SECRET_FILENAME", "x/b")).exitCode()).isZero();
    assertThat(root.resolve("x/b")).hasContent(CANARY);
    assertThat(root.resolve("secret")).doesNotExist();
  }

  @Test
  @DisplayName("exits with 3 for a missing secret, publishes nothing, and tells why in one line")
  void notFound() throws Exception {
    Files.writeString(secrets.resolve("there"), CANARY);

    Outcome outcome =
        run(
            plan(
                "{\"secret\":\"there\",\"path\":\"there\"},"
                    + "{\"secret\":\"gone\",\"path\":\"gone\"}"));

    assertThat(outcome.exitCode()).isEqualTo(3);
    assertThat(root).isEmptyDirectory();
    assertThat(terminationLog()).content().hasLineCount(1).startsWith("gone: ");
    assertThat(outcome.err()).contains("ERROR gone: ");
  }

  @Test
  @DisplayName("exits with 2 without a plan, with two, and for a path that leaves the volume")
  void badPlan() throws Exception {
    Files.writeString(secrets.resolve("db"), CANARY);

    assertThat(run(Map.of()).exitCode()).isEqualTo(2);
    assertThat(run(Map.of("SECRETS_PLAN", "{", "SECRET_ARN", "db")).exitCode()).isEqualTo(2);
    assertThat(run(plan("{\"secret\":\"db\",\"path\":\"../db\"}")).exitCode()).isEqualTo(2);
    assertThat(run(Map.of("SECRET_ARN", "db", "SECRET_FILENAME", "/../db")).exitCode())
        .isEqualTo(2);
    assertThat(root).isEmptyDirectory();
    assertThat(root.resolveSibling("db")).doesNotExist();
  }

  @Test
  @DisplayName("exits with 6 where it can't write, and leaves what stood there")
  void writeFailed() throws Exception {
    Files.writeString(secrets.resolve("db"), CANARY);
    Files.writeString(root.resolve("db"), "theirs");

    assertThat(run(plan("{\"secret\":\"db\",\"path\":\"db\"}")).exitCode()).isEqualTo(6);
    assertThat(root.resolve("db")).hasContent("theirs");
    Outcome noVolume =
        run(Map.of("SECRET_ARN", "db", "SECRETS_ROOT", root.resolve("no").toString()));
    assertThat(noVolume.exitCode()).isEqualTo(6);
    assertThat(noVolume.err()).contains(root.resolve("no").toString());
  }

  @Test
  @DisplayName("exits with 6 on a volume that it may not write")
  void readOnly() throws Exception {
    Files.writeString(secrets.resolve("db"), CANARY);
    // A file system that is read-only for everybody, root included.
    Path sys = Path.of("/sys/kernel");
    Assumptions.assumeTrue(Files.isDirectory(sys));

    Outcome outcome = run(Map.of("SECRET_ARN", "db", "SECRETS_ROOT", sys.toString()));

    assertThat(outcome.exitCode()).isEqualTo(6);
    assertThat(outcome.err()).contains("can't write to the volume " + sys);
  }

  @Test
  @DisplayName("tells its version and how to use it")
  void versionAndHelp() throws Exception {
    assertThat(run(Map.of(), "--version").out())
        .isEqualTo("secrets-fetcher " + System.getProperty("fetcher.version") + "\n");
    assertThat(run(Map.of(), "--help").out()).startsWith("Usage: java -jar secrets-fetcher.jar");
  }

  @Test
  @DisplayName("shows a value nowhere but in its file, however it ends")
  void canary() throws Exception {
    Files.writeString(secrets.resolve("db"), CANARY);
    String good = "{\"secret\":\"db\",\"path\":\"db\"}";
    Map<String, Map<String, String>> runs = new TreeMap<>();
    runs.put("success", plan(good));
    runs.put("missing", plan(good + ",{\"secret\":\"gone\",\"path\":\"gone\"}"));
    runs.put(
        "too long", plan(good + ",{\"secret\":\"db\",\"path\":\"d/" + "x".repeat(255) + "\"}"));
    runs.put("no volume", Map.of("SECRET_ARN", "db", "SECRETS_ROOT", "/no/such/volume"));

    for (Map.Entry<String, Map<String, String>> run : runs.entrySet()) {
      Outcome outcome = run(run.getValue());
      for (String form :
          List.of(
              CANARY,
              HexFormat.of().formatHex(CANARY.getBytes(UTF_8)),
              Base64.getEncoder().encodeToString(CANARY.getBytes(UTF_8)))) {
        assertThat(outcome.out() + outcome.err() + Files.readString(terminationLog()))
            .as(run.getKey())
            .doesNotContain(form);
      }
    }
  }
}
