package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What other processes see of a volume, on a real tmpfs where there is one. */
@DisplayName("Publication, seen from another process,")
class PublicationIT {

  private static final Path SHM = Path.of("/dev/shm");
  private static final int FILES = 8;

  @TempDir Path directory;
  private Path root;

  @BeforeEach
  void volume() throws IOException {
    root =
        Files.isWritable(SHM)
            ? Files.createTempDirectory(SHM, "publication-it")
            : Files.createDirectory(directory.resolve("volume"));
    Files.setPosixFilePermissions(root, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @AfterEach
  void removeVolume() throws IOException {
    VolumeFiles.deleteTree(root);
  }

  private static List<String> names() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < FILES; i++) {
      names.add(i % 2 == 0 ? "file" + i : "dir/file" + i);
    }
    return names;
  }

  /** A content that tells whether it is complete, and which publication it is of. */
  private static String content(int lines, int publication) {
    return (lines + " of publication " + publication + "\n").repeat(lines);
  }

  @Test
  @DisplayName("shows no torn set and no partial file through a thousand rotations")
  void thousandRotations() throws Exception {
    SecretVolume volume = new SecretVolume(root, Clock.systemUTC());
    publish(volume, 0);
    Process reader = reader();
    try (BufferedReader said =
        new BufferedReader(new InputStreamReader(reader.getInputStream(), UTF_8))) {
      assertThat(said.readLine()).isEqualTo("reading");
      for (int i = 1; i <= 1000 && reader.isAlive(); i++) {
        publish(volume, i);
      }
      reader.getOutputStream().write('\n');
      reader.getOutputStream().close();
      String result = said.readLine();
      assertThat(reader.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(reader.exitValue()).as(result).isZero();
      assertThat(result).matches("read [0-9]{2,} sets of [0-9]+ publications");
    } finally {
      reader.destroyForcibly();
    }
    assertThat(root.resolve("file0")).hasContent(content(500, 1000).stripTrailing());
  }

  private Process reader() throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                Path.of(
                        VolumeReader.class
                            .getProtectionDomain()
                            .getCodeSource()
                            .getLocation()
                            .toURI())
                    .toString(),
                VolumeReader.class.getName(),
                root.toString()));
    command.addAll(names());
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static void publish(SecretVolume volume, int publication) throws FetchFailure {
    List<RenderedFile> files = new ArrayList<>();
    for (String name : names()) {
      files.add(new RenderedFile(name, 0444, content(500, publication).getBytes(UTF_8)));
    }
    volume.publish(files);
  }

  @Nested
  @DisplayName("when the fetcher is killed at random moments,")
  class Killed {

    private static final int KILLS = 20;
    private static final int LINES = 2000;

    @Test
    @DisplayName("is all of one publication or nothing, and the next run repairs it")
    void kills() throws Exception {
      Path secrets = Files.createDirectory(directory.resolve("secrets"));
      Launched.Launcher launcher = launcher(secrets);
      long seed = System.nanoTime();
      Random random = new Random(seed);
      int midway = 0;
      for (int i = 1; i <= KILLS; i++) {
        write(secrets, i);
        try (Launched fetcher = launcher.start("init")) {
          // Every third at any moment of its life, the others just when it begins to write.
          if (i % 3 == 0) {
            LockSupport.parkNanos(random.nextInt(600_000_000));
          } else {
            awaitGeneration(fetcher);
            LockSupport.parkNanos(random.nextInt(4_000_000));
          }
          midway += fetcher.process.isAlive() ? 1 : 0;
          fetcher.process.destroyForcibly().waitFor();
        }
        assertWhole("seed " + seed + ", kill " + i);
      }
      assertThat(midway).as("killed before the end").isPositive();

      write(secrets, KILLS + 1);
      assertThat(launcher.run("init").exitCode()).isZero();
      assertThat(root.resolve("file0")).hasContent(content(LINES, KILLS + 1).stripTrailing());
      assertThat(root.resolve("env/app"))
          .content()
          .isEqualTo("SHOP='" + ("publication " + (KILLS + 1) + " ").repeat(LINES) + "'\n");
      assertThat(entries().filter(name -> name.matches("\\.\\.[0-9]+"))).hasSize(1);
      assertThat(entries())
          .filteredOn(name -> !name.matches("\\.\\.[0-9]+"))
          .containsExactlyInAnyOrder(
              "..data", ".status.json", "dir", "env", "file0", "file2", "file4", "file6");
    }

    private Launched.Launcher launcher(Path secrets) {
      StringBuilder files = new StringBuilder();
      for (String name : names()) {
        files.append("{\"secret\": \"s\", \"path\": \"").append(name).append("\"}, ");
      }
      files.append("{\"secret\": \"e\", \"path\": \"env/app\", \"env\": {\"SHOP\": \"shop\"}}");
      return new Launched.Launcher(directory)
          .with("SECRETS_ROOT", root.toString())
          .with("SECRETS_SOURCE", "directory:" + secrets)
          .with("SECRETS_PLAN", "{\"version\": 1, \"files\": [" + files + "]}");
    }

    private void write(Path secrets, int publication) throws IOException {
      Launched.put(secrets.resolve("s"), content(LINES, publication));
      String line = "publication " + publication + " ";
      Launched.put(secrets.resolve("e"), "{\"shop\": \"" + line.repeat(LINES) + "\"}");
    }

    /** Waits until a generation is being written that isn't the current one. */
    private void awaitGeneration(Launched fetcher) throws IOException {
      Path data = root.resolve("..data");
      String current = Files.isSymbolicLink(data) ? Files.readSymbolicLink(data).toString() : "";
      while (fetcher.process.isAlive()
          && entries().noneMatch(n -> n.matches("\\.\\.[0-9]+") && !n.equals(current))) {
        Thread.onSpinWait();
      }
    }

    private Stream<String> entries() throws IOException {
      try (Stream<Path> entries = Files.list(root)) {
        return entries.map(path -> path.getFileName().toString()).toList().stream();
      }
    }

    private void assertWhole(String when) throws IOException {
      if (!Files.exists(root.resolve("..data"))) {
        assertThat(names()).as(when).noneMatch(name -> Files.exists(root.resolve(name)));
        return;
      }
      List<String> first = new ArrayList<>();
      for (String name : names()) {
        String content = Files.readString(root.resolve(name));
        assertThat(content).as(when).endsWith("\n");
        List<String> lines = content.lines().toList();
        assertThat(lines).as(when + ", " + name).hasSize(LINES).containsOnly(lines.get(0));
        first.add(lines.get(0));
      }
      assertThat(first.stream().distinct()).as(when).hasSize(1);
      assertWholeEnvironment(when, first.get(0));
    }

    /** It comes right after the others, so it may still be the one of the publication before. */
    private void assertWholeEnvironment(String when, String line) throws IOException {
      int publication = Integer.parseInt(line.substring(line.lastIndexOf(' ') + 1));
      Path environment = root.resolve("env/app");
      if (VolumeFiles.exists(environment)) {
        assertThat(Files.isRegularFile(environment, LinkOption.NOFOLLOW_LINKS)).as(when).isTrue();
        List<String> whole = new ArrayList<>();
        for (int i = 1; i <= publication; i++) {
          whole.add("SHOP='" + ("publication " + i + " ").repeat(LINES) + "'\n");
        }
        assertThat(whole).as(when).contains(Files.readString(environment));
      }
    }
  }

  @Nested
  @DisplayName("when the fetcher runs as root,")
  class Owned {

    private static final int USER = 12_345;
    private static final int GROUP = 23_456;

    @Test
    @DisplayName("belongs to the user and group of the volume, who can read a mode of 0400")
    void given() throws Exception {
      Assumptions.assumeTrue(
          Integer.valueOf(0).equals(Files.getAttribute(directory, "unix:uid")),
          "only root may give a file to another user");
      Path secrets = Files.createDirectory(directory.resolve("secrets"));
      Files.writeString(secrets.resolve("s"), "{\"key\": \"value\"}");
      Files.setAttribute(root, "unix:gid", GROUP);
      Files.setAttribute(root, "unix:uid", USER);
      Launched fetcher =
          new Launched.Launcher(directory)
              .with("SECRETS_ROOT", root.toString())
              .with("SECRETS_SOURCE", "directory:" + secrets)
              .with(
                  "SECRETS_PLAN",
                  """
                  {"version": 1, "files": [
                   {"secret": "s", "path": "file", "mode": "0400"},
                   {"secret": "s", "path": "deep/er/file", "mode": "0400"},
                   {"secret": "s", "path": "keys", "keys": [], "mode": "0400"},
                   {"secret": "s", "path": "env/app", "env": {"KEY": "key"}, "mode": "0400"}]}
                  """)
              .run("init");
      assertThat(fetcher.exitCode()).as(fetcher.err()).isZero();

      for (String name : List.of("file", "deep/er/file", "keys/key", "env/app")) {
        Path path = root.resolve(name).toRealPath();
        assertThat(Files.getAttribute(path, "unix:uid")).as(name).isEqualTo(USER);
        assertThat(Files.getAttribute(path, "unix:gid")).as(name).isEqualTo(GROUP);
        assertThat(Files.getPosixFilePermissions(path.getParent()))
            .as("the way to " + name)
            .contains(PosixFilePermission.OTHERS_EXECUTE);
      }
      assertThat(Files.getPosixFilePermissions(root.resolve("file")))
          .isEqualTo(PosixFilePermissions.fromString("r--------"));
    }
  }

  @Nested
  @DisplayName("when the volume is full,")
  class Full {

    private Launched.Launcher launcher(Path volume) throws IOException {
      Path secrets = Files.createDirectory(directory.resolve("secrets"));
      Files.writeString(secrets.resolve("small"), "s".repeat(1000));
      Files.writeString(secrets.resolve("large"), "l".repeat(300_000));
      return new Launched.Launcher(directory)
          .with("SECRETS_ROOT", volume.toString())
          .with("SECRETS_SOURCE", "directory:" + secrets)
          .with(
              "SECRETS_PLAN",
              "{\"version\": 1, \"files\": [{\"secret\": \"small\", \"path\": \"a\"},"
                  + " {\"secret\": \"large\", \"path\": \"b\"}]}");
    }

    @Test
    @DisplayName("ends with 6 half-way, and leaves what was published before and nothing else")
    void limitOfFiles() throws Exception {
      // A limit on the size of a file is to the fetcher as a volume that ends there.
      publishOld();
      Launched fetcher =
          launcher(root).below("/bin/sh", "-c", "ulimit -f 200; exec \"$@\"", "sh").run("init");

      assertThat(fetcher.exitCode()).as(fetcher.err()).isEqualTo(6);
      assertThat(fetcher.err()).contains("ERROR can't write to the volume " + root);
      assertThat(root.resolve("a")).hasContent("old");
      try (Stream<Path> entries = Files.list(root)) {
        assertThat(entries).hasSize(3);
      }
    }

    private void publishOld() throws FetchFailure {
      new SecretVolume(root, Clock.systemUTC())
          .publish(List.of(new RenderedFile("a", 0444, "old".getBytes(UTF_8))));
    }

    @Test
    @DisplayName("does the same on a tmpfs that is smaller than the secret")
    void smallTmpfs() throws Exception {
      Launched fetcher = onTmpfs("size=128k", "true");
      assertThat(fetcher.exitCode()).as(fetcher.err()).isEqualTo(6);
      assertThat(fetcher.err()).contains("No space left on device");
      assertThat(fetcher.out()).as("left in the volume").isEmpty();
    }

    @Test
    @DisplayName("ends with 6 as well if it is mounted read-only")
    void readOnly() throws Exception {
      Launched fetcher = onTmpfs("size=2m", "mount -o remount,ro '" + root + "'");
      assertThat(fetcher.exitCode()).as(fetcher.err()).isEqualTo(6);
      assertThat(fetcher.err()).contains("can't write to the volume", "Read-only file system");
      assertThat(fetcher.out()).as("left in the volume").isEmpty();
    }

    /** Runs the fetcher on a file system of its own, and then lists what is there. */
    private Launched onTmpfs(String options, String before) throws Exception {
      assumeMountsPermitted();
      String script =
          "mount -t tmpfs -o %s none '%s' && %s && { \"$@\"; code=$?; ls -A '%s'; exit $code; }"
              .formatted(options, root, before, root);
      return launcher(root).below("unshare", "--mount", "/bin/sh", "-c", script, "sh").run("init");
    }

    private void assumeMountsPermitted() throws Exception {
      Process probe =
          new ProcessBuilder("unshare", "--mount", "mount", "-t", "tmpfs", "none", root.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      Assumptions.assumeTrue(
          probe.waitFor() == 0, "this user may not mount; the test above shows the same");
    }
  }
}
