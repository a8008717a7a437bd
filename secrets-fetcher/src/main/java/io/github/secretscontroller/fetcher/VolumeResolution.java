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
import java.util.Objects;
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
  private ResolvedFiles published;

  /** Whether what is in the volume is known; not after a publication that was cut off. */
  private boolean certain;

  private @Nullable List<Path> seen;
  private @Nullable List<Path> failed;
  private @Nullable FetchFailure failure;
  private Instant failedSince = Instant.MAX;
  private int failures;
  private Instant retryAt = Instant.MIN;

  /**
   * What was resolved.
   *
   * @param files how many files there are
   * @param published whether anything is other than before
   * @param replaced whether something else was published before, which somebody may have read
   * @param unread the secrets that couldn't be read, whose files stay as they were
   * @param refused what newly stays as it was, since it can't be made of a new version
   */
  record Resolved(
      int files,
      boolean published,
      boolean replaced,
      Map<SecretReference, SecretException> unread,
      List<String> refused) {}

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
    this.published = new ResolvedFiles(clock);
  }

  /**
   * Reads the references and publishes what they refer to. Unless kubelet changed them, only
   * secrets are read that have a new version. What is published and is meant to be what it was, but
   * can't be read or made any more, stays and doesn't hold up the others.
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
      boolean changed = !state.equals(seen);
      results.putAll(reader.fetchAll(secrets(found, changed)));
      found.forEach((path, file) -> render(path, file, changed, results, rendering));
      Resolved outcome = publish(rendering, found.size());
      published = rendering.after;
      seen = state;
      settled();
      return outcome;
    } catch (IOException e) {
      throw new FetchFailure(
          ExitCode.WRITE_FAILED, this + " can't be read at " + references + ": " + e);
    } catch (SecretException e) {
      throw new FetchFailure(ExitCode.of(e), this + ": " + e.getMessage());
    } catch (RuntimeException e) {
      // One volume's defect must not hold up the others. Its message may hold a value.
      throw new FetchFailure(
          ExitCode.INTERNAL, this + ": internal error: " + Fetcher.withoutMessages(e));
    } finally {
      results.values().forEach(Delivery::wipe);
      rendering.files.forEach(RenderedFile::close);
      found.values().forEach(ReferenceFile::wipe);
    }
  }

  /** A file that can't be made of a version. */
  private record Refusal(String path, String version, String sentence) {}

  /** What has been made so far. */
  private final class Rendering {
    private final ResolvedFiles after = new ResolvedFiles(clock);
    private final List<RenderedFile> files = new ArrayList<>();
    private final List<String> kept = new ArrayList<>();
    private final Map<SecretReference, SecretException> unread = new HashMap<>();
    private final List<Refusal> refusals = new ArrayList<>();
    private final List<String> problems = new ArrayList<>();
    private ExitCode code = ExitCode.SUCCESS;
  }

  private Resolved publish(Rendering rendering, int files) throws FetchFailure {
    if (!rendering.problems.isEmpty()) {
      throw new FetchFailure(rendering.code, rendering.problems);
    }
    boolean earlier = resolved.isPublished();
    boolean different = !resolved.isPublished(rendering.files, rendering.kept);
    try {
      different =
          different && stopper.publish(() -> resolved.publish(rendering.files, rendering.kept));
    } finally {
      certain = !resolved.isCutOff();
    }
    List<String> news = new ArrayList<>();
    for (Refusal refusal : rendering.refusals) {
      if (rendering.after.refused(refusal.path, refusal.version, refusal.sentence)) {
        news.add(refusal.sentence);
      }
    }
    return new Resolved(files, different, different && earlier, rendering.unread, news);
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
   * Whether to resolve it: kubelet has written other references since, or it failed. Not while it
   * has to wait after a failure with the very same references.
   */
  boolean isDue() {
    List<Path> state = kubelets.state();
    if (state.equals(seen) && certain && published.areCurrent()) {
      settled();
      return false;
    }
    return (!state.equals(seen) || failure != null)
        && !(state.equals(failed) && clock.instant().isBefore(retryAt));
  }

  /**
   * It could not be resolved: waits longer after each failure with the same references.
   *
   * @return whether that is news
   */
  boolean failed(FetchFailure why, Schedule schedule) {
    Instant now = clock.instant();
    List<Path> state = kubelets.state();
    // Sentences differ each time, by the request's id.
    boolean news = failure == null || failure.code() != why.code() || !state.equals(failed);
    failures = state.equals(failed) ? failures + 1 : 1;
    failed = state;
    retryAt = now.plus(schedule.afterFailure(failures));
    failure = why;
    if (!state.equals(seen) && now.isBefore(failedSince)) {
      failedSince = now;
    }
    return news;
  }

  private void settled() {
    failed = null;
    failure = null;
    failedSince = Instant.MAX;
    failures = 0;
    retryAt = Instant.MIN;
  }

  /** What is published. */
  ResolvedFiles published() {
    return published;
  }

  /**
   * How it stands with each file that is made of a secret.
   *
   * @param watches know why secrets weren't seen
   */
  List<FileStatus> statuses(Watches watches, Duration staleness) {
    return published.statuses(
        plan.volume(),
        watches,
        staleness,
        failedSince,
        failure == null ? null : failure.oneSentence());
  }

  /** For messages. */
  @Override
  public String toString() {
    return "volume " + plan.volume();
  }

  /** Whole secrets that are to be read, each once. */
  private List<SecretReference> secrets(Map<String, ReferenceFile> found, boolean changed) {
    Set<SecretReference> secrets = new LinkedHashSet<>();
    found.forEach(
        (path, file) -> {
          SecretReference reference = file.reference();
          if (reference != null && (changed || !isKept(path, file))) {
            secrets.add(reference.whole());
          }
        });
    return List.copyOf(secrets);
  }

  /** Whether a file is as it is meant to be. */
  private boolean isKept(String path, ReferenceFile file) {
    return isKeepable(path, file) && !published.isOutdated(path);
  }

  private boolean isKeepable(String path, ReferenceFile file) {
    return certain && published.has(path, file) && resolved.isPublished(path);
  }

  private void render(
      String path,
      ReferenceFile file,
      boolean changed,
      Map<SecretReference, SecretResult> results,
      Rendering rendering) {
    SecretReference reference = file.reference();
    if (reference == null) {
      render(path, file, rendering);
      return;
    }
    if (!changed && isKept(path, file)) {
      rendering.kept.add(path);
      rendering.after.kept(path, published);
      return;
    }
    SecretResult result =
        Objects.requireNonNull(results.get(reference.whole()), "a result for each reference");
    try {
      byte[] value = value(reference, result.orThrow());
      rendering.files.add(
          plan.environment()
              ? variable(path, value, false)
              : new RenderedFile(path, file.mode(), value));
      Reading reading = Reading.of(reference.whole(), result, clock.instant());
      rendering.after.made(path, reference, file.mode(), reading);
    } catch (SecretException e) {
      if (isKeepable(path, file)) {
        rendering.kept.add(path);
        rendering.after.kept(path, published);
        rendering.unread.put(reference.whole(), e);
      } else {
        problem(rendering, ExitCode.of(e), path, e);
      }
    } catch (Unusable e) {
      if (isKeepable(path, file)) {
        rendering.kept.add(path);
        rendering.after.kept(path, published);
        String sentence = kubelets.where(path) + ": " + e.getMessage();
        rendering.refusals.add(new Refusal(path, result.orThrow().versionId(), sentence));
      } else {
        problem(rendering, ExitCode.UNUSABLE, path, e);
      }
    }
  }

  /** A file that is copied. */
  private void render(String path, ReferenceFile file, Rendering rendering) {
    byte[] value = file.content().clone();
    try {
      rendering.files.add(
          plan.environment()
              ? variable(path, value, true)
              : new RenderedFile(path, file.mode(), value));
    } catch (Unusable e) {
      problem(rendering, ExitCode.UNUSABLE, path, e);
    }
  }

  private void problem(Rendering rendering, ExitCode code, String path, Exception e) {
    rendering.code = ExitCode.graver(rendering.code, code);
    rendering.problems.add(kubelets.where(path) + ": " + e.getMessage());
  }

  private static byte[] value(SecretReference reference, SecretValue secret) throws Unusable {
    byte[] value = select(secret, reference.selector());
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
