package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Where the published files of a volume of native Secrets come from. Not thread-safe. */
final class ResolvedFiles {

  /** What is known about one. */
  private static final class Origin {
    private final SecretReference reference;
    private final int mode;
    private final Reading reading;
    private Instant checkedAt;
    private boolean outdated;
    private @Nullable String refusedVersion;
    private @Nullable String problem;

    Origin(SecretReference reference, int mode, Reading reading) {
      this.reference = reference;
      this.mode = mode;
      this.reading = reading;
      this.checkedAt = reading.at();
    }

    boolean isOf(SecretReference secret) {
      return reference.whole().equals(secret);
    }
  }

  private final Map<String, Origin> origins = new TreeMap<>();
  private final Clock clock;

  ResolvedFiles(Clock clock) {
    this.clock = clock;
  }

  /** One was made. */
  void made(String path, SecretReference reference, int mode, Reading reading) {
    origins.put(path, new Origin(reference, mode, reading));
  }

  /** One stays as it is in {@code before}. */
  void kept(String path, ResolvedFiles before) {
    origins.put(path, before.origin(path));
  }

  /**
   * One can't be made of a version, and stays as it is until there is another.
   *
   * @return whether that is news
   */
  boolean refused(String path, String version, String problem) {
    Origin origin = origin(path);
    boolean news = !version.equals(origin.refusedVersion);
    origin.refusedVersion = version;
    origin.problem = problem;
    origin.outdated = false;
    origin.checkedAt = clock.instant();
    return news;
  }

  /** Whether one is there that kubelet still means to be the same. */
  boolean has(String path, ReferenceFile file) {
    Origin origin = origins.get(path);
    return origin != null
        && origin.reference.equals(file.reference())
        && origin.mode == file.mode();
  }

  /** Whether one is to be made anew, since its secret has another version. */
  boolean isOutdated(String path) {
    return origin(path).outdated;
  }

  /** Whether any that is made of a secret is to be made anew. */
  boolean isOutdated(SecretReference secret) {
    return origins.values().stream().anyMatch(origin -> origin.isOf(secret) && origin.outdated);
  }

  private Origin origin(String path) {
    return Objects.requireNonNull(origins.get(path), path);
  }

  /** Whether none is to be made anew. */
  boolean areCurrent() {
    return origins.values().stream().noneMatch(origin -> origin.outdated);
  }

  /** The secrets whose current version is followed, whole. */
  Set<SecretReference> followed() {
    Set<SecretReference> followed = new LinkedHashSet<>();
    for (Origin origin : origins.values()) {
      if (origin.reference.versionId() == null
          && !origin.reference.scheme().equals(SecretReference.KMS)) {
        followed.add(origin.reference.whole());
      }
    }
    return followed;
  }

  /** A look showed which version a secret has; returns whether files are outdated by that. */
  boolean seen(SecretReference secret, String version) {
    boolean outdated = false;
    for (Origin origin : origins.values()) {
      if (origin.isOf(secret)) {
        boolean current = version.equals(origin.reading.versionId());
        origin.outdated = !current && !version.equals(origin.refusedVersion);
        outdated |= origin.outdated;
        if (!origin.outdated) {
          origin.checkedAt = clock.instant();
        }
        if (current) {
          origin.refusedVersion = null;
          origin.problem = null;
        }
      }
    }
    return outdated;
  }

  /**
   * How it stands with each.
   *
   * @param volume the volume's name
   * @param watches know why secrets weren't seen
   * @param failedSince since when what kubelet wrote can't be resolved
   * @param failure why it can't; {@code null} if it can
   */
  List<FileStatus> statuses(
      String volume,
      Watches watches,
      Duration staleness,
      Instant failedSince,
      @Nullable String failure) {
    Instant now = clock.instant();
    Set<SecretReference> followed = followed();
    List<FileStatus> statuses = new ArrayList<>();
    origins.forEach(
        (path, origin) -> {
          SecretReference secret = origin.reference.whole();
          // What is pinned doesn't change.
          Instant checkedAt = followed.contains(secret) ? origin.checkedAt : now;
          checkedAt = failedSince.isBefore(checkedAt) ? failedSince : checkedAt;
          SecretException unseen = watches.failure(secret);
          String error = failure == null ? origin.problem : failure;
          statuses.add(
              new FileStatus(
                  "resolved/" + volume + "/" + path,
                  List.of(origin.reading),
                  true,
                  checkedAt,
                  !checkedAt.plus(staleness).isAfter(now),
                  error == null && unseen != null ? unseen.getMessage() : error));
        });
    return statuses;
  }
}
