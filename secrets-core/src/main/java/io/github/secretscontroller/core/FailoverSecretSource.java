package io.github.secretscontroller.core;

import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
 * newest version seen of each reference is remembered, for the last few thousand references. An
 * older answer of the secondary is dropped, and the primary's failure is thrown, so that the caller
 * keeps what it has; and {@link #currentVersion} tells the version that was seen, so that a caller
 * doesn't go back and forth. Versions are compared by their creation time, for which the
 * secondary's is read once where it is another, and where nobody tells that, by whether they were
 * replaced before.
 *
 * <p>Each source has a deadline of its own, so a call may take the sum of both. Thread-safe, if the
 * sources are. Closing it closes both.
 */
public final class FailoverSecretSource implements SecretSource {

  private static final int REPLACED_VERSIONS_KEPT = 16;
  private static final int REFERENCES_KEPT = 4096;

  private final SecretSource primary;
  private final SecretSource secondary;
  private final String secondaryRegion;
  private final Map<SecretReference, SecretReference> nameInSecondary;
  private final Map<SecretReference, Seen> seenByReference =
      Collections.synchronizedMap(new RecentlyUsed<>());

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
    this(primary, secondary, secondaryRegion, Map.of());
  }

  /**
   * As above, for secrets that aren't replicas but have a counterpart of another name.
   *
   * @param nameInSecondary what the secondary is asked for in place of these references, as it is.
   *     Selectors don't matter; a stage is that of the original, unless the counterpart names a
   *     version of its own
   */
  public FailoverSecretSource(
      SecretSource primary,
      SecretSource secondary,
      String secondaryRegion,
      Map<SecretReference, SecretReference> nameInSecondary) {
    this.primary = primary;
    this.secondary = secondary;
    this.secondaryRegion = secondaryRegion;
    this.nameInSecondary = new HashMap<>();
    nameInSecondary.forEach(
        (original, counterpart) ->
            this.nameInSecondary.put(
                ReferenceText.whole(original), ReferenceText.whole(counterpart)));
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    try {
      return remembered(reference, primary.fetch(reference));
    } catch (SecretException.Unavailable e) {
      SecretReference away = inSecondary(reference);
      return fromSecondary(reference, e, SecretResult.of(() -> secondary.fetch(away)));
    }
  }

  @Override
  public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    Map<SecretReference, SecretResult> results = new LinkedHashMap<>(primary.fetchAll(references));
    // Two ARNs of one secret, in either region, are one in the secondary.
    Map<SecretReference, List<SecretReference>> originals = new LinkedHashMap<>();
    results.forEach(
        (reference, result) -> {
          if (result instanceof SecretResult.Fetched fetched) {
            remembered(reference, fetched.value());
          } else if (unavailable(result) != null) {
            originals
                .computeIfAbsent(inSecondary(reference), r -> new ArrayList<>())
                .add(reference);
          }
        });
    if (!originals.isEmpty()) {
      Map<SecretReference, SecretResult> answers = secondary.fetchAll(originals.keySet());
      originals.forEach(
          (asked, askers) -> {
            SecretResult answer = answers.get(asked);
            for (int i = 0; i < askers.size() && answer != null; i++) {
              SecretReference reference = askers.get(i);
              SecretException.Unavailable e = unavailable(results.get(reference));
              SecretResult own = i + 1 < askers.size() ? copy(answer) : answer;
              results.put(
                  reference,
                  e == null ? own : SecretResult.of(() -> fromSecondary(reference, e, own)));
            }
          });
    }
    return results;
  }

  @Override
  public String currentVersion(SecretReference reference) {
    try {
      String version = primary.currentVersion(reference);
      seen(reference).observe(version);
      return version;
    } catch (SecretException.Unavailable e) {
      try {
        return versionInSecondary(reference, seen(reference));
      } catch (SecretException alsoFailed) {
        throw both(reference, e, alsoFailed);
      }
    }
  }

  private String versionInSecondary(SecretReference reference, Seen seen) {
    SecretReference away = inSecondary(reference);
    String version = secondary.currentVersion(away);
    if (!seen.mayBeReplacedBy(version)) {
      return seen.currentOr(version);
    }
    // The version alone doesn't tell which one is newer; its creation time does.
    try (SecretValue value = secondary.fetch(away)) {
      return seen.isNewerThan(value) ? seen.currentOr(version) : value.versionId();
    }
  }

  @Override
  public void close() {
    try {
      primary.close();
    } finally {
      secondary.close();
    }
  }

  private SecretReference inSecondary(SecretReference reference) {
    SecretReference counterpart = nameInSecondary.get(ReferenceText.whole(reference));
    if (counterpart != null) {
      boolean versioned = counterpart.versionStage() != null || counterpart.versionId() != null;
      return versioned ? counterpart : counterpart.withVersionStage(reference.versionStage());
    }
    return reference.inRegion(secondaryRegion);
  }

  private SecretValue fromSecondary(
      SecretReference reference, SecretException.Unavailable primaryFailure, SecretResult answer) {
    if (answer instanceof SecretResult.Fetched fetched) {
      SecretValue value = fetched.value();
      if (!seen(reference).isNewerThan(value)) {
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
    seen(reference).accept(value);
    return value;
  }

  private Seen seen(SecretReference reference) {
    return seenByReference.computeIfAbsent(ReferenceText.whole(reference), r -> new Seen());
  }

  private static SecretResult copy(SecretResult result) {
    return result instanceof SecretResult.Fetched fetched
        ? new SecretResult.Fetched(fetched.value().copy())
        : result;
  }

  private static SecretException.@Nullable Unavailable unavailable(@Nullable SecretResult result) {
    return result instanceof SecretResult.Failed failed
            && failed.failure() instanceof SecretException.Unavailable e
        ? e
        : null;
  }

  /** Forgets what was used longest ago. */
  private static final class RecentlyUsed<V> extends LinkedHashMap<SecretReference, V> {

    private static final long serialVersionUID = 1L;

    RecentlyUsed() {
      super(16, 0.75f, true);
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<SecretReference, V> eldest) {
      return size() > REFERENCES_KEPT;
    }
  }

  /** The newest version seen of one reference, and some that it replaced. */
  private static final class Seen {

    private @Nullable String versionId;
    private @Nullable Instant createdAt;
    private final Deque<String> replaced = new ArrayDeque<>();

    synchronized void accept(SecretValue value) {
      observe(value.versionId());
      createdAt = value.createdAt().orElse(createdAt);
    }

    /** Takes a version for the newest, whatever it is: a stage may be moved back on purpose. */
    synchronized void observe(String version) {
      if (version.equals(versionId)) {
        return;
      }
      if (versionId != null) {
        replaced.addLast(versionId);
        if (replaced.size() > REPLACED_VERSIONS_KEPT) {
          replaced.removeFirst();
        }
      }
      replaced.remove(version);
      versionId = version;
      createdAt = null;
    }

    synchronized boolean isNewerThan(SecretValue value) {
      if (value.versionId().equals(versionId)) {
        return false;
      }
      Instant other = value.createdAt().orElse(null);
      boolean older = createdAt != null && other != null && other.isBefore(createdAt);
      return older || replaced.contains(value.versionId());
    }

    /** Whether a version is neither the one seen nor one that it replaced. */
    synchronized boolean mayBeReplacedBy(String version) {
      return versionId != null && !version.equals(versionId) && !replaced.contains(version);
    }

    synchronized String currentOr(String version) {
      return versionId == null ? version : versionId;
    }
  }
}
