package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A standalone file of a volume")
class StandaloneFilesTest {

  @TempDir Path root;

  private static RenderedFile alone(String path, String content) {
    return new RenderedFile(path, 0444, content.getBytes(UTF_8), true);
  }

  private static RenderedFile file(String path, String content) {
    return new RenderedFile(path, 0444, content.getBytes(UTF_8));
  }

  private SecretVolume volume() {
    return new SecretVolume(root, new MovableClock());
  }

  private void assertRegular(String path, String content) throws IOException {
    Path file = root.resolve(path);
    assertThat(Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)).isTrue();
    assertThat(file.toRealPath()).isEqualTo(root.toRealPath().resolve(path));
    assertThat(file).hasContent(content);
  }

  @Test
  @DisplayName("is a regular file at its own path, which no link leads to")
  void regular() throws Exception {
    volume().publish(List.of(alone("env/app", "A=1"), alone("top", "B=1"), file("db", "1")));

    assertRegular("env/app", "A=1");
    assertRegular("top", "B=1");
    assertThat(root.resolve("db")).isSymbolicLink().hasContent("1");
  }

  @Test
  @DisplayName("is replaced by the next publication, also by one of a process started anew")
  void replaced() throws Exception {
    volume().publish(List.of(alone("env/app", "A=1")));
    volume().publish(List.of(alone("env/app", "A=2")));

    assertRegular("env/app", "A=2");
  }

  @Test
  @DisplayName("stays the same file when others are published beside it")
  void kept() throws Exception {
    volume().publish(List.of(alone("env/app", "A=1"), file("db", "1")));
    Object before = Files.getAttribute(root.resolve("env/app"), "unix:ino");
    volume().publish(List.of(file("db", "2")), List.of("env/app"));

    assertRegular("env/app", "A=1");
    assertThat(Files.getAttribute(root.resolve("env/app"), "unix:ino")).isEqualTo(before);
    assertThat(root.resolve("db")).hasContent("2");
    volume().publish(List.of(alone("env/app", "A=3"), file("db", "3")));
    assertRegular("env/app", "A=3");
  }

  @Test
  @DisplayName("disappears with its directories when it is published no more")
  void removed() throws Exception {
    volume().publish(List.of(alone("env/deep/app", "A=1"), file("db", "1")));
    Files.writeString(root.resolve("env/theirs"), "x");
    volume().publish(List.of(file("db", "2")));

    assertThat(root.resolve("env/deep")).doesNotExist();
    assertThat(root.resolve("env/theirs")).exists();
  }

  @Test
  @DisplayName("never takes the place of somebody else's file or link")
  void foreign(@TempDir Path elsewhere) throws Exception {
    Files.createDirectory(root.resolve("env"));
    Files.writeString(root.resolve("env/app"), "theirs");
    Files.createSymbolicLink(root.resolve("away"), elsewhere);
    for (String path : List.of("env/app", "away/app")) {
      FetchFailure failure =
          catchThrowableOfType(
              FetchFailure.class, () -> volume().publish(List.of(alone(path, "A=1"))));
      assertThat(failure.code()).isEqualTo(ExitCode.WRITE_FAILED);
      assertThat(failure.oneSentence()).contains("exists already and isn't the fetcher's");
    }
    assertThat(root.resolve("env/app")).hasContent("theirs");
    assertThat(elsewhere).isEmptyDirectory();
  }

  @Test
  @DisplayName("is shown by the next run, if the one before was killed just before it")
  void repaired() throws Exception {
    volume().publish(List.of(alone("env/app", "A=1"), file("db", "1")));
    String old = Files.readSymbolicLink(root.resolve("..data")).toString();
    Path before = Files.createDirectory(root.resolve("..1000000000000"));
    Files.createDirectory(before.resolve("env"));
    // The state between the two renames: the new generation is current, the old file still shown.
    Files.createLink(before.resolve("env/app"), root.resolve("..data/env/app"));
    Files.delete(root.resolve(old).resolve("env/app"));
    Files.writeString(root.resolve(old).resolve("env/app"), "A=2");
    Files.createSymbolicLink(root.resolve("..file_tmp"), Path.of("nowhere"));

    volume().publish(List.of(alone("env/app", "A=3"), file("db", "3")));

    assertRegular("env/app", "A=3");
    assertThat(before).doesNotExist();
    assertThat(Files.exists(root.resolve("..file_tmp"), LinkOption.NOFOLLOW_LINKS)).isFalse();
  }

  @Test
  @DisplayName("can't share its directory with files that are led to by a link")
  void sharedDirectory() throws Exception {
    FetchFailure failure =
        catchThrowableOfType(
            FetchFailure.class,
            () -> volume().publish(List.of(alone("env/app", "A=1"), file("env/db", "1"))));
    assertThat(failure.code()).isEqualTo(ExitCode.WRITE_FAILED);
    assertThat(root).isEmptyDirectory();
  }

  @Test
  @DisplayName("counts as published only where it is shown: a process may be killed before that")
  void notShown() throws Exception {
    List<RenderedFile> files = List.of(alone("env/app", "A=1"));
    volume().publish(files);
    assertThat(volume().isPublished("env/app", files)).isTrue();
    assertThat(volume().isPublished(files, List.of())).isTrue();

    Files.delete(root.resolve("env/app"));
    assertThat(volume().isPublished("env/app", files)).isFalse();
    assertThat(volume().isPublished(files, List.of())).isFalse();
    volume().publish(files);
    assertRegular("env/app", "A=1");
  }
}
