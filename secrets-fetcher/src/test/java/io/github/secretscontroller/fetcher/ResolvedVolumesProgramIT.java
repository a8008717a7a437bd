package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretDocument;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the jar that ships; the test does what kubelet does with the Secret's volume. */
@DisplayName("The fetcher's jar, with a volume of a native Secret,")
class ResolvedVolumesProgramIT {

  private static final WriteContext OWNER = WriteContext.of("prod", "shop", "db");

  @TempDir Path directory;
  private DirectorySecretStore store;
  private Path references;
  private Path resolved;
  private Launched.Launcher launcher;
  private int generation;

  @BeforeEach
  void volumes() throws IOException {
    Path secrets = directory.resolve("secrets");
    store = new DirectorySecretStore(secrets);
    references = Files.createDirectories(directory.resolve("references/db"));
    resolved = Files.createDirectories(directory.resolve("resolved/db"));
    launcher =
        new Launched.Launcher(directory)
            .with("SECRETS_ROOT", Files.createDirectory(directory.resolve("volume")).toString())
            .with("SECRETS_RESOLVE_ROOT", directory.toString())
            .with("SECRETS_SOURCE", "directory:" + secrets)
            .with("SECRETS_PLAN", plan(""));
  }

  private static String plan(String more) {
    return """
        {"version": 1, "files": [], "resolve": [{"volume": "db"}],
         "refresh": {"interval": "PT1S"}%s}
        """
        .formatted(more);
  }

  private SecretReference stage(String password) {
    byte[] document =
        SecretDocument.encode(new TreeMap<>(Map.of("password", password.getBytes(UTF_8))));
    return store.stage("prod/shop/db/k8s", document, OWNER).withSelector("password");
  }

  /** As kubelet writes a Secret's volume: a fresh directory, and then the link to it, replaced. */
  private void kubelet(String reference) throws IOException {
    Path data = Files.createDirectory(references.resolve("..2026_" + generation++));
    Files.writeString(data.resolve("password"), reference);
    Path link = references.resolve("..data_tmp");
    Files.createSymbolicLink(link, data.getFileName());
    Files.move(link, references.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
    Path file = references.resolve("password");
    if (!Files.isSymbolicLink(file)) {
      Files.createSymbolicLink(file, Path.of("..data/password"));
    }
  }

  private boolean holds(String value) {
    try {
      return Files.readString(resolved.resolve("password")).equals(value);
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  @DisplayName("exits with 2 and tells it, if a reference is outside of what the plan allows")
  void outside() throws Exception {
    SecretReference canary = stage("canary");
    kubelet(canary.toString());
    try (Launched refused =
        launcher.with("SECRETS_PLAN", plan(", \"allowed\": [\"prod/other/*\"]")).run("init")) {
      assertThat(refused.exitCode()).isEqualTo(2);
      assertThat(refused.err())
          .contains("password of volume db: the operator doesn't allow prod/shop/db/k8s?version=")
          .contains("here; allowed are [prod/other/*]")
          .doesNotContain("canary");
      assertThat(directory.resolve("termination-log"))
          .content()
          .hasLineCount(1)
          .contains("the operator doesn't allow");
      assertThat(resolved).isEmptyDirectory();
    }
    try (Launched allowed =
        launcher.with("SECRETS_PLAN", plan(", \"allowed\": [\"prod/shop/*\"]")).run("init")) {
      assertThat(allowed.exitCode()).as(allowed.err()).isZero();
      assertThat(resolved.resolve("password")).hasContent("canary");
    }
  }

  @Test
  @DisplayName("as a sidecar brings a rotation at the source where the current version is followed")
  void rotation() throws Exception {
    SecretReference first = stage("first");
    kubelet(first.name() + "?stage=AWSCURRENT#password");
    try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
      assertThat(resolved.resolve("password")).hasContent("first");
      store.promote(stage("second"), OWNER);
      sidecar.await("the rotation", () -> holds("second"));
      sidecar.awaitSaid("volume db: 1 files resolved again");
    }
  }

  @Test
  @DisplayName("as a sidecar brings an edit of the Secret, at the versions that it names")
  void edit() throws Exception {
    SecretReference first = stage("first");
    SecretReference second = stage("second");
    kubelet(first.toString());
    try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
      assertThat(resolved.resolve("password")).hasContent("first");
      kubelet(second.toString());
      sidecar.await("the edit", () -> holds("second"));
      // Back again, while the store's current version is another one.
      store.promote(second, OWNER);
      kubelet(first.toString());
      sidecar.await("the edit back", () -> holds("first"));
    }
  }

  @Test
  @DisplayName("as a sidecar tells its probes of a stale one, and turns unready where that matters")
  void stale() throws Exception {
    SecretReference first = stage("canary");
    kubelet(first.name() + "?stage=AWSCURRENT#password");
    try (Launched sidecar =
        launcher
            .with(
                "SECRETS_PLAN",
                """
                {"version": 1, "files": [], "resolve": [{"volume": "db"}],
                 "refresh": {"interval": "PT1S", "staleAfter": "PT2S", "unreadyWhenStale": true}}
                """)
            .start("sidecar")
            .awaitStarted()) {
      assertThat(sidecar.get("/metrics").body())
          .contains("secrets_fetcher_file_stale{file=\"resolved/db/password\"} 0");
      store.delete(first, OWNER);
      sidecar.await("that it is unready", () -> sidecar.status("/ready") == 503);
      assertThat(sidecar.get("/metrics").body())
          .contains("secrets_fetcher_file_stale{file=\"resolved/db/password\"} 1")
          .doesNotContain("canary");
      sidecar.awaitSaid("resolved/db/password is stale");
      assertThat(resolved.resolve("password")).hasContent("canary");
    }
  }
}
