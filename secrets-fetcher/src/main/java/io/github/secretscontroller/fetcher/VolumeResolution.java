package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.SecretDocument;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One volume of native Secrets. Kubelet has written references into it; files of the same names and
 * permissions, with what they refer to, are published into another. Not thread-safe.
 */
final class VolumeResolution {

  /** Kubelet reads these as root. */
  private static final int ENVIRONMENT_MODE = 0400;

  /** How often kubelet's files are read when they change meanwhile. */
  private static final int READS = 5;

  private final ResolvedVolume plan;
  private final Path references;
  private final ReferenceFiles kubelets;
  private final SecretVolume resolved;
  private final Stopper stopper;

  private final Clock clock;
  private Map<String, Made> made = new TreeMap<>();
  private @Nullable List<Path> seen;
  private @Nullable List<Path> failed;
  private Map<String, String> problems = Map.of();
  private @Nullable FetchFailure failure;
  private Instant failedSince = Instant.MAX;
  private int failures;
  private Instant retryAt = Instant.MIN;

  /** Where a published file comes from. */
  private record Made(SecretReference reference, int mode, Reading reading) {}

  /**
   * What was resolved.
   *
   * @param files how many files there are
   * @param published whether anything is other than before
   * @param replaced whether something else was published before, which somebody may have read
   * @param news what newly stays as it was, since it can't be read; empty if there is no news
   */
  record Resolved(int files, boolean published, boolean replaced, String news) {}

  /** As {@link SecretSource#fetchAll}. */
  interface Reader {

    Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references);
  }

  VolumeResolution(
      ResolvedVolume plan,
      Path references,
      SecretVolume resolved,
      ReferenceFiles kubelets,
      Stopper stopper,
      Clock clock) {
    this.plan = plan;
    this.references = references;
    this.kubelets = kubelets;
    this.resolved = resolved;
    this.stopper = stopper;
    this.clock = clock;
  }

  /**
   * Reads the references and publishes what they refer to. What is published already and is meant
   * to be what it was, but can't be read any more, stays and doesn't hold up the others.
   *
   * @param reader reads whole secrets
   * @throws FetchFailure if it isn't possible to publish; what was there stays
   */
  Resolved resolve(Reader reader) throws FetchFailure {
    Map<String, ReferenceFile> found = new TreeMap<>();
    Map<SecretReference, SecretResult> results = new HashMap<>();
    Rendering rendering = new Rendering();
    try {
      List<Path> state = read(found);
      results.putAll(reader.fetchAll(secrets(found)));
      found.forEach((path, file) -> render(path, file, results, rendering));
      Resolved outcome = publish(rendering, found.size());
      made = rendering.made;
      problems = rendering.problems;
      seen = state;
      settled();
      return outcome;
    } catch (IOException e) {
      throw new FetchFailure(
          ExitCode.WRITE_FAILED, this + " can't be read at " + references + ": " + e);
    } finally {
      results.values().forEach(Delivery::wipe);
      rendering.files.forEach(RenderedFile::close);
      found.values().forEach(ReferenceFile::wipe);
    }
  }

  /** What a round has made so far. */
  private static final class Rendering {
    private final List<RenderedFile> files = new ArrayList<>();
    private final Map<String, Made> made = new TreeMap<>();
    private final List<String> kept = new ArrayList<>();
    private final Map<String, String> problems = new TreeMap<>();
    private ExitCode code = ExitCode.SUCCESS;
    private boolean possible = true;
  }

  private Resolved publish(Rendering rendering, int files) throws FetchFailure {
    if (!rendering.possible) {
      throw new FetchFailure(rendering.code, List.copyOf(rendering.problems.values()));
    }
    boolean earlier = resolved.isPublished();
    boolean published =
        !resolved.isPublished(rendering.files, rendering.kept)
            && stopper.publish(() -> resolved.publish(rendering.files, rendering.kept));
    String news =
        rendering.problems.equals(problems) ? "" : String.join("; ", rendering.problems.values());
    return new Resolved(files, published, published && earlier, news);
  }

  /**
   * Reads kubelet's files, all of one state: while it puts others in their place, and removes
   * these, some may be missing already.
   *
   * @return the state
   */
  private List<Path> read(Map<String, ReferenceFile> found) throws IOException, FetchFailure {
    for (int attempt = 1; ; attempt++) {
      List<Path> state = kubelets.state();
      try {
        kubelets.read(found);
        if (kubelets.state().equals(state)) {
          return state;
        }
        if (attempt == READS) {
          throw new IOException("kubelet changes its files faster than they can be read");
        }
      } catch (IOException | UncheckedIOException | FetchFailure e) {
        if (attempt == READS || kubelets.state().equals(state)) {
          if (e instanceof UncheckedIOException walk) {
            throw walk.getCause();
          }
          throw e;
        }
      }
      found.values().forEach(ReferenceFile::wipe);
      found.clear();
    }
  }

  /**
   * Whether kubelet has written other references since; not while it has to wait after a failure
   * with the very same ones.
   */
  boolean hasChanged() {
    List<Path> state = kubelets.state();
    return !state.equals(seen) && !(state.equals(failed) && clock.instant().isBefore(retryAt));
  }

  /**
   * It could not be resolved: waits longer after each failure with the same references.
   *
   * @return whether that is news
   */
  boolean failed(FetchFailure why, Schedule schedule) {
    Instant now = clock.instant();
    List<Path> state = kubelets.state();
    boolean news = failure == null || !failure.oneSentence().equals(why.oneSentence());
    failures = state.equals(failed) ? failures + 1 : 1;
    failed = state;
    retryAt = now.plus(schedule.afterFailure(failures));
    failure = why;
    if (!state.equals(seen) && now.isBefore(failedSince)) {
      failedSince = now;
    }
    return news;
  }

  /** Its secrets are seen to be of the versions that are published. */
  void current() {
    problems = Map.of();
    if (kubelets.state().equals(seen)) {
      settled();
    }
  }

  private void settled() {
    failure = null;
    failedSince = Instant.MAX;
    failures = 0;
    retryAt = Instant.MIN;
  }

  /** Whether a file stays as it was, since it can't be read. */
  boolean isKept() {
    return !problems.isEmpty();
  }

  /** The secrets whose current version is followed, whole. */
  Set<SecretReference> followed() {
    Set<SecretReference> followed = new LinkedHashSet<>();
    for (Made file : made.values()) {
      if (file.reference.versionId() == null
          && !file.reference.scheme().equals(SecretReference.KMS)) {
        followed.add(file.reference.whole());
      }
    }
    return followed;
  }

  /** Whether a file is made of another version of a secret. */
  boolean isOutdated(SecretReference secret, String version) {
    return made.values().stream()
        .anyMatch(
            file ->
                file.reference.whole().equals(secret) && !version.equals(file.reading.versionId()));
  }

  /**
   * How it stands with each file that is made of a secret.
   *
   * @param watches know when the secrets were seen last
   */
  List<FileStatus> statuses(Watches watches, Duration staleness) {
    Instant now = clock.instant();
    List<FileStatus> statuses = new ArrayList<>();
    made.forEach(
        (path, file) -> {
          SecretReference secret = file.reference.whole();
          Instant seenAt = watches.succeededAt(secret);
          Instant checkedAt = seenAt == null || now.isBefore(seenAt) ? now : seenAt;
          checkedAt = failedSince.isBefore(checkedAt) ? failedSince : checkedAt;
          SecretException unseen = watches.failure(secret);
          String error = failure == null ? problems.get(path) : failure.oneSentence();
          error = error == null && unseen != null ? unseen.getMessage() : error;
          statuses.add(
              new FileStatus(
                  "resolved/" + plan.volume() + "/" + path,
                  List.of(file.reading),
                  resolved.isPublished(path),
                  checkedAt,
                  !checkedAt.plus(staleness).isAfter(now),
                  error));
        });
    return statuses;
  }

  /** For messages. */
  @Override
  public String toString() {
    return "volume " + plan.volume();
  }

  /** Whole secrets, each once. */
  private static List<SecretReference> secrets(Map<String, ReferenceFile> found) {
    Set<SecretReference> secrets = new LinkedHashSet<>();
    for (ReferenceFile file : found.values()) {
      if (file.reference() != null) {
        secrets.add(file.reference().whole());
      }
    }
    return List.copyOf(secrets);
  }

  private void render(
      String path,
      ReferenceFile file,
      Map<SecretReference, SecretResult> results,
      Rendering rendering) {
    SecretReference reference = file.reference();
    SecretResult result = reference == null ? null : results.get(reference.whole());
    ExitCode code;
    String problem;
    try {
      byte[] value = reference == null ? file.content().clone() : value(reference, result);
      rendering.files.add(
          plan.environment()
              ? variable(path, value, reference == null)
              : new RenderedFile(path, file.mode(), value));
      if (reference != null && result != null) {
        Reading reading = Reading.of(reference.whole(), result, clock.instant());
        rendering.made.put(path, new Made(reference, file.mode(), reading));
      }
      return;
    } catch (SecretException e) {
      code = ExitCode.of(e);
      problem = String.valueOf(e.getMessage());
    } catch (Unusable e) {
      code = ExitCode.UNUSABLE;
      problem = String.valueOf(e.getMessage());
    }
    rendering.code = ExitCode.graver(rendering.code, code);
    rendering.problems.put(path, kubelets.where(path) + ": " + problem);
    Made before = made.get(path);
    if (before != null
        && before.reference.equals(reference)
        && before.mode == file.mode()
        && resolved.isPublished(path)) {
      rendering.kept.add(path);
      rendering.made.put(path, before);
    } else {
      rendering.possible = false;
    }
  }

  private static byte[] value(SecretReference reference, @Nullable SecretResult result)
      throws Unusable {
    if (result == null) {
      throw new Unusable("nothing was read for " + reference.describe());
    }
    byte[] value = select(result.orThrow(), reference.selector());
    if (value == null) {
      throw new Unusable("there is no such key in " + reference.describe());
    }
    return value;
  }

  private static byte @Nullable [] select(SecretValue value, @Nullable String selector) {
    byte[] whole = value.revealBytes();
    if (selector == null) {
      return whole;
    }
    try {
      return SecretDocument.value(whole, SecretDocument.key(selector)).orElse(null);
    } finally {
      Arrays.fill(whole, (byte) 0);
    }
  }

  /**
   * A file for kubelet with one value.
   *
   * @param plain whether the Secret has the value itself
   */
  private static RenderedFile variable(String path, byte[] value, boolean plain) throws Unusable {
    try {
      byte[] file = EnvironmentFileFormat.render(ResolvedVolume.ENVIRONMENT_KEY, value);
      return new RenderedFile(path, ENVIRONMENT_MODE, file, true);
    } catch (Unusable e) {
      throw plain
          ? new Unusable(
              e.getMessage()
                  + ", or let secrets.k8s.aws/resolve name the native Secrets only, of which this"
                  + " is none")
          : e;
    } finally {
      Arrays.fill(value, (byte) 0);
    }
  }
}
