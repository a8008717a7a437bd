package io.github.secretscontroller.core;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads from a second region while the first can't be reached: the replica of a secret has the same
 * name, random suffix and version ids, and only the region in its ARN differs.
 *
 * <p>The primary is always asked first. The secondary is asked only when the primary is {@link
 * SecretException.Unavailable}: a server's error, a time-out, a connection that fails, or
 * throttling. What the primary says about the secret itself (not found, denied, invalid, corrupt)
 * is final. Which one answered is in {@link SecretValue#origin()}: its region, for AWS.
 *
 * <p>A replica may lag behind. So that a secret never goes back to a value that was replaced, the
 * newest version seen of each reference is remembered; an older answer of the secondary is dropped,
 * and the primary's failure is thrown, so that the caller keeps what it has. Versions are compared
 * by their creation time, and where a backend doesn't tell that, by whether they were replaced
 * before.
 *
 * <p>Each source has a deadline of its own, so a call may take the sum of both. Thread-safe, if the
 * sources are. Closing it closes both.
 */
public final class FailoverSecretSource implements SecretSource {

  private static final int REPLACED_VERSIONS_KEPT = 16;

  private final SecretSource primary;
  private final SecretSource secondary;
  private final String secondaryRegion;
  private final Map<SecretReference, Seen> seenByReference = new ConcurrentHashMap<>();

  /**
   * A source over two.
   *
   * @param primary asked first
   * @param secondary asked while the primary is unavailable
   * @param secondaryRegion takes the place of the region in an ARN; names, which have none, and
   *     other schemes stay as they are, for the secondary's own default region
   */
  public FailoverSecretSource(
      SecretSource primary, SecretSource secondary, String secondaryRegion) {
    this.primary = primary;
    this.secondary = secondary;
    this.secondaryRegion = secondaryRegion;
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    try {
      return remembered(reference, primary.fetch(reference));
    } catch (SecretException.Unavailable e) {
      return fromSecondary(reference, e, orFailure(inSecondary(reference)));
    }
  }

  @Override
  public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    Map<SecretReference, SecretResult> results = new LinkedHashMap<>(primary.fetchAll(references));
    Map<SecretReference, SecretReference> originals = new LinkedHashMap<>();
    results.forEach(
        (reference, result) -> {
          if (result instanceof SecretResult.Fetched fetched) {
            remembered(reference, fetched.value());
          } else if (unavailable(result) != null) {
            originals.put(inSecondary(reference), reference);
          }
        });
    if (originals.isEmpty()) {
      return results;
    }
    secondary
        .fetchAll(originals.keySet())
        .forEach(
            (asked, answer) -> {
              SecretReference reference = originals.get(asked);
              SecretException.Unavailable e = unavailable(results.get(reference));
              if (reference != null && e != null) {
                results.put(reference, orFailed(reference, e, answer));
              }
            });
    return results;
  }

  @Override
  public String currentVersion(SecretReference reference) {
    try {
      return primary.currentVersion(reference);
    } catch (SecretException.Unavailable e) {
      String version;
      try {
        version = secondary.currentVersion(inSecondary(reference));
      } catch (SecretException alsoFailed) {
        throw both(reference, e, alsoFailed);
      }
      // A lagging replica must not look like a change, nor make a caller go back and forth.
      Seen seen = seenByReference.get(reference.withSelector(null));
      return seen == null ? version : seen.currentIfReplaced(version);
    }
  }

  @Override
  public void close() {
    primary.close();
    secondary.close();
  }

  private SecretReference inSecondary(SecretReference reference) {
    if (!reference.isArn()) {
      return reference;
    }
    String[] fields = ReferenceText.arnFields(reference.id());
    fields[3] = secondaryRegion;
    return new SecretReference(
        reference.scheme(),
        String.join(":", fields),
        reference.versionStage(),
        reference.versionId(),
        reference.selector());
  }

  private SecretResult orFailure(SecretReference reference) {
    try {
      return new SecretResult.Fetched(secondary.fetch(reference));
    } catch (SecretException e) {
      return new SecretResult.Failed(e);
    }
  }

  private SecretResult orFailed(
      SecretReference reference, SecretException.Unavailable primaryFailure, SecretResult answer) {
    try {
      return new SecretResult.Fetched(fromSecondary(reference, primaryFailure, answer));
    } catch (SecretException e) {
      return new SecretResult.Failed(e);
    }
  }

  private SecretValue fromSecondary(
      SecretReference reference, SecretException.Unavailable primaryFailure, SecretResult answer) {
    if (answer instanceof SecretResult.Fetched fetched) {
      SecretValue value = fetched.value();
      Seen seen = seenByReference.get(reference.withSelector(null));
      if (seen == null || !seen.isNewerThan(value)) {
        return remembered(reference, value);
      }
      value.close();
      throw new SecretException.Unavailable(
          reference,
          primaryFailure.getMessage()
              + "; and the replica in "
              + secondaryRegion
              + " still has an older version than the one that was read before",
          primaryFailure,
          primaryFailure.isThrottled());
    }
    throw both(reference, primaryFailure, ((SecretResult.Failed) answer).failure());
  }

  private SecretException both(
      SecretReference reference,
      SecretException.Unavailable primaryFailure,
      SecretException secondaryFailure) {
    return new SecretException.Unavailable(
        reference,
        primaryFailure.getMessage()
            + "; and in "
            + secondaryRegion
            + ": "
            + secondaryFailure.getMessage(),
        primaryFailure,
        primaryFailure.isThrottled());
  }

  private SecretValue remembered(SecretReference reference, SecretValue value) {
    seenByReference.computeIfAbsent(reference.withSelector(null), r -> new Seen()).accept(value);
    return value;
  }

  private static SecretException.@Nullable Unavailable unavailable(@Nullable SecretResult result) {
    return result instanceof SecretResult.Failed failed
            && failed.failure() instanceof SecretException.Unavailable e
        ? e
        : null;
  }

  /** The newest version seen of one reference, and some that it replaced. */
  private static final class Seen {

    private @Nullable String versionId;
    private @Nullable Instant createdAt;
    private final Deque<String> replaced = new ArrayDeque<>();

    synchronized void accept(SecretValue value) {
      if (value.versionId().equals(versionId)) {
        return;
      }
      if (versionId != null) {
        replaced.addLast(versionId);
        if (replaced.size() > REPLACED_VERSIONS_KEPT) {
          replaced.removeFirst();
        }
      }
      // A stage may be moved back on purpose, and the primary's word on that counts.
      replaced.remove(value.versionId());
      versionId = value.versionId();
      createdAt = value.createdAt().orElse(null);
    }

    synchronized boolean isNewerThan(SecretValue value) {
      if (value.versionId().equals(versionId)) {
        return false;
      }
      Instant other = value.createdAt().orElse(null);
      boolean older = createdAt != null && other != null && other.isBefore(createdAt);
      return older || replaced.contains(value.versionId());
    }

    synchronized String currentIfReplaced(String version) {
      return versionId != null && replaced.contains(version) ? versionId : version;
    }
  }
}
