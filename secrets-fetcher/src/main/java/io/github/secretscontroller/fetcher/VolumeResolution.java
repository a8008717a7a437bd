package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan.ResolvedVolume;
import io.github.secretscontroller.core.SecretDocument;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One volume of native Secrets. Kubelet has written references into it; files of the same names and
 * permissions, with what they refer to, are published into another. Not thread-safe.
 */
final class VolumeResolution {

  /** The size limit of a Kubernetes Secret, and so of one of its files. */
  private static final int LARGEST_FILE = 1024 * 1024;

  private final ResolvedVolume plan;
  private final Path references;
  private final SecretVolume resolved;
  private final ReferenceCheck check;
  private final Stopper stopper;

  private @Nullable Path seen;
  private Map<SecretReference, String> versions = new HashMap<>();

  VolumeResolution(
      ResolvedVolume plan,
      Path references,
      SecretVolume resolved,
      ReferenceCheck check,
      Stopper stopper) {
    this.plan = plan;
    this.references = references;
    this.resolved = resolved;
    this.check = check;
    this.stopper = stopper;
  }

  /**
   * Reads the references and publishes what they refer to.
   *
   * @return how many files there are
   */
  int resolve(SecretSource source) throws FetchFailure {
    Path state = state();
    Map<String, Entry> entries = new TreeMap<>();
    List<RenderedFile> files = new ArrayList<>();
    Map<SecretReference, SecretResult> results = new HashMap<>();
    try {
      read(entries);
      results.putAll(
          source.fetchAll(
              entries.values().stream().flatMap(e -> e.whole().stream()).distinct().toList()));
      render(entries, results, files);
      stopper.publish(() -> resolved.publish(files));
      Map<SecretReference, String> read = new HashMap<>();
      results.forEach((reference, result) -> read.put(reference, result.orThrow().versionId()));
      versions = read;
      seen = state;
      return files.size();
    } catch (IOException e) {
      throw new FetchFailure(
          ExitCode.WRITE_FAILED, this + " can't be read at " + references + ": " + e);
    } finally {
      results.values().forEach(Delivery::wipe);
      files.forEach(RenderedFile::close);
      entries.values().forEach(Entry::wipe);
    }
  }

  /** Whether kubelet has written other references since. */
  boolean hasChanged() {
    return !state().equals(seen);
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

  /** Kubelet changes all files at once, by a link to another directory. */
  private Path state() {
    try {
      return Files.readSymbolicLink(references.resolve("..data"));
    } catch (IOException | UnsupportedOperationException e) {
      return references;
    }
  }

  private void read(Map<String, Entry> entries) throws IOException, FetchFailure {
    List<String> problems = new ArrayList<>();
    Path base = references.resolve("..data");
    Path directory = Files.isDirectory(base) ? base.toRealPath() : references;
    try (Stream<Path> files = Files.walk(directory)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        String path = directory.relativize(file).toString();
        if (path.startsWith("..")) {
          continue;
        }
        if (Files.size(file) > LARGEST_FILE) {
          problems.add(path + " of " + this + " has more than " + LARGEST_FILE + " bytes");
          continue;
        }
        byte[] content = Files.readAllBytes(file);
        SecretReference reference = ReferenceCheck.reference(content);
        if (reference == null && !plan.mixed()) {
          problems.add(
              path
                  + " of "
                  + this
                  + " holds no reference: its Secret isn't native; label it"
                  + " secrets.k8s.aws/native: enabled and store it again, or don't resolve it");
        } else if (reference != null) {
          check.problem(path + " of " + this, reference).ifPresent(problems::add);
        }
        entries.put(path, new Entry(mode(file), reference, content));
      }
    }
    if (!problems.isEmpty()) {
      throw new FetchFailure(ExitCode.BAD_PLAN, problems);
    }
  }

  private static int mode(Path file) throws IOException {
    Set<PosixFilePermission> permissions =
        Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS);
    int mode = 0;
    String text = PosixFilePermissions.toString(permissions);
    for (int i = 0; i < text.length(); i++) {
      mode |= text.charAt(i) == '-' ? 0 : 0400 >> i;
    }
    // Readable by the fetcher itself at least, which compares what it published.
    return mode | 0400;
  }

  private void render(
      Map<String, Entry> entries,
      Map<SecretReference, SecretResult> results,
      List<RenderedFile> files)
      throws FetchFailure {
    List<String> problems = new ArrayList<>();
    ExitCode code = ExitCode.SUCCESS;
    for (Map.Entry<String, Entry> file : entries.entrySet()) {
      Entry entry = file.getValue();
      SecretReference reference = entry.reference();
      if (reference == null) {
        files.add(new RenderedFile(file.getKey(), entry.mode(), entry.content().clone()));
        continue;
      }
      SecretResult result = results.get(reference.withSelector(null));
      if (result instanceof SecretResult.Fetched fetched) {
        byte[] value = select(fetched.value(), reference.selector());
        if (value != null) {
          files.add(new RenderedFile(file.getKey(), entry.mode(), value));
          continue;
        }
        code = ExitCode.graver(code, ExitCode.UNUSABLE);
        problems.add(
            file.getKey() + " of " + this + ": there is no such key in " + reference.describe());
      } else if (result instanceof SecretResult.Failed failed) {
        code = ExitCode.graver(code, ExitCode.of(failed.failure()));
        problems.add(file.getKey() + " of " + this + ": " + failed.failure().getMessage());
      }
    }
    if (!problems.isEmpty()) {
      throw new FetchFailure(code, problems);
    }
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
   * A file that kubelet wrote.
   *
   * @param reference what it refers to; {@code null} if it holds no reference
   */
  @SuppressWarnings("ArrayRecordComponent") // Nobody compares entries.
  private record Entry(int mode, @Nullable SecretReference reference, byte[] content) {

    List<SecretReference> whole() {
      return reference == null ? List.of() : List.of(reference.withSelector(null));
    }

    void wipe() {
      Arrays.fill(content, (byte) 0);
    }
  }
}
