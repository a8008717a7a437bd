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

  private @Nullable List<Path> seen;
  private @Nullable List<Path> failed;
  private int failures;
  private Instant retryAt = Instant.MIN;
  private Map<SecretReference, String> versions = new HashMap<>();

  /** As {@link SecretSource#fetchAll}. */
  interface Reader {

    Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references);
  }

  VolumeResolution(
      ResolvedVolume plan,
      Path references,
      SecretVolume resolved,
      ReferenceFiles kubelets,
      Stopper stopper) {
    this.plan = plan;
    this.references = references;
    this.kubelets = kubelets;
    this.resolved = resolved;
    this.stopper = stopper;
  }

  /**
   * Reads the references and publishes what they refer to.
   *
   * @param reader reads whole secrets
   * @return how many files there are
   */
  int resolve(Reader reader) throws FetchFailure {
    Map<String, ReferenceFile> found = new TreeMap<>();
    List<RenderedFile> files = new ArrayList<>();
    Map<SecretReference, SecretResult> results = new HashMap<>();
    try {
      List<Path> state = read(found);
      results.putAll(reader.fetchAll(secrets(found)));
      render(found, results, files);
      stopper.publish(() -> resolved.publish(files));
      Map<SecretReference, String> read = new HashMap<>();
      results.forEach((reference, result) -> read.put(reference, result.orThrow().versionId()));
      versions = read;
      seen = state;
      failures = 0;
      retryAt = Instant.MIN;
      return files.size();
    } catch (IOException e) {
      throw new FetchFailure(
          ExitCode.WRITE_FAILED, this + " can't be read at " + references + ": " + e);
    } finally {
      results.values().forEach(Delivery::wipe);
      files.forEach(RenderedFile::close);
      found.values().forEach(ReferenceFile::wipe);
    }
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
  boolean hasChanged(Instant now) {
    List<Path> state = kubelets.state();
    return !state.equals(seen) && !(state.equals(failed) && now.isBefore(retryAt));
  }

  /** It could not be resolved: waits longer after each failure with the same references. */
  void failed(Instant now, Schedule schedule) {
    List<Path> state = kubelets.state();
    failures = state.equals(failed) ? failures + 1 : 1;
    failed = state;
    retryAt = now.plus(schedule.afterFailure(failures));
  }

  /** Whether a secret whose current version is followed has another one. */
  boolean hasNewVersions(SecretSource source) throws FetchFailure {
    for (Map.Entry<SecretReference, String> known : versions.entrySet()) {
      SecretReference reference = known.getKey();
      boolean fixed =
          reference.versionId() != null || reference.scheme().equals(SecretReference.KMS);
      try {
        if (!fixed && !source.currentVersion(reference).equals(known.getValue())) {
          return true;
        }
      } catch (SecretException e) {
        throw new FetchFailure(ExitCode.of(e), String.valueOf(e.getMessage()));
      }
    }
    return false;
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
      Map<String, ReferenceFile> found,
      Map<SecretReference, SecretResult> results,
      List<RenderedFile> files)
      throws FetchFailure {
    List<String> problems = new ArrayList<>();
    ExitCode code = ExitCode.SUCCESS;
    for (Map.Entry<String, ReferenceFile> file : found.entrySet()) {
      SecretReference reference = file.getValue().reference();
      try {
        byte[] value =
            reference == null
                ? file.getValue().content().clone()
                : value(reference, results.get(reference.whole()));
        files.add(
            plan.environment()
                ? variable(file.getKey(), value, reference == null)
                : new RenderedFile(file.getKey(), file.getValue().mode(), value));
      } catch (SecretException e) {
        code = ExitCode.graver(code, ExitCode.of(e));
        problems.add(kubelets.where(file.getKey()) + ": " + e.getMessage());
      } catch (Unusable e) {
        code = ExitCode.graver(code, ExitCode.UNUSABLE);
        problems.add(kubelets.where(file.getKey()) + ": " + e.getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw new FetchFailure(code, problems);
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
