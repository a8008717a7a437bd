package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.ResolvedVolume.Part;
import io.github.secretscontroller.core.SecretDocument;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.WriteContext;
import io.github.secretscontroller.core.testkit.InMemorySecretSource;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Volumes of native Secrets")
class ResolvedVolumesTest {

  private static final WriteContext DB = WriteContext.of("prod", "shop", "db");
  private static final String ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-hlRvvF";

  @TempDir Path directory;
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Counters counters = new Counters();
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

  private void mount(Map<String, String> files, String mode) throws IOException {
    mount(references, files, mode);
  }

  /** As kubelet writes a Secret volume. */
  private void mount(Path references, Map<String, String> files, String mode) throws IOException {
    Files.createDirectories(references);
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
    Path link = references.resolve("..data_tmp");
    Files.createSymbolicLink(link, data.getFileName());
    Files.move(link, references.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
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

  private static InjectionPlan planOf(ResolvedVolume volume) {
    return InjectionPlan.builder().resolve(List.of(volume)).build();
  }

  private static InjectionPlan plan(boolean mixed, ReferencePattern... allowed) {
    return InjectionPlan.builder()
        .resolve(List.of(ResolvedVolume.of("db", mixed ? Part.MIXED : Part.REFERENCES)))
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
  @DisplayName("take no file of another source for a reference, whatever it holds")
  void verbatim() throws IOException {
    SecretReference stored = stage("canary-3".getBytes(UTF_8), new byte[] {'b'});
    String password = stored.withSelector("password").toString();
    mount(references.resolve("0"), Map.of("arn", ARN, "both", "first"), "rw-r--r--");
    mount(references.resolve("1"), Map.of("password", password, "both", password), "r--r-----");
    mount(references.resolve("2"), Map.of("copy", password), "rw-r--r--");
    InjectionPlan plan =
        planOf(
            new ResolvedVolume("db", List.of(Part.VERBATIM, Part.REFERENCES, Part.MIXED), false));
    assertThat(run(plan)).as(err.toString(UTF_8)).isEqualTo(ExitCode.SUCCESS);
    assertThat(resolved.resolve("arn")).hasContent(ARN);
    assertThat(resolved.resolve("password")).hasContent("canary-3");
    // The later source, as in a projected volume.
    assertThat(resolved.resolve("both")).hasContent("canary-3");
    assertThat(resolved.resolve("copy")).hasContent("canary-3");
  }

  @Test
  @DisplayName("give nothing to others where the webhook opened a file for the fetcher")
  void opened() throws IOException {
    SecretReference stored = stage("canary-4".getBytes(UTF_8), new byte[] {'b'});
    mount(Map.of("password", stored.withSelector("password").toString()), "r--r--rw-");
    assertThat(run(plan(false))).isEqualTo(ExitCode.SUCCESS);
    assertThat(Files.getPosixFilePermissions(resolved.resolve("password").toRealPath()))
        .isEqualTo(PosixFilePermissions.fromString("r--r-----"));
  }

  @Test
  @DisplayName("can be variables: a regular file for kubelet from each key")
  void variables() throws IOException {
    SecretReference stored = stage("canary \"5\"\nä".getBytes(UTF_8), new byte[] {'b'});
    mount(
        Map.of("db/password", stored.withSelector("password").toString(), "plain/user", "somebody"),
        "rw-r--r--");
    assertThat(run(planOf(new ResolvedVolume("db", List.of(Part.MIXED), true))))
        .as(err.toString(UTF_8))
        .isEqualTo(ExitCode.SUCCESS);
    Path file = resolved.resolve("db/password");
    assertThat(file).hasContent("value='canary \"5\"\nä'\n");
    assertThat(Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)).isTrue();
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("r--------"));
    assertThat(resolved.resolve("plain/user")).hasContent("value='somebody'\n");
  }

  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          c2F5ICdjYW5hcnkn,         has a single quote
          Y2FuYXJ5DQo=,             has a line that ends in CR LF
          Y2FuYXJ5AA==,             has a NUL
          '',                       is empty
          Y2FuYXJ5/w==,             isn't UTF-8 text
          """)
  @DisplayName("can't be variables with a value that kubelet could not read")
  void uncarried(String base64, String reason) throws IOException {
    byte[] value = Base64.getDecoder().decode(base64);
    SecretReference stored = stage(value, new byte[] {'b'});
    mount(Map.of("db/password", stored.withSelector("password").toString()), "rw-r--r--");
    assertThat(run(planOf(new ResolvedVolume("db", List.of(Part.REFERENCES), true))))
        .isEqualTo(ExitCode.UNUSABLE);
    assertThat(err.toString(UTF_8))
        .contains(
            "the variable from key password of Secret db: can't become an environment variable:"
                + " the value "
                + reason)
        .contains("; mount the Secret as a volume")
        .doesNotContain("canary", "the native Secrets only");
  }

  @Test
  @DisplayName("can't be variables with such a plain value either, and there is another way out")
  void uncarriedPlain() throws IOException {
    mount(Map.of("plain/motto", "it's canary"), "rw-r--r--");
    assertThat(run(planOf(new ResolvedVolume("db", List.of(Part.MIXED), true))))
        .isEqualTo(ExitCode.UNUSABLE);
    assertThat(err.toString(UTF_8))
        .contains(
            "key motto of Secret plain",
            "mount the Secret as a volume, or let secrets.k8s.aws/resolve name the native Secrets"
                + " only")
        .doesNotContain("canary");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "prod/shop/db/k8s",
        "prod/shop/db/k8s#password",
        "prod/shop/db/k8s?stage=AWSPREVIOUS#password",
        "https://canary.example/db?version=3",
        "prod/shop/db/k8s?stage=AWSCURRENT#password and more"
      })
  @DisplayName("take for a reference nothing that a value may be as well")
  void noReferences(String text) throws IOException {
    stage("value".getBytes(UTF_8), new byte[] {'b'});
    mount(Map.of("password", text), "rw-r--r--");
    assertThat(run(plan(true))).isEqualTo(ExitCode.SUCCESS);
    assertThat(resolved.resolve("password")).hasContent(text);
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

  private ResolvedVolumes volumes(InjectionPlan plan, MovableClock clock) {
    return new ResolvedVolumes(
        plan,
        directory,
        new Schedule(plan.refresh().interval(), new Random(7)),
        clock,
        new Stopper(),
        EventLog.plain(new PrintStream(err, true, UTF_8)),
        counters);
  }

  /** A round; returns whether anything was published. */
  private static boolean round(ResolvedVolumes volumes, SecretSource source) {
    return volumes.round(source, new VersionQuestions(source, Runnable::run)).published();
  }

  @Test
  @DisplayName("wait for a backend that is too busy when the pod starts")
  void throttled() throws Exception {
    InMemorySecretSource source = new InMemorySecretSource();
    SecretReference reference = SecretReference.parse(ARN);
    source.put(reference.name(), "one".getBytes(UTF_8));
    AtomicInteger reads = new AtomicInteger();
    SecretSource busy =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretReference asked) {
            if (reads.incrementAndGet() == 1) {
              throw new SecretException.Unavailable(asked, "slower, please", null, true);
            }
            return source.fetch(asked);
          }

          @Override
          public String currentVersion(SecretReference asked) {
            return source.currentVersion(asked);
          }
        };
    mount(Map.of("token", ARN), "rw-r--r--");
    volumes(plan(false), new MovableClock()).deliver(busy);
    assertThat(resolved.resolve("token")).hasContent("one");
    assertThat(reads).hasValue(2);
  }

  @Test
  @DisplayName("follow kubelet's edits, and the current version of what names none")
  void followed() throws Exception {
    MovableClock clock = new MovableClock();
    InMemorySecretSource source = new InMemorySecretSource();
    String name = SecretReference.parse(ARN).name();
    source.put(name, "one".getBytes(UTF_8));
    mount(Map.of("token", ARN), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);
    assertThat(resolved.resolve("token")).hasContent("one");

    source.put(name, "two".getBytes(UTF_8));
    clock.advance(Duration.ofSeconds(10));
    assertThat(round(volumes, source)).isFalse();
    clock.advance(Duration.ofMinutes(5));
    assertThat(round(volumes, source)).isTrue();
    assertThat(resolved.resolve("token")).hasContent("two");

    mount(Map.of("token", ARN, "more", ARN), "rw-r--r--");
    clock.advance(Duration.ofSeconds(10));
    assertThat(round(volumes, source)).isTrue();
    assertThat(resolved.resolve("more")).hasContent("two");
    clock.advance(Duration.ofSeconds(10));
    assertThat(round(volumes, source)).isFalse();
  }

  @Test
  @DisplayName("follow a mere name where it says that the current version is meant")
  void followedName() throws Exception {
    MovableClock clock = new MovableClock();
    SecretReference first = stage("one".getBytes(UTF_8), new byte[] {'b'});
    String followed = first.name() + "?stage=AWSCURRENT#password";
    mount(Map.of("password", followed), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(store);
    assertThat(resolved.resolve("password")).hasContent("one");

    store.promote(stage("two".getBytes(UTF_8), new byte[] {'b'}), DB);
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, store)).isTrue();
    assertThat(resolved.resolve("password")).hasContent("two");
  }

  @Test
  @DisplayName("read an edited Secret's references at the versions that they name")
  void editedPins() throws Exception {
    MovableClock clock = new MovableClock();
    SecretReference first = stage("one".getBytes(UTF_8), new byte[] {'b'});
    SecretReference second = stage("two".getBytes(UTF_8), new byte[] {'b'});
    mount(Map.of("password", first.withSelector("password").toString()), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(store);

    // What is current doesn't matter to them.
    store.promote(second, DB);
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, store)).isFalse();
    mount(Map.of("password", second.withSelector("password").toString()), "rw-r--r--");
    clock.advance(Duration.ofSeconds(6));
    assertThat(round(volumes, store)).isTrue();
    assertThat(resolved.resolve("password")).hasContent("two");

    mount(Map.of("password", first.withSelector("password").toString()), "rw-r--r--");
    clock.advance(Duration.ofSeconds(6));
    assertThat(round(volumes, store)).isTrue();
    assertThat(resolved.resolve("password")).hasContent("one");
  }

  @Test
  @DisplayName("stay as they were when an edit brings what the operator doesn't allow")
  void editedToForbidden() throws Exception {
    MovableClock clock = new MovableClock();
    SecretReference first = stage("one".getBytes(UTF_8), new byte[] {'b'});
    mount(Map.of("password", first.withSelector("password").toString()), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false, new ReferencePattern("prod/shop/*")), clock);
    volumes.deliver(store);

    mount(Map.of("password", ARN), "rw-r--r--");
    clock.advance(Duration.ofSeconds(6));
    assertThat(round(volumes, store)).isFalse();
    assertThat(resolved.resolve("password")).hasContent("one");
    assertThat(err.toString(UTF_8))
        .contains("volume db stays as it was: password of volume db: the operator doesn't allow");
  }

  /** Kubelet's files, which change while they are read for the first time. */
  private final class Swapped extends ReferenceFiles {

    private final InjectionPlan plan;
    private final Map<String, String> files;
    private final boolean vanishes;
    private boolean swapped;

    Swapped(InjectionPlan plan, Map<String, String> files, boolean vanishes) {
      super(plan.resolve().get(0), references, new ReferenceCheck(plan));
      this.plan = plan;
      this.files = files;
      this.vanishes = vanishes;
    }

    @Override
    void read(Map<String, ReferenceFile> found) throws IOException, FetchFailure {
      if (swapped) {
        super.read(found);
        return;
      }
      swapped = true;
      // It removes the old ones when the new ones are in place; the walk sees what is left.
      Files.delete(references.resolve("..data/password").toRealPath());
      super.read(found);
      mount(files, "rw-r--r--");
      if (vanishes) {
        throw new UncheckedIOException(new NoSuchFileException("..generation-0"));
      }
    }

    VolumeResolution resolution() {
      SecretVolume published = new SecretVolume(resolved, new MovableClock());
      return new VolumeResolution(
          plan.resolve().get(0), references, published, this, new Stopper(), new MovableClock());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("are read again when kubelet changes them meanwhile: no file is missing")
  void changedMeanwhile(boolean vanishes) throws Exception {
    SecretReference first = stage("one".getBytes(UTF_8), new byte[] {'b'});
    SecretReference second = stage("two".getBytes(UTF_8), new byte[] {'c'});
    mount(references(first), "rw-r--r--");
    VolumeResolution resolution =
        new Swapped(plan(false), references(second), vanishes).resolution();
    assertThat(resolution.resolve(store::fetchAll).files()).isEqualTo(2);
    assertThat(resolved.resolve("password")).hasContent("two");
    assertThat(resolved.resolve("store.jks")).hasContent("c");
    assertThat(resolution.isDue()).isFalse();
  }

  private static Map<String, String> references(SecretReference stored) {
    return Map.of(
        "password", stored.withSelector("password").toString(),
        "store.jks", stored.withSelector("\"store.jks\"").toString());
  }

  @Test
  @DisplayName("that can't be read are asked for ever less often, until kubelet changes them again")
  void backsOff() throws Exception {
    MovableClock clock = new MovableClock();
    InMemorySecretSource source = new InMemorySecretSource();
    source.put(SecretReference.parse(ARN).name(), "one".getBytes(UTF_8));
    mount(Map.of("token", ARN), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);

    AtomicInteger reads = new AtomicInteger();
    SecretSource denying =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretReference asked) {
            reads.incrementAndGet();
            throw new SecretException.AccessDenied(asked, "no", null);
          }

          @Override
          public String currentVersion(SecretReference asked) {
            return source.currentVersion(asked);
          }
        };
    mount(Map.of("token", ARN, "more", ARN), "rw-r--r--");
    // An hour of looks: with no pause there would be 720.
    for (int i = 0; i < 720; i++) {
      clock.advance(Duration.ofSeconds(5));
      assertThat(round(volumes, denying)).isFalse();
    }
    assertThat(reads).hasValueBetween(2, 200);

    int before = reads.get();
    mount(Map.of("token", ARN, "other", ARN), "rw-r--r--");
    clock.advance(Duration.ofSeconds(5));
    assertThat(round(volumes, source)).isTrue();
    assertThat(resolved.resolve("other")).hasContent("one");
    assertThat(reads).hasValue(before);
  }

  private static final String OTHER =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:y-hlRvvF";

  /** A source whose secrets can be taken away, and that counts. */
  private static final class Moody implements SecretSource {

    private final InMemorySecretSource secrets = new InMemorySecretSource();
    private final AtomicInteger questions = new AtomicInteger();
    private final AtomicInteger reads = new AtomicInteger();
    private String unanswered = "";
    private String unreadable = "";

    void put(String arn, String value) {
      secrets.put(SecretReference.parse(arn).name(), value.getBytes(UTF_8));
    }

    @Override
    public SecretValue fetch(SecretReference asked) {
      reads.incrementAndGet();
      if (asked.toString().equals(unreadable)) {
        throw new SecretException.Unavailable(asked, asked.describe() + ": not now", null);
      }
      return secrets.fetch(asked);
    }

    @Override
    public String currentVersion(SecretReference asked) {
      questions.incrementAndGet();
      if (asked.toString().equals(unanswered)) {
        throw new SecretException.NotFound(asked, asked.describe() + ": gone", null);
      }
      return secrets.currentVersion(asked);
    }
  }

  private FileStatus status(ResolvedVolumes volumes, String file) {
    return volumes.statuses().stream()
        .filter(status -> status.path().equals("resolved/db/" + file))
        .findFirst()
        .orElseThrow();
  }

  @Test
  @DisplayName("are told of in the status file, by the volume's and the file's name")
  void statusFile() throws IOException {
    SecretReference stored = stage("canary-6".getBytes(UTF_8), new byte[] {'b'});
    mount(Map.of("db/password", stored.withSelector("password").toString()), "rw-r--r--");
    assertThat(run(plan(false))).isEqualTo(ExitCode.SUCCESS);
    JsonNode status =
        new ObjectMapper().readTree(directory.resolve("volume/.status.json").toFile());
    JsonNode file = status.get("files").get(0);
    assertThat(file.get("path").textValue()).isEqualTo("resolved/db/db/password");
    assertThat(file.get("secret").textValue()).startsWith("prod/shop/db/k8s");
    assertThat(file.get("versionId").textValue()).isEqualTo(stored.versionId());
    assertThat(file.get("stale").booleanValue()).isFalse();
    assertThat(status.toString()).doesNotContain("canary");
  }

  @Test
  @DisplayName(
      "bring the rotation of one secret although another one is gone, which keeps its file")
  void independent() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    source.put(OTHER, "other");
    mount(Map.of("token", ARN, "other", OTHER), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);

    source.put(ARN, "two");
    source.unanswered = OTHER;
    source.unreadable = OTHER;
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, source)).isTrue();
    assertThat(resolved.resolve("token")).hasContent("two");
    assertThat(resolved.resolve("other")).hasContent("other");
    assertThat(status(volumes, "token").error()).isNull();
    assertThat(status(volumes, "other").error()).contains("gone");
    assertThat(counters.failedRefreshes).hasValue(1);

    source.unanswered = "";
    source.unreadable = "";
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, source)).isFalse();
    assertThat(status(volumes, "other").error()).isNull();
  }

  @Test
  @DisplayName("are stale when their secret wasn't seen for too long, and those of others aren't")
  void stale() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    source.put(OTHER, "other");
    mount(Map.of("token", ARN, "other", OTHER), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);
    Instant delivered = clock.instant();

    source.unanswered = OTHER;
    for (int minute = 0; minute < 20; minute++) {
      clock.advance(Duration.ofMinutes(1));
      round(volumes, source);
    }
    assertThat(status(volumes, "token").stale()).isFalse();
    FileStatus other = status(volumes, "other");
    assertThat(other.stale()).isTrue();
    assertThat(other.checkedAt()).isEqualTo(delivered);
    assertThat(other.error()).contains("gone");
    assertThat(err.toString(UTF_8).lines().filter(line -> line.contains("gone"))).hasSize(1);
  }

  @Test
  @DisplayName("are stale when an edit couldn't be resolved for too long, until it is taken back")
  void staleEdit() throws Exception {
    MovableClock clock = new MovableClock();
    SecretReference first = stage("one".getBytes(UTF_8), new byte[] {'b'});
    String reference = first.withSelector("password").toString();
    mount(Map.of("password", reference), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false, new ReferencePattern("prod/shop/*")), clock);
    volumes.deliver(store);
    Path before = Files.readSymbolicLink(references.resolve("..data"));

    mount(Map.of("password", ARN), "rw-r--r--");
    for (int i = 0; i < 240; i++) {
      clock.advance(Duration.ofSeconds(5));
      assertThat(round(volumes, store)).isFalse();
    }
    assertThat(status(volumes, "password").stale()).isTrue();
    assertThat(status(volumes, "password").error()).contains("the operator doesn't allow " + ARN);
    assertThat(err.toString(UTF_8).lines().filter(line -> line.contains(ARN))).hasSize(1);

    Files.delete(references.resolve("..data"));
    Files.createSymbolicLink(references.resolve("..data"), before);
    clock.advance(Duration.ofSeconds(5));
    assertThat(round(volumes, store)).isFalse();
    assertThat(status(volumes, "password").stale()).isFalse();
    assertThat(status(volumes, "password").error()).isNull();
  }

  @Test
  @DisplayName("try a new version that can't be read again soon, ever less often")
  void retries() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    mount(Map.of("token", ARN), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);

    source.put(ARN, "two");
    source.unreadable = ARN;
    clock.advance(Duration.ofMinutes(5));
    assertThat(round(volumes, source)).isFalse();
    assertThat(resolved.resolve("token")).hasContent("one");
    assertThat(status(volumes, "token").error()).contains("not now");
    int reads = source.reads.get();
    // An hour of looks: each retry waits longer, at most an interval.
    for (int i = 0; i < 720; i++) {
      clock.advance(Duration.ofSeconds(5));
      assertThat(round(volumes, source)).isFalse();
    }
    assertThat(source.reads.get() - reads).isBetween(12, 60);

    source.unreadable = "";
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, source)).isTrue();
    assertThat(resolved.resolve("token")).hasContent("two");
    assertThat(status(volumes, "token").error()).isNull();
  }

  @Test
  @DisplayName("keep the last good file when a new version lacks its key, and bring the other keys")
  void lostKey() throws Exception {
    MovableClock clock = new MovableClock();
    SecretReference first = stage("one".getBytes(UTF_8), new byte[] {'b'});
    String followed = first.name() + "?stage=AWSCURRENT#";
    mount(
        Map.of("password", followed + "password", "keystore", followed + "\"store.jks\""),
        "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(store);

    byte[] document = SecretDocument.encode(new TreeMap<>(Map.of("password", new byte[] {'2'})));
    store.promote(store.stage("prod/shop/db/k8s", document, DB), DB);
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, store)).isTrue();
    assertThat(resolved.resolve("password")).hasContent("2");
    assertThat(resolved.resolve("keystore")).hasContent("b");
    assertThat(err.toString(UTF_8))
        .contains("keeping the last good version of keystore of volume db: there is no such key");
    pass(volumes, store, Duration.ofHours(1), clock);
    assertThat(status(volumes, "keystore").error()).contains("there is no such key");
    assertThat(status(volumes, "keystore").stale()).isFalse();
    assertThat(status(volumes, "password").error()).isNull();
    assertThat(status(volumes, "password").stale()).isFalse();
    assertThat(err.toString(UTF_8).lines().filter(line -> line.contains("no such key"))).hasSize(1);

    store.promote(stage("three".getBytes(UTF_8), new byte[] {'c'}), DB);
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, store)).isTrue();
    assertThat(resolved.resolve("keystore")).hasContent("c");
    assertThat(status(volumes, "keystore").error()).isNull();
  }

  /** A volume beside the usual one; returns where kubelet writes its references. */
  private Path secondVolume(Map<String, String> files) throws IOException {
    Path second = directory.resolve("references/second");
    Files.createDirectories(directory.resolve("resolved/second"));
    mount(second, files, "rw-r--r--");
    return second;
  }

  private static InjectionPlan planOf(String... volumes) {
    return InjectionPlan.builder()
        .resolve(
            Stream.of(volumes).map(volume -> ResolvedVolume.of(volume, Part.REFERENCES)).toList())
        .build();
  }

  /** Rounds of five seconds each. */
  private static void pass(
      ResolvedVolumes volumes, SecretSource source, Duration duration, MovableClock clock) {
    for (long i = 0; i < duration.toSeconds() / 5; i++) {
      clock.advance(Duration.ofSeconds(5));
      round(volumes, source);
    }
  }

  @Test
  @DisplayName("read a secret for each of its versions once, whatever becomes of the others")
  void reads() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "{\"a\":\"1\",\"b\":\"2\"}");
    source.put(OTHER, "other");
    mount(Map.of("a", ARN + "#a", "b", ARN + "#b", "other", OTHER), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);
    assertThat(source.reads).hasValue(2);

    source.put(ARN, "{\"a\":\"3\"}");
    pass(volumes, source, Duration.ofHours(1), clock);
    assertThat(source.reads).hasValue(3);
    assertThat(resolved.resolve("a")).hasContent("3");
    assertThat(resolved.resolve("b")).hasContent("2");
  }

  @Test
  @DisplayName("are as fresh as they are, whatever edit of another volume can't be resolved")
  void twoVolumes() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    mount(Map.of("token", ARN), "rw-r--r--");
    Path second = secondVolume(Map.of("token", ARN));
    ResolvedVolumes volumes = volumes(planOf("db", "second"), clock);
    volumes.deliver(source);

    mount(second, Map.of("token", ARN, "missing", OTHER), "rw-r--r--");
    source.put(ARN, "two");
    pass(volumes, source, Duration.ofHours(1), clock);
    assertThat(resolved.resolve("token")).hasContent("two");
    assertThat(status(volumes, "token").stale()).isFalse();
    assertThat(directory.resolve("resolved/second/token")).hasContent("one");
    assertThat(volumes.statuses())
        .filteredOn(status -> status.path().equals("resolved/second/token"))
        .singleElement()
        .matches(FileStatus::stale)
        .satisfies(status -> assertThat(status.error()).contains("missing of volume second"));
  }

  @Test
  @DisplayName("are told of once for each reason, although each message names another request")
  void toldOnce() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    mount(Map.of("token", ARN), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);

    AtomicInteger requests = new AtomicInteger();
    SecretSource denying =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretReference asked) {
            throw new SecretException.AccessDenied(
                asked, "no; request id " + requests.incrementAndGet(), null);
          }

          @Override
          public String currentVersion(SecretReference asked) {
            return source.currentVersion(asked);
          }
        };
    source.put(ARN, "two");
    pass(volumes, denying, Duration.ofHours(1), clock);
    mount(Map.of("token", ARN, "more", OTHER), "rw-r--r--");
    pass(volumes, denying, Duration.ofHours(1), clock);
    assertThat(requests).hasValueGreaterThan(10);
    assertThat(err.toString(UTF_8).lines().filter(line -> line.contains("WARN"))).hasSize(2);
  }

  @Test
  @DisplayName("aren't kept after a publication that was cut off: nobody knows what is there")
  void cutOff() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    source.put(OTHER, "other");
    InjectionPlan plan = planOf(new ResolvedVolume("db", List.of(Part.REFERENCES), true));
    mount(Map.of("db/token", ARN), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan, clock);
    volumes.deliver(source);
    Path before = Files.readSymbolicLink(references.resolve("..data"));

    Path inTheWay = Files.createDirectories(resolved.resolve("..file_tmp/x")).getParent();
    mount(Map.of("db/token", OTHER), "rw-r--r--");
    clock.advance(Duration.ofSeconds(5));
    assertThat(round(volumes, source)).isFalse();
    assertThat(resolved.resolve("db/token")).hasContent("value='one'");
    assertThat(counters.publicationFailures).hasValue(1);

    Files.delete(references.resolve("..data"));
    Files.createSymbolicLink(references.resolve("..data"), before);
    Files.delete(inTheWay.resolve("x"));
    Files.delete(inTheWay);
    source.unreadable = ARN;
    pass(volumes, source, Duration.ofMinutes(20), clock);
    assertThat(resolved.resolve("db/token")).hasContent("value='one'");
    assertThat(status(volumes, "db/token").error()).contains("not now");
    source.unreadable = "";
    pass(volumes, source, Duration.ofMinutes(6), clock);
    assertThat(resolved.resolve("..data/db/token")).hasContent("value='one'");
    assertThat(status(volumes, "db/token").error()).isNull();
  }

  @Test
  @DisplayName("are published again by a process started anew where the one before left something")
  void leftovers() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    mount(Map.of("token", ARN), "rw-r--r--");
    volumes(plan(false), clock).deliver(source);
    Path leftover = Files.createDirectory(resolved.resolve("..1234567890123"));
    Files.writeString(leftover.resolve("removed"), "an older value");
    Files.createSymbolicLink(resolved.resolve("removed"), Path.of("..data/removed"));

    volumes(plan(false), clock).deliver(source);
    assertThat(leftover).doesNotExist();
    assertThat(resolved.resolve("removed")).doesNotExist();
    assertThat(Files.isSymbolicLink(resolved.resolve("removed"))).isFalse();
  }

  @Test
  @DisplayName("ask for versions at times that are spread over the interval")
  void spread() throws Exception {
    Set<Instant> looks = new HashSet<>();
    for (int pod = 0; pod < 20; pod++) {
      MovableClock clock = new MovableClock();
      Moody source = new Moody();
      source.put(ARN, "one");
      if (pod == 0) {
        mount(Map.of("token", ARN), "rw-r--r--");
      }
      ResolvedVolumes volumes =
          new ResolvedVolumes(
              plan(false),
              directory,
              new Schedule(Duration.ofMinutes(5), new Random(pod)),
              clock,
              new Stopper(),
              EventLog.plain(new PrintStream(err, true, UTF_8)),
              counters);
      volumes.deliver(source);
      while (source.questions.get() == 0) {
        clock.advance(Duration.between(clock.instant(), volumes.nextDue()));
        round(volumes, source);
      }
      looks.add(clock.instant());
    }
    assertThat(looks).hasSizeGreaterThan(15);
  }

  @Test
  @DisplayName("are left alone by a process started anew, unless they are others now")
  void startedAnew() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    mount(Map.of("token", ARN), "rw-r--r--");
    assertThat(volumes(plan(false), clock).deliver(source)).isFalse();
    Path generation = Files.readSymbolicLink(resolved.resolve("..data"));

    assertThat(volumes(plan(false), clock).deliver(source)).isFalse();
    assertThat(Files.readSymbolicLink(resolved.resolve("..data"))).isEqualTo(generation);

    source.put(ARN, "two");
    assertThat(volumes(plan(false), clock).deliver(source)).isTrue();
    assertThat(resolved.resolve("token")).hasContent("two");
  }

  @Test
  @DisplayName("arrive after a publication that failed, although another secret is gone")
  void writeFailure() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    source.put(OTHER, "other");
    mount(Map.of("token", ARN, "other", OTHER), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);
    source.unanswered = OTHER;
    source.unreadable = OTHER;
    Path inTheWay = Files.createDirectories(resolved.resolve("..data_tmp/x")).getParent();
    source.put(ARN, "two");
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, source)).isFalse();
    assertThat(counters.publicationFailures).hasValue(1);
    Files.delete(inTheWay.resolve("x"));
    Files.delete(inTheWay);
    pass(volumes, source, Duration.ofHours(2), clock);
    assertThat(resolved.resolve("token")).hasContent("two");
  }

  @Test
  @DisplayName(
      "arrive after a publication that failed, although the new version lacks a key of another")
  void writeFailureAndLostKey() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "{\"a\":\"1\",\"b\":\"2\"}");
    mount(Map.of("a", ARN + "#a", "b", ARN + "#b"), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);
    Path inTheWay = Files.createDirectories(resolved.resolve("..data_tmp/x")).getParent();
    source.put(ARN, "{\"a\":\"3\"}");
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, source)).isFalse();
    Files.delete(inTheWay.resolve("x"));
    Files.delete(inTheWay);
    int reads = source.reads.get();
    pass(volumes, source, Duration.ofHours(2), clock);
    assertThat(resolved.resolve("a")).hasContent("3");
    assertThat(source.reads.get() - reads).isEqualTo(1);
  }

  @Test
  @DisplayName("that are variables arrive after a publication that was cut off and one that failed")
  void cutOffTwice() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    InjectionPlan plan = planOf(new ResolvedVolume("db", List.of(Part.REFERENCES), true));
    mount(Map.of("db/token", ARN), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan, clock);
    volumes.deliver(source);
    Path a = Files.createDirectories(resolved.resolve("..file_tmp/x")).getParent();
    source.put(ARN, "two");
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, source)).isFalse();
    Path b = Files.createDirectories(resolved.resolve("..data_tmp/x")).getParent();
    pass(volumes, source, Duration.ofMinutes(6), clock);
    for (Path p : List.of(a, b)) {
      Files.delete(p.resolve("x"));
      Files.delete(p);
    }
    pass(volumes, source, Duration.ofHours(1), clock);
    assertThat(resolved.resolve("db/token")).hasContent("value='two'");
  }

  @Test
  @DisplayName(
      "that are variables disappear with their keys, also after a publication that was cut off")
  void cutOffAndRemoved() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    source.put(OTHER, "other");
    InjectionPlan plan = planOf(new ResolvedVolume("db", List.of(Part.REFERENCES), true));
    mount(Map.of("db/token", ARN, "db/other", OTHER), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan, clock);
    volumes.deliver(source);
    Path a = Files.createDirectories(resolved.resolve("..file_tmp/x")).getParent();
    source.put(ARN, "two");
    clock.advance(Duration.ofMinutes(6));
    assertThat(round(volumes, source)).isFalse();
    Files.delete(a.resolve("x"));
    Files.delete(a);
    mount(Map.of("db/other", OTHER), "rw-r--r--");
    pass(volumes, source, Duration.ofHours(1), clock);
    assertThat(resolved.resolve("db/token")).doesNotExist();
    mount(Map.of("db/other", OTHER, "db/token", ARN), "rw-r--r--");
    pass(volumes, source, Duration.ofHours(1), clock);
    assertThat(resolved.resolve("db/token")).hasContent("value='two'");
  }

  @Test
  @DisplayName(
      "that can't be made of a version are told of when that is published, whatever was before")
  void refusedLater() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "{\"a\":\"1\",\"b\":\"2\"}");
    mount(Map.of("a", ARN + "#a", "b", ARN + "#b"), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);
    source.put(ARN, "{\"a\":\"3\"}");
    mount(Map.of("a", ARN + "#a", "b", ARN + "#b", "c", OTHER), "rw-r--r--");
    pass(volumes, source, Duration.ofMinutes(20), clock);
    source.put(OTHER, "other");
    pass(volumes, source, Duration.ofMinutes(20), clock);
    assertThat(resolved.resolve("a")).hasContent("3");
    assertThat(err.toString(UTF_8)).contains("keeping the last good version of b");
  }

  @Test
  @DisplayName("aren't told to be readable again before they were read")
  void notReadYet() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    mount(Map.of("token", ARN), "rw-r--r--");
    ResolvedVolumes volumes = volumes(plan(false), clock);
    volumes.deliver(source);
    Path before = Files.readSymbolicLink(references.resolve("..data"));
    source.put(ARN, "two");
    source.unreadable = ARN;
    clock.advance(Duration.ofMinutes(6));
    round(volumes, source);
    mount(Map.of("token", ARN, "more", OTHER), "rw-r--r--");
    pass(volumes, source, Duration.ofMinutes(10), clock);
    Files.delete(references.resolve("..data"));
    Files.createSymbolicLink(references.resolve("..data"), before);
    pass(volumes, source, Duration.ofSeconds(10), clock);
    assertThat(status(volumes, "token").error()).contains("not now");
    assertThat(err.toString(UTF_8)).doesNotContain("can be read again");
  }

  @Test
  @DisplayName("of one volume arrive whatever defect a source has with those of another")
  void defect() throws Exception {
    MovableClock clock = new MovableClock();
    Moody source = new Moody();
    source.put(ARN, "one");
    mount(Map.of("token", ARN), "rw-r--r--");
    Path second = secondVolume(Map.of("token", ARN));
    ResolvedVolumes volumes = volumes(planOf("db", "second"), clock);
    volumes.deliver(source);
    AtomicInteger defects = new AtomicInteger();
    SecretSource defective =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretReference asked) {
            if (asked.toString().equals(OTHER)) {
              defects.incrementAndGet();
              throw new IllegalStateException("defect");
            }
            return source.fetch(asked);
          }

          @Override
          public String currentVersion(SecretReference asked) {
            return source.currentVersion(asked);
          }
        };
    mount(Map.of("token", ARN, "more", OTHER), "rw-r--r--");
    mount(second, Map.of("token", ARN, "more", ARN), "rw-r--r--");
    for (int i = 0; i < 720; i++) {
      clock.advance(Duration.ofSeconds(5));
      round(volumes, defective);
    }
    assertThat(defects).hasValueBetween(10, 60);
    assertThat(status(volumes, "token").stale()).isTrue();
    assertThat(status(volumes, "token").error())
        .contains("volume db: internal error: java.lang.IllegalStateException at ");
    assertThat(directory.resolve("resolved/second/more")).hasContent("one");
  }
}
