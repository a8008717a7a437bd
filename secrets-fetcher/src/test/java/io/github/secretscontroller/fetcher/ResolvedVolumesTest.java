package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.ResolvedVolume;
import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.SecretDocument;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import io.github.secretscontroller.core.testkit.InMemorySecretSource;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("Volumes of native Secrets")
class ResolvedVolumesTest {

  private static final WriteContext DB = WriteContext.of("prod", "shop", "db");
  private static final String ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-hlRvvF";

  @TempDir Path directory;
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private DirectorySecretStore store;
  private Path references;
  private Path resolved;
  private int generation;

  @BeforeEach
  void volumes() throws IOException {
    store = new DirectorySecretStore(directory.resolve("store"));
    Files.createDirectory(directory.resolve("volume"));
    references = Files.createDirectories(directory.resolve("references/db"));
    resolved = Files.createDirectories(directory.resolve("resolved/db"));
  }

  private SecretReference stage(byte[] password, byte[] keystore) {
    byte[] document =
        SecretDocument.encode(new TreeMap<>(Map.of("password", password, "store.jks", keystore)));
    return store.stage("prod/shop/db/k8s", document, DB);
  }

  /** As kubelet writes a Secret volume. */
  private void mount(Map<String, String> files, String mode) throws IOException {
    Path data = Files.createDirectory(references.resolve("..generation-" + generation++));
    for (Map.Entry<String, String> file : files.entrySet()) {
      Path path = data.resolve(file.getKey());
      Files.createDirectories(path.getParent());
      Files.writeString(path, file.getValue());
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(mode));
      Path link = references.resolve(Path.of(file.getKey()).getName(0));
      Files.deleteIfExists(link);
      Files.createSymbolicLink(link, Path.of("..data").resolve(Path.of(file.getKey()).getName(0)));
    }
    Files.deleteIfExists(references.resolve("..data"));
    Files.createSymbolicLink(references.resolve("..data"), data.getFileName());
  }

  private ExitCode run(InjectionPlan plan) {
    return new Fetcher(
            Map.of(
                "SECRETS_PLAN",
                plan.toJson(),
                "SECRETS_ROOT",
                directory.resolve("volume").toString(),
                "SECRETS_RESOLVE_ROOT",
                directory.toString()),
            (p, environment) -> store,
            new PrintStream(new ByteArrayOutputStream(), true, UTF_8),
            new PrintStream(err, true, UTF_8),
            new Stopper())
        .run(new String[] {"init"});
  }

  private static InjectionPlan plan(boolean mixed, ReferencePattern... allowed) {
    return InjectionPlan.builder()
        .resolve(List.of(new ResolvedVolume("db", mixed)))
        .allowed(List.of(allowed))
        .build();
  }

  @Test
  @DisplayName("have the original bytes in files of the same names and modes")
  void resolves() throws IOException {
    byte[] binary = new byte[256];
    for (int i = 0; i < binary.length; i++) {
      binary[i] = (byte) i;
    }
    SecretReference stored = stage("canary-1".getBytes(UTF_8), binary);
    mount(
        Map.of(
            "db/password", stored.withSelector("password").toString(),
            "store.jks", stored.withSelector("\"store.jks\"").toString()),
        "r--r-----");
    assertThat(run(plan(false))).isEqualTo(ExitCode.SUCCESS);
    assertThat(resolved.resolve("db/password")).hasContent("canary-1");
    assertThat(resolved.resolve("store.jks")).hasBinaryContent(binary);
    assertThat(Files.getPosixFilePermissions(resolved.resolve("store.jks").toRealPath()))
        .isEqualTo(PosixFilePermissions.fromString("r--r-----"));
    assertThat(err.toString(UTF_8)).doesNotContain("canary");
  }

  @Test
  @DisplayName("are empty where an optional Secret isn't there")
  void empty() {
    assertThat(run(plan(false))).isEqualTo(ExitCode.SUCCESS);
    assertThat(resolved).isDirectoryNotContaining("glob:**/[!.]*");
  }

  @Test
  @DisplayName("may have other files besides, if the plan says so, and else are refused unshown")
  void others() throws IOException {
    mount(Map.of("config", "canary-2"), "rw-r--r--");
    assertThat(run(plan(false))).isEqualTo(ExitCode.BAD_PLAN);
    assertThat(err.toString(UTF_8))
        .contains("config of volume db holds no reference: its Secret isn't native")
        .doesNotContain("canary");
    assertThat(run(plan(true))).isEqualTo(ExitCode.SUCCESS);
    assertThat(resolved.resolve("config")).hasContent("canary-2");
  }

  @Test
  @DisplayName("have only what the operator allows")
  void allowed() throws IOException {
    mount(Map.of("password", ARN + "#password"), "rw-r--r--");
    assertThat(run(plan(false, new ReferencePattern("prod/shop/*")))).isEqualTo(ExitCode.BAD_PLAN);
    assertThat(err.toString(UTF_8)).contains("the operator doesn't allow " + ARN);
  }

  @Test
  @DisplayName("say which key of a document isn't there")
  void missingKey() throws IOException {
    SecretReference stored = stage(new byte[] {'a'}, new byte[] {'b'});
    mount(Map.of("user", stored.withSelector("user").toString()), "rw-r--r--");
    assertThat(run(plan(false))).isEqualTo(ExitCode.UNUSABLE);
    assertThat(err.toString(UTF_8))
        .contains("user of volume db: there is no such key in prod/shop");
  }

  @Test
  @DisplayName("follow kubelet's edits, and the current version of what names none")
  void followed() throws Exception {
    MovableClock clock = new MovableClock();
    InMemorySecretSource source = new InMemorySecretSource();
    // A reference without a version is certain only as an ARN.
    String name = SecretReference.parse(ARN).name();
    source.put(name, "one".getBytes(UTF_8));
    mount(Map.of("token", ARN), "rw-r--r--");
    ResolvedVolumes volumes =
        new ResolvedVolumes(
            plan(false),
            directory,
            clock,
            new Stopper(),
            EventLog.plain(new PrintStream(err, true, UTF_8)));
    volumes.deliver(source);
    assertThat(resolved.resolve("token")).hasContent("one");

    source.put(name, "two".getBytes(UTF_8));
    clock.advance(Duration.ofSeconds(10));
    assertThat(volumes.round(source)).isFalse();
    clock.advance(Duration.ofMinutes(5));
    assertThat(volumes.round(source)).isTrue();
    assertThat(resolved.resolve("token")).hasContent("two");

    mount(Map.of("token", ARN, "more", ARN), "rw-r--r--");
    clock.advance(Duration.ofSeconds(10));
    assertThat(volumes.round(source)).isTrue();
    assertThat(resolved.resolve("more")).hasContent("two");
    clock.advance(Duration.ofSeconds(10));
    assertThat(volumes.round(source)).isFalse();
  }
}
