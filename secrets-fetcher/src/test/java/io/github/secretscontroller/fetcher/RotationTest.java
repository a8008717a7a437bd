package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.testkit.InMemorySecretSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("The refresh of a sidecar")
class RotationTest {

  private static final Duration INTERVAL = Refresh.DEFAULT.interval();

  @TempDir Path root;
  private final InMemorySecretSource source = new InMemorySecretSource();

  private static SecretReference secret(String name) {
    return SecretReference.parse(name);
  }

  private static InjectionPlan plan(SecretFile... files) {
    return InjectionPlan.of(List.of(files));
  }

  private static SecretFile file(String name) {
    return SecretFile.of(secret(name), name);
  }

  private void put(String name, String value) {
    source.put(name, value.getBytes(UTF_8));
  }

  private SecretException down(String name) {
    return new SecretException.Unavailable(secret(name), name + " is down", null);
  }

  private List<String> callsAfter(int earlier) {
    return source.calls().subList(earlier, source.calls().size());
  }

  /** Inodes and times of everything but the status, links included. */
  private Map<String, Object> footprint() throws IOException {
    Map<String, Object> footprint = new TreeMap<>();
    try (var walk = Files.walk(root)) {
      for (Path path : walk.filter(Files::isRegularFile).toList()) {
        if (!path.endsWith(".status.json")) {
          BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class);
          footprint.put(
              root.relativize(path).toString(),
              attributes.fileKey() + " " + attributes.lastModifiedTime());
        }
      }
    }
    return footprint;
  }

  @Nested
  @DisplayName("when nothing changed")
  class Unchanged {

    @Test
    @DisplayName("asks for one version per distinct secret, reads nothing, and touches no file")
    void quiet() throws Exception {
      put("db", "1");
      put("key", "1");
      Pod pod =
          new Pod(
              root,
              plan(
                  file("db"),
                  SecretFile.of(secret("db?stage=AWSCURRENT"), "again"),
                  SecretFile.of(secret("db"), "db2"),
                  file("key")),
              source);
      Map<String, Object> before = footprint();
      int earlier = source.calls().size();

      assertThat(pod.next()).isFalse();

      assertThat(callsAfter(earlier))
          .containsExactlyInAnyOrder("currentVersion db", "currentVersion key");
      assertThat(footprint()).isEqualTo(before);
      assertThat(pod.counters.unchangedRefreshes).hasValue(1);
    }

    @Test
    @DisplayName("looks first within one interval, and then every interval, ten per cent around it")
    void schedule() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db")), source);
      var start = pod.clock.instant();
      pod.next();
      assertThat(Duration.between(start, pod.clock.instant())).isLessThan(INTERVAL);
      for (int i = 0; i < 100; i++) {
        var before = pod.clock.instant();
        pod.next();
        assertThat(Duration.between(before, pod.clock.instant()))
            .isBetween(
                INTERVAL.multipliedBy(9).dividedBy(10), INTERVAL.multipliedBy(11).dividedBy(10));
      }
      assertThat(source.calls()).filteredOn("fetch db"::equals).hasSize(1);
    }

    @Test
    @DisplayName("never asks for a version that was named by its id")
    void pinned() throws Exception {
      put("db", "1");
      String version = source.currentVersion(secret("db"));
      put("other", "1");
      Pod pod =
          new Pod(
              root,
              plan(SecretFile.of(secret("db?version=" + version), "db"), file("other")),
              source);
      int earlier = source.calls().size();
      put("db", "2");

      assertThat(pod.pass(INTERVAL.multipliedBy(5))).isZero();

      assertThat(callsAfter(earlier)).isNotEmpty().containsOnly("currentVersion other");
      assertThat(root.resolve("db")).hasContent("1");
    }

    @Test
    @DisplayName("tells in the status when it looked last")
    void status() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db")), source);
      String first = pod.statusFile().at("/files/0/checkedAt").asText();
      String generation = pod.generation();
      pod.next();

      assertThat(pod.generation()).isEqualTo(generation);
      assertThat(pod.statusFile().at("/files/0/checkedAt").asText()).isGreaterThan(first);
      assertThat(pod.statusFile().at("/files/0/credentials").asText()).isEqualTo("test keys");
      assertThat(pod.statusFile().at("/files/0/fetchedAt").asText()).isEqualTo(first);
    }
  }

  @Nested
  @DisplayName("when a secret gets a new version")
  class Changed {

    @Test
    @DisplayName(
        "reads that one only, and publishes it beside the others, which stay the same files")
    void publishes() throws Exception {
      put("db", "1");
      put("key", "1");
      Pod pod = new Pod(root, plan(file("db"), file("key")), source);
      Object key = Files.readAttributes(root.resolve("key"), BasicFileAttributes.class).fileKey();
      int earlier = source.calls().size();
      put("db", "2");

      assertThat(pod.next()).isTrue();

      assertThat(callsAfter(earlier)).containsOnlyOnce("fetch db").doesNotContain("fetch key");
      assertThat(root.resolve("db")).hasContent("2");
      assertThat(root.resolve("key")).hasContent("1");
      assertThat(Files.readAttributes(root.resolve("key"), BasicFileAttributes.class).fileKey())
          .isEqualTo(key);
      assertThat(pod.statusFile().at("/files/0/versionId").asText())
          .isEqualTo(source.currentVersion(secret("db")));
      assertThat(pod.next()).isFalse();
    }

    @Test
    @DisplayName("publishes two that changed together in one generation")
    void together() throws Exception {
      put("user", "1");
      put("password", "1");
      Pod pod = new Pod(root, plan(file("user"), file("password")), source);
      put("user", "2");
      put("password", "2");

      assertThat(pod.pass(INTERVAL.multipliedBy(3))).isEqualTo(1);
      assertThat(root.resolve("user")).hasContent("2");
      assertThat(root.resolve("password")).hasContent("2");
    }

    @Test
    @DisplayName("publishes nothing if the content is the same")
    void sameContent() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db")), source);
      Map<String, Object> before = footprint();
      put("db", "1");

      assertThat(pod.pass(INTERVAL.multipliedBy(2))).isZero();
      assertThat(footprint()).isEqualTo(before);
      assertThat(pod.statusFile().at("/files/0/versionId").asText())
          .isEqualTo(source.currentVersion(secret("db")));
      assertThat(source.calls()).filteredOn("fetch db"::equals).hasSize(2);
    }

    @Test
    @DisplayName("keeps a file whose secret can't be read then, and publishes it when it can")
    void readFails() throws Exception {
      put("db", "1");
      put("key", "1");
      Pod pod = new Pod(root, plan(file("db"), file("key")), source);
      put("db", "2");
      put("key", "2");
      source.failWith("db", down("db"));

      assertThat(pod.next()).isTrue();
      assertThat(root.resolve("db")).hasContent("1");
      assertThat(root.resolve("key")).hasContent("2");
      assertThat(pod.status("db").error()).contains("db is down");

      source.failWith("db", null);
      assertThat(pod.next()).isTrue();
      assertThat(root.resolve("db")).hasContent("2");
      assertThat(pod.status("db").error()).isNull();
    }

    @Test
    @DisplayName("brings back what somebody removed from the volume")
    void lost() throws Exception {
      put("db", "1");
      put("key", "1");
      Pod pod = new Pod(root, plan(file("db"), file("key")), source);
      Files.delete(root.resolve("..data/key"));
      put("db", "2");
      pod.next();

      assertThat(root.resolve("key")).hasContent("1");
    }
  }

  @Nested
  @DisplayName("when a look fails")
  class Failing {

    @Test
    @DisplayName("keeps the last good value and looks again before the next round, by itself")
    void backOff() throws Exception {
      put("db", "1");
      put("key", "1");
      Pod pod = new Pod(root, plan(file("db"), file("key")), source);
      source.failWith("db", down("db"));
      pod.next();
      int earlier = source.calls().size();
      var before = pod.clock.instant();

      pod.next();

      assertThat(Duration.between(before, pod.clock.instant()))
          .isLessThanOrEqualTo(INTERVAL.dividedBy(8));
      assertThat(callsAfter(earlier)).containsExactly("currentVersion db");
      assertThat(root.resolve("db")).hasContent("1");
    }

    @Test
    @DisplayName("backs off to the interval, and no further")
    void bounded() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db")), source);
      source.failWith("db", down("db"));
      int earlier = source.calls().size();
      pod.pass(INTERVAL.multipliedBy(100));

      assertThat(callsAfter(earlier)).hasSizeBetween(100, 350);
    }

    @Test
    @DisplayName("leaves a denial to the next round, since no retry heals it")
    void denied() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db")), source);
      source.failWith("db", new SecretException.AccessDenied(secret("db"), "db is denied", null));
      int earlier = source.calls().size();
      pod.pass(INTERVAL.multipliedBy(20));

      assertThat(callsAfter(earlier)).hasSizeBetween(18, 23);
      assertThat(root.resolve("db")).hasContent("1");
    }

    @Test
    @DisplayName("never lets one secret hold up another")
    void others() throws Exception {
      put("db", "1");
      put("key", "1");
      Pod pod = new Pod(root, plan(file("db"), file("key")), source);
      source.failWith("db", down("db"));
      put("key", "2");
      pod.next();

      assertThat(root.resolve("key")).hasContent("2");
    }

    @Test
    @DisplayName("asks for all versions at the same time, so that a slow one delays no other")
    void concurrent() throws Exception {
      List<SecretFile> files = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        put("s" + i, "1");
        files.add(file("s" + i));
      }
      ExecutorService threads = Executors.newFixedThreadPool(4);
      try {
        Pod pod = new Pod(root, InjectionPlan.of(files), source, threads);
        put("s3", "2");
        assertThat(pod.next()).isTrue();
        assertThat(root.resolve("s3")).hasContent("2");
      } finally {
        threads.shutdownNow();
      }
    }

    @Test
    @DisplayName("warns once, and repeats that only to those who debug")
    void warnsOnce() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db")), source);
      source.failWith("db", down("db"));
      pod.pass(INTERVAL.multipliedBy(5));

      assertThat(pod.logged("WARN"))
          .containsExactly("WARN keeping what was published of db is down");
      assertThat(pod.logged("DEBUG")).hasSizeGreaterThan(3);

      source.failWith("db", null);
      pod.pass(INTERVAL.multipliedBy(2));
      assertThat(pod.logged("INFO")).contains("INFO db can be read again");
    }

    @Test
    @DisplayName("keeps the file of a secret that was deleted, and reports it")
    void deleted() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db").withOptional(true)), source);
      source.remove("db");
      pod.pass(INTERVAL.multipliedBy(2));

      assertThat(root.resolve("db")).hasContent("1");
      assertThat(pod.statusFile().at("/files/0/error").asText()).contains("there is no secret db");
      assertThat(pod.statusFile().at("/files/0/published").asBoolean()).isTrue();
      assertThat(pod.logged("WARN")).hasSize(1);
    }

    @Test
    @DisplayName("tells that files are stale, from the bound on and until a look succeeds")
    void stale() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db")), source);
      pod.next();
      source.failWith("db", down("db"));
      Duration staleness = Refresh.DEFAULT.staleness();

      pod.pass(staleness.minusSeconds(1));
      assertThat(pod.status("db").stale()).isFalse();
      pod.pass(Duration.ofSeconds(1));
      assertThat(pod.status("db").stale()).isTrue();
      assertThat(pod.statusFile().at("/files/0/stale").asBoolean()).isTrue();

      source.failWith("db", null);
      pod.pass(INTERVAL.multipliedBy(2));
      assertThat(pod.status("db").stale()).isFalse();
    }

    @Test
    @DisplayName("keeps what was published when the volume can't be written, and goes on trying")
    void volumeFails() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db")), source);
      put("db", "2");
      // In the way of the rename that makes a generation visible.
      Files.createDirectories(root.resolve("..data_tmp/x"));
      assertThat(pod.next()).isFalse();
      assertThat(root.resolve("db")).hasContent("1");
      assertThat(pod.counters.publicationFailures).hasValue(1);

      Files.delete(root.resolve("..data_tmp/x"));
      assertThat(pod.next()).isTrue();
      assertThat(root.resolve("db")).hasContent("2");
    }
  }

  @Nested
  @DisplayName("of an optional file")
  class Optional {

    @Test
    @DisplayName("publishes it as soon as its secret exists, and finds nothing wrong before")
    void appears() throws Exception {
      put("db", "1");
      Pod pod = new Pod(root, plan(file("db"), file("maybe").withOptional(true)), source);
      assertThat(root.resolve("maybe")).doesNotExist();
      pod.pass(INTERVAL.multipliedBy(4));
      assertThat(pod.logged("WARN")).isEmpty();
      assertThat(pod.statusFile().at("/files/1/published").asBoolean(true)).isFalse();

      put("maybe", "now");
      pod.pass(INTERVAL.multipliedBy(2));
      assertThat(root.resolve("maybe")).hasContent("now");
      assertThat(root.resolve("db")).hasContent("1");
      assertThat(pod.statusFile().at("/files/1/published").asBoolean()).isTrue();
    }
  }

  @Nested
  @DisplayName("of a file that several secrets make up")
  class Composed {

    private final Set<String> unreadable = new HashSet<>();

    /** Tells all versions, but not every value. */
    private final SecretSource partly =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretReference reference) {
            if (unreadable.contains(reference.name())) {
              throw down(reference.name());
            }
            return source.fetch(reference);
          }

          @Override
          public String currentVersion(SecretReference reference) {
            return source.currentVersion(reference);
          }
        };

    private Pod pod() throws FetchFailure {
      put("db", "1");
      put("key", "1");
      SecretFile conf =
          new SecretFile(
              null,
              null,
              null,
              "conf",
              new SecretFile.Template("{{db}}{{key}}"),
              SecretFile.DEFAULT_MODE,
              false);
      return new Pod(
          root, plan(file("db").withName("db"), file("key").withName("key"), conf), partly);
    }

    private List<String> fetched(int earlier) {
      return callsAfter(earlier).stream().filter(call -> call.startsWith("fetch")).toList();
    }

    @Test
    @DisplayName("knows the version of what it published beside one that it couldn't make")
    void published() throws Exception {
      Pod pod = pod();
      String before = source.currentVersion(secret("db"));
      put("db", "2");
      unreadable.add("key");

      assertThat(pod.next()).isTrue();

      String now = source.currentVersion(secret("db"));
      assertThat(root.resolve("db")).hasContent("2");
      assertThat(pod.logged("INFO")).contains("INFO published db: db, version " + now);
      assertThat(pod.statusFile().at("/files/0/versionId").asText()).isEqualTo(now);
      assertThat(pod.status("db").error()).isNull();
      assertThat(root.resolve("conf")).hasContent("11");
      assertThat(pod.status("conf").readings()).extracting(Reading::versionId).contains(before);
      assertThat(pod.status("conf").error()).contains("key is down");
      pod.pass(Refresh.DEFAULT.staleness());
      assertThat(pod.status("db").stale()).isFalse();
      assertThat(pod.status("conf").stale()).isTrue();
      assertThat(pod.logged("WARN"))
          .containsExactly("WARN keeping the last good version of conf: key is down");
    }

    @Test
    @DisplayName("tries again by itself what it couldn't make, without asking for any version")
    void again() throws Exception {
      Pod pod = pod();
      put("db", "2");
      unreadable.add("key");
      pod.next();
      unreadable.clear();
      int earlier = source.calls().size();

      assertThat(pod.next()).isTrue();

      assertThat(callsAfter(earlier)).containsExactlyInAnyOrder("fetch db", "fetch key");
      assertThat(root.resolve("conf")).hasContent("21");
      assertThat(pod.status("conf").error()).isNull();
      assertThat(pod.status("conf").readings())
          .extracting(Reading::versionId)
          .contains(source.currentVersion(secret("db")));
      int after = source.calls().size();
      pod.pass(INTERVAL.multipliedBy(3));
      assertThat(fetched(after)).isEmpty();
    }

    @Test
    @DisplayName("makes it when the one of two changed secrets that failed turns out unchanged")
    void bothChanged() throws Exception {
      Pod pod = pod();
      put("db", "2");
      put("key", "2");
      unreadable.add("key");
      pod.next();
      assertThat(root.resolve("conf")).hasContent("11");
      unreadable.clear();

      pod.pass(INTERVAL.multipliedBy(2));

      assertThat(root.resolve("conf")).hasContent("22");
      assertThat(root.resolve("key")).hasContent("2");
    }

    @Test
    @DisplayName("goes on trying when the volume can't be written then")
    void volumeFails() throws Exception {
      Pod pod = pod();
      put("db", "2");
      unreadable.add("key");
      pod.next();
      unreadable.clear();
      Files.createDirectories(root.resolve("..data_tmp/x"));
      assertThat(pod.next()).isFalse();
      assertThat(pod.status("conf").error()).isNotNull();
      Files.delete(root.resolve("..data_tmp/x"));

      pod.pass(INTERVAL);
      assertThat(root.resolve("conf")).hasContent("21");
    }
  }

  @Nested
  @DisplayName("with a source that has a defect")
  class Defective {

    @Test
    @DisplayName("looks at the other secrets all the same, and tells nothing that it says")
    void others() throws Exception {
      put("error", "1");
      put("exception", "1");
      put("null", "1");
      put("key", "1");
      SecretSource defective =
          new SecretSource() {
            @Override
            public SecretValue fetch(SecretReference reference) {
              return source.fetch(reference);
            }

            @Override
            @SuppressWarnings("NullAway") // The defect.
            public String currentVersion(SecretReference reference) {
              return switch (reference.name()) {
                case "error" -> throw new NoClassDefFoundError("hunter2");
                case "exception" -> throw new IllegalStateException("hunter2");
                case "null" -> null;
                default -> source.currentVersion(reference);
              };
            }
          };
      Pod pod =
          new Pod(
              root, plan(file("error"), file("exception"), file("null"), file("key")), defective);
      put("key", "2");

      assertThat(pod.next()).isTrue();

      assertThat(root.resolve("key")).hasContent("2");
      assertThat(pod.status("error").error()).contains("NoClassDefFoundError");
      assertThat(pod.status("exception").error()).contains("IllegalStateException");
      assertThat(pod.status("null").error()).contains("no version");
      assertThat(pod.logged("WARN")).hasSize(3).noneMatch(line -> line.contains("hunter2"));
    }
  }
}
