package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The secret volume")
class SecretVolumeTest {

  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochMilli(1795531291123L), ZoneOffset.UTC);

  @TempDir Path root;

  private static RenderedFile file(String path, String content) {
    return new RenderedFile(path, 0444, content.getBytes(UTF_8));
  }

  private void publish(RenderedFile... files) throws FetchFailure {
    new SecretVolume(root, CLOCK).publish(List.of(files));
  }

  private String refusal(RenderedFile... files) {
    FetchFailure failure = catchThrowableOfType(FetchFailure.class, () -> publish(files));
    assertThat(failure).isNotNull();
    assertThat(failure.code()).isEqualTo(ExitCode.WRITE_FAILED);
    return failure.oneSentence();
  }

  /** Names at the root, and where the links among them lead. */
  private Map<String, String> layout() throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      Map<String, String> layout = new TreeMap<>();
      for (Path entry : entries.toList()) {
        layout.put(
            entry.getFileName().toString(),
            Files.isSymbolicLink(entry)
                ? Files.readSymbolicLink(entry).toString()
                : Files.isDirectory(entry) ? "directory" : "file");
      }
      return layout;
    }
  }

  @Nested
  @DisplayName("when files are published")
  class Publishing {

    @Test
    @DisplayName("holds one generation, one link to it, and a link for each name at its top")
    void structure() throws Exception {
      publish(file("db/user", "u"), file("db/password", "p"), file("token", "t"));

      assertThat(layout())
          .isEqualTo(
              Map.of(
                  "..1795531291123", "directory",
                  "..data", "..1795531291123",
                  "db", "..data/db",
                  "token", "..data/token"));
      assertThat(root.resolve("db/password")).hasContent("p");
      assertThat(root.resolve("db/user")).hasContent("u");
      assertThat(root.resolve("token")).hasContent("t");
    }

    @Test
    @DisplayName("gives each file its mode, whatever the process's umask takes away")
    void modes() throws Exception {
      publish(
          new RenderedFile("open", 0444, new byte[1]),
          new RenderedFile("group", 0660, new byte[1]),
          new RenderedFile("owner", 0400, new byte[1]),
          new RenderedFile("d/script", 0775, new byte[1]));

      assertThat(permissions("open")).isEqualTo("r--r--r--");
      assertThat(permissions("group")).isEqualTo("rw-rw----");
      assertThat(permissions("owner")).isEqualTo("r--------");
      assertThat(permissions("d/script")).isEqualTo("rwxrwxr-x");
      assertThat(permissions("d")).isEqualTo("rwxr-xr-x");
      assertThat(permissions("..data")).isEqualTo("rwxr-xr-x");
    }

    private String permissions(String path) throws IOException {
      return PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve(path)));
    }

    @Test
    @DisplayName("keeps every byte")
    void bytes() throws Exception {
      byte[] all = new byte[256 * 300];
      for (int i = 0; i < all.length; i++) {
        all[i] = (byte) i;
      }
      publish(
          new RenderedFile("all", 0444, all.clone()), new RenderedFile("none", 0444, new byte[0]));

      assertThat(root.resolve("all")).hasBinaryContent(all);
      assertThat(root.resolve("none")).isEmptyFile();
    }

    @Test
    @DisplayName("drops the earlier generation, and the names that are no longer published")
    void replaces() throws Exception {
      publish(file("a", "1"), file("old/b", "1"));
      publish(file("a", "2"), file("new/c", "2"));

      assertThat(layout())
          .isEqualTo(
              Map.of(
                  "..1795531291124", "directory",
                  "..data", "..1795531291124",
                  "a", "..data/a",
                  "new", "..data/new"));
      assertThat(root.resolve("a")).hasContent("2");
    }

    @Test
    @DisplayName(
        "never gives a generation a name again, though the clock stands still or goes back")
    void namesOnce() throws Exception {
      for (int i = 0; i < 4; i++) {
        publish(file("a", "publication " + i));
        assertThat(Files.readSymbolicLink(root.resolve("..data")))
            .hasToString(".." + (1795531291123L + i));
      }
      Clock earlier = Clock.offset(CLOCK, Duration.ofDays(-1));
      new SecretVolume(root, earlier).publish(List.of(file("a", "later")));
      assertThat(Files.readSymbolicLink(root.resolve("..data"))).hasToString("..1795531291127");
    }

    @Test
    @DisplayName("clears away what a killed process left, but nothing of anybody else")
    void leftovers() throws Exception {
      Files.createDirectories(root.resolve("..1795531290000/half"));
      Files.writeString(root.resolve("..1795531290000/half/written"), "x");
      Files.createSymbolicLink(root.resolve("..data_tmp"), Path.of("..1795531290000"));
      Files.createSymbolicLink(root.resolve("gone"), Path.of("..data/gone"));
      Files.createSymbolicLink(root.resolve("theirs"), Path.of("/no/such/file"));
      Files.createDirectory(root.resolve("..theirs"));
      Files.writeString(root.resolve("notes"), "x");

      publish(file("a", "1"));

      assertThat(layout().keySet())
          .containsExactly("..1795531291123", "..data", "..theirs", "a", "notes", "theirs");
    }

    @Test
    @DisplayName("can be empty, when all files were optional")
    void nothing() throws Exception {
      publish(file("a", "1"));
      publish();

      assertThat(layout().keySet()).containsExactly("..1795531291124", "..data");
    }
  }

  @Nested
  @DisplayName("refuses, and changes nothing,")
  class Refusing {

    @Test
    @DisplayName("when a file of the application has a planned name")
    void foreignFile() throws Exception {
      Files.writeString(root.resolve("token"), "theirs");

      assertThat(refusal(file("a", "1"), file("token", "ours")))
          .contains(root.resolve("token") + " exists already");
      assertThat(layout()).isEqualTo(Map.of("token", "file"));
      assertThat(root.resolve("token")).hasContent("theirs");
    }

    @Test
    @DisplayName("when a link that leads elsewhere has a planned name")
    void foreignLink(@TempDir Path elsewhere) throws Exception {
      Files.createSymbolicLink(root.resolve("token"), elsewhere.resolve("target"));
      Files.createSymbolicLink(root.resolve("db"), elsewhere);

      assertThat(refusal(file("token", "ours"))).contains("token exists already");
      assertThat(refusal(file("db/password", "ours"))).contains("db exists already");
      assertThat(elsewhere).isEmptyDirectory();
    }

    @Test
    @DisplayName("when something that is no link stands where ..data belongs")
    void foreignData() throws Exception {
      Files.createDirectory(root.resolve("..data"));

      assertThat(refusal(file("a", "1"))).contains("..data is in the way");
      assertThat(layout()).isEqualTo(Map.of("..data", "directory"));
    }

    @Test
    @DisplayName("when there is no volume")
    void missing() throws Exception {
      FetchFailure failure =
          catchThrowableOfType(
              FetchFailure.class,
              () -> new SecretVolume(root.resolve("no"), CLOCK).publish(List.of(file("a", "1"))));

      assertThat(failure.oneSentence()).contains(root.resolve("no") + " is no directory");
      assertThat(layout()).isEmpty();
    }

    @Test
    @DisplayName("when writing fails half-way, and what was visible before still is")
    void failsHalfWay() throws Exception {
      publish(file("a", "1"), file("b", "1"));
      Map<String, String> before = layout();

      // The second name has one byte more than a file system takes.
      String tooLong = "x".repeat(256);
      assertThat(refusal(file("a", "2"), file("new", "2"), file(tooLong, "2")))
          .contains("can't write to the volume " + root);

      assertThat(layout()).isEqualTo(before);
      assertThat(root.resolve("a")).hasContent("1");
    }
  }

  @Test
  @DisplayName("never writes through a ..data that leads out of the volume")
  void hostileData(@TempDir Path elsewhere) throws Exception {
    Files.writeString(elsewhere.resolve("a"), "theirs");
    Files.createSymbolicLink(root.resolve("..data"), elsewhere);
    Files.createSymbolicLink(root.resolve("..1795531291123"), elsewhere);

    publish(file("a", "ours"));

    assertThat(root.resolve("a")).hasContent("ours");
    assertThat(elsewhere.resolve("a")).hasContent("theirs");
    assertThat(root.resolve("..data").toRealPath(LinkOption.NOFOLLOW_LINKS).getParent())
        .isEqualTo(root.toRealPath());
    assertThat(Files.readSymbolicLink(root.resolve("..data"))).hasToString("..1795531291124");
  }

  @Test
  @DisplayName("wipes the content of a rendered file that is closed")
  void wipes() {
    byte[] content = "secret".getBytes(UTF_8);
    RenderedFile rendered = new RenderedFile("a", 0444, content);
    rendered.close();

    assertThat(content).isEqualTo(new byte[6]);
    assertThat(rendered.toString()).isEqualTo("RenderedFile[a, 6 bytes]");
  }

  /** Does something once, after all checks and before anything is written. */
  private static Clock meddling(Runnable once) {
    return new Clock() {
      private boolean done;

      @Override
      public long millis() {
        if (!done) {
          done = true;
          once.run();
        }
        return CLOCK.millis();
      }

      @Override
      public Instant instant() {
        return CLOCK.instant();
      }

      @Override
      public ZoneId getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(ZoneId zone) {
        throw new UnsupportedOperationException();
      }
    };
  }

  private static Path deep(Path from) {
    Path deep = from;
    for (int i = 0; i < 14; i++) {
      deep = deep.resolve("x".repeat(200));
    }
    return deep;
  }

  @Test
  @DisplayName("counts files as published when only what was there before can't be removed")
  void leftOver() throws Exception {
    Path old = root.resolve("..1111111111");
    Path lower = root.resolve("lower");
    Clock clock =
        meddling(
            () -> {
              try {
                // Too long a path for anybody to walk.
                Files.createDirectories(deep(lower));
                Files.createDirectories(deep(old));
                Files.move(lower, deep(old).resolve("lower"));
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    List<String> warnings = new ArrayList<>();
    SecretVolume volume = new SecretVolume(root, clock, warnings::add);

    volume.publish(List.of(file("a", "1")));

    assertThat(root.resolve("a")).hasContent("1");
    assertThat(warnings).singleElement().asString().startsWith("the files are published, but not");
    Files.move(deep(old).resolve("lower"), root.resolve("lower"));
    volume.publish(List.of(file("a", "2")));
    assertThat(old).doesNotExist();
    assertThat(warnings).hasSize(1);
  }

  @Test
  @DisplayName("counts nothing as published while a file beside it can't be shown")
  void notShown() throws Exception {
    Path obstacle = root.resolve("..file_tmp/x");
    Clock clock =
        meddling(
            () -> {
              try {
                Files.createDirectories(obstacle);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    SecretVolume volume = new SecretVolume(root, clock);
    RenderedFile linked = file("a", "1");
    RenderedFile alone = new RenderedFile("env/app", 0444, "A=1".getBytes(UTF_8), true);
    assertThat(
            catchThrowableOfType(FetchFailure.class, () -> volume.publish(List.of(linked, alone))))
        .isNotNull();
    assertThat(volume.isPublished("a", List.of(linked))).isFalse();

    Files.delete(obstacle);
    volume.publish(List.of(linked, alone));
    assertThat(volume.isPublished("a", List.of(linked))).isTrue();
    assertThat(root.resolve("env/app")).hasContent("A=1");
  }
}
