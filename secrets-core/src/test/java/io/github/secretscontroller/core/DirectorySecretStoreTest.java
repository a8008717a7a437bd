package io.github.secretscontroller.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.testkit.SecretSourceContract;
import io.github.secretscontroller.core.testkit.SecretWriterContract;
import io.github.secretscontroller.core.testkit.StagingSecretWriterContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A directory of secrets")
class DirectorySecretStoreTest {

  private static final String ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:";
  private static final WriteContext CONTEXT = WriteContext.of("c", "ns", "name");

  @Nested
  class AsSource extends SecretSourceContract {
    @TempDir Path root;

    @Override
    protected SecretSource source() {
      return new DirectorySecretStore(root);
    }

    @Override
    protected SecretReference store(String name, byte[] value) {
      return new DirectorySecretStore(root).write(name, value, CONTEXT).withVersionId(null);
    }
  }

  @Nested
  class AsWriter extends SecretWriterContract {
    @TempDir Path root;

    @Override
    protected SecretWriter writer() {
      return new DirectorySecretStore(root);
    }

    @Override
    protected SecretSource source() {
      return new DirectorySecretStore(root);
    }
  }

  @Nested
  class AsStagingWriter extends StagingSecretWriterContract {
    @TempDir Path root;

    @Override
    protected StagingSecretWriter writer() {
      return new DirectorySecretStore(root);
    }

    @Override
    protected SecretSource source() {
      return new DirectorySecretStore(root);
    }
  }

  @TempDir Path root;

  private String read(String reference) {
    try (DirectorySecretStore store = new DirectorySecretStore(root);
        SecretValue value = store.fetch(SecretReference.parse(reference))) {
      return new String(value.revealBytes(), UTF_8);
    }
  }

  private void place(String path, String content) throws IOException {
    Path file = root.resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  @Test
  @DisplayName("finds an ARN by its name, with the random suffix before without it")
  void arns() throws IOException {
    place("prod/db", "plain");
    assertThat(read(ARN + "prod/db")).isEqualTo("plain");
    assertThat(read(ARN + "prod/db-hlRvvF")).isEqualTo("plain");
    place("prod/db-hlRvvF", "exact");
    assertThat(read(ARN + "prod/db-hlRvvF")).isEqualTo("exact");
    assertThat(read("prod/db")).isEqualTo("plain");
  }

  @Test
  @DisplayName("doesn't strip what looks like a suffix from a plain name")
  void nameIsExact() throws IOException {
    place("db", "plain");
    assertThatThrownBy(() -> read("db-hlRvvF"))
        .isInstanceOf(SecretException.NotFound.class)
        .hasMessage(
            "there is no file for db-hlRvvF below %s; expected %s",
            root, root.resolve("db-hlRvvF"));
  }

  @Test
  @DisplayName("serves parameters and the schemes of others by the same rule")
  void otherSchemes() throws IOException {
    place("prod/url", "x");
    assertThat(read("ssm:/prod/url")).isEqualTo("x");
    assertThat(read("arn:aws:ssm:us-east-1:123456789012:parameter/prod/url")).isEqualTo("x");
    assertThat(read("vault:prod/url")).isEqualTo("x");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../outside", "a/../../outside", "a//b", ".deleted/x", "a/.", "/"})
  @DisplayName("refuses names that could leave it or touch its bookkeeping")
  void confined(String name) throws IOException {
    assertThatThrownBy(() -> read(name))
        .isInstanceOf(SecretException.InvalidRequest.class)
        .hasMessageContaining("no part of it may be empty or start with a dot");
  }

  @Test
  @DisplayName("follows a link inside, as kubelet makes them, and none that leads out")
  void links(@TempDir Path outside) throws IOException {
    Files.writeString(outside.resolve("shadow"), "not yours");
    Files.createSymbolicLink(root.resolve("out"), outside.resolve("shadow"));
    place("..2026/db", "inside");
    Files.createSymbolicLink(root.resolve("db"), Path.of("..2026/db"));
    assertThat(read("db")).isEqualTo("inside");
    assertThatThrownBy(() -> read("out"))
        .isInstanceOf(SecretException.InvalidRequest.class)
        .hasMessageContaining("is a link that leaves");
  }

  @Test
  @DisplayName("has the current version only of what was just written, and says so")
  void versions() throws IOException {
    place("db", "x");
    assertThat(read("db?stage=AWSCURRENT")).isEqualTo("x");
    assertThatThrownBy(() -> read("db?stage=AWSPREVIOUS"))
        .isInstanceOf(SecretException.NotFound.class)
        .hasMessage("there is no such version below %s: db?stage=AWSPREVIOUS", root);
    assertThatThrownBy(() -> read("db?version=11111111-1111-1111-1111-111111111111"))
        .isInstanceOf(SecretException.NotFound.class);
  }

  @Test
  @DisplayName("writes files that only their owner reads, and leaves nothing else behind")
  void permissions() throws IOException {
    new DirectorySecretStore(root).write("a/b", "x".getBytes(UTF_8), CONTEXT);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve("a/b"))))
        .isEqualTo("rw-------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve("a"))))
        .isEqualTo("rwx------");
    try (Stream<Path> all = Files.walk(root)) {
      assertThat(all.filter(Files::isRegularFile).toList())
          .containsExactlyInAnyOrder(root.resolve(".lock"), root.resolve("a/b"));
    }
  }

  @Test
  @DisplayName(
      "keeps what was deleted out of reach, and gives it up when the name is written again")
  void deletion() throws IOException {
    DirectorySecretStore store = new DirectorySecretStore(root);
    SecretReference reference = store.write("a/b", "x".getBytes(UTF_8), CONTEXT);
    store.delete(reference, CONTEXT);
    assertThatThrownBy(() -> read("a/b")).isInstanceOf(SecretException.NotFound.class);
    assertThat(root.resolve(".deleted/a/b")).hasContent("x");
    store.write("a/b", "y".getBytes(UTF_8), CONTEXT);
    assertThat(root.resolve(".deleted/a/b")).doesNotExist();
    assertThat(read("a/b")).isEqualTo("y");
  }

  @Test
  @DisplayName("refuses a value or a file over its limit, before it reads or writes")
  void limit() throws IOException {
    byte[] tooLarge = new byte[DirectorySecretStore.MAX_VALUE_BYTES + 1];
    assertThatThrownBy(() -> new DirectorySecretStore(root).write("big", tooLarge, CONTEXT))
        .isInstanceOf(SecretException.InvalidRequest.class)
        .hasMessage("the value for big has 1048577 bytes, more than the 1048576 that are allowed");
    assertThat(root.resolve("big")).doesNotExist();
    Files.write(root.resolve("big"), tooLarge);
    assertThatThrownBy(() -> read("big")).isInstanceOf(SecretException.InvalidRequest.class);
  }

  @Test
  @DisplayName("refuses a name that AWS would refuse")
  void invalidName() {
    assertThatThrownBy(() -> new DirectorySecretStore(root).write("a b", new byte[] {1}, CONTEXT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a space isn't allowed in a secret's name");
  }
}
