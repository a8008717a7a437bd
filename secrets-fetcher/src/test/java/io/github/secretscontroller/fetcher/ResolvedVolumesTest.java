package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

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
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
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
        plan, directory, clock, new Stopper(), EventLog.plain(new PrintStream(err, true, UTF_8)));
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
    assertThat(volumes.round(store)).isTrue();
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
    assertThat(volumes.round(store)).isFalse();
    mount(Map.of("password", second.withSelector("password").toString()), "rw-r--r--");
    clock.advance(Duration.ofSeconds(6));
    assertThat(volumes.round(store)).isTrue();
    assertThat(resolved.resolve("password")).hasContent("two");

    mount(Map.of("password", first.withSelector("password").toString()), "rw-r--r--");
    clock.advance(Duration.ofSeconds(6));
    assertThat(volumes.round(store)).isTrue();
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
    assertThat(volumes.round(store)).isFalse();
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
          plan.resolve().get(0), references, published, this, new Stopper());
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
    assertThat(resolution.resolve(store::fetchAll)).isEqualTo(2);
    assertThat(resolved.resolve("password")).hasContent("two");
    assertThat(resolved.resolve("store.jks")).hasContent("c");
    assertThat(resolution.hasChanged(Instant.EPOCH)).isFalse();
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
      assertThat(volumes.round(denying)).isFalse();
    }
    assertThat(reads).hasValueBetween(2, 200);

    int before = reads.get();
    mount(Map.of("token", ARN, "other", ARN), "rw-r--r--");
    clock.advance(Duration.ofSeconds(5));
    assertThat(volumes.round(source)).isTrue();
    assertThat(resolved.resolve("other")).hasContent("one");
    assertThat(reads).hasValue(before);
  }
}
