package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * When to look at which secret. All are looked at together, in rounds; one that failed is looked at
 * again before the next round, by itself, so that it neither waits for the others nor holds them
 * up. Not thread-safe.
 */
final class Watches {

  /** What is remembered about the looks at one secret. */
  private static final class Watch {

    private Instant succeededAt;
    private int failures;
    private @Nullable Instant retryAt;
    private @Nullable SecretException failure;

    Watch(Instant succeededAt) {
      this.succeededAt = succeededAt;
    }
  }

  private final Map<SecretReference, Watch> watches = new LinkedHashMap<>();
  private final Schedule schedule;
  private final Clock clock;
  private final EventLog log;
  private Instant nextRound;

  /**
   * Watches secrets that were just read.
   *
   * @param secrets whole ones, each once
   */
  Watches(Collection<SecretReference> secrets, Schedule schedule, Clock clock, EventLog log) {
    Instant now = clock.instant();
    secrets.forEach(secret -> watches.put(secret, new Watch(now)));
    this.schedule = schedule;
    this.clock = clock;
    this.log = log;
    this.nextRound = now.plus(schedule.first());
  }

  /** Watches exactly these from now on; those that are new were just read. */
  void watch(Collection<SecretReference> secrets) {
    watches.keySet().retainAll(secrets);
    Instant now = clock.instant();
    secrets.forEach(secret -> watches.computeIfAbsent(secret, fresh -> new Watch(now)));
  }

  /** When the next look is due. */
  Instant nextDue() {
    Instant next = nextRound;
    for (Watch watch : watches.values()) {
      if (watch.retryAt != null && watch.retryAt.isBefore(next)) {
        next = watch.retryAt;
      }
    }
    return next;
  }

  /** What is to be looked at now. Each of them then either succeeds or fails. */
  List<SecretReference> due() {
    Instant now = clock.instant();
    boolean round = !nextRound.isAfter(now);
    if (round) {
      nextRound = now.plus(schedule.regular());
    }
    List<SecretReference> due = new ArrayList<>();
    watches.forEach(
        (secret, watch) -> {
          if (round || (watch.retryAt != null && !watch.retryAt.isAfter(now))) {
            watch.retryAt = null;
            due.add(secret);
          }
        });
    return due;
  }

  /** A look showed which version there is, and that one is published. */
  void succeeded(SecretReference secret) {
    Watch watch = watch(secret);
    if (watch.failure != null) {
      log.info(secret.describe() + " can be read again", "secret", secret.describe());
    }
    watch.succeededAt = clock.instant();
    watch.failures = 0;
    watch.failure = null;
  }

  /**
   * A look, or what followed from it, failed. That is told once, and again only to those who debug,
   * until it fails for another reason.
   */
  void failed(SecretReference secret, SecretException failure) {
    Watch watch = watch(secret);
    watch.failures++;
    if (failure.isRetryable()) {
      watch.retryAt = clock.instant().plus(schedule.afterFailure(watch.failures));
    }
    String sentence = "keeping what was published of " + failure.getMessage();
    String[] fields = {"secret", secret.describe()};
    if (watch.failure == null || watch.failure.getClass() != failure.getClass()) {
      log.warn(sentence, fields);
    } else {
      log.debug(sentence, fields);
    }
    watch.failure = failure;
  }

  /** A change couldn't be carried out, for a reason that isn't the secret's. */
  void retry(SecretReference secret) {
    Watch watch = watch(secret);
    watch.failures++;
    watch.retryAt = clock.instant().plus(schedule.afterFailure(watch.failures));
  }

  /** Why the last look failed, or {@code null} if it didn't. */
  @Nullable SecretException failure(SecretReference secret) {
    Watch watch = watches.get(secret);
    return watch == null ? null : watch.failure;
  }

  /** When the last look succeeded, or {@code null} for what isn't watched, as it can't change. */
  @Nullable Instant succeededAt(SecretReference secret) {
    Watch watch = watches.get(secret);
    return watch == null ? null : watch.succeededAt;
  }

  /** When the first of all secrets is going to be stale that isn't already, if none succeeds. */
  Instant nextStale(Duration staleness) {
    Instant now = clock.instant();
    Instant next = Instant.MAX;
    for (Watch watch : watches.values()) {
      Instant stale = watch.succeededAt.plus(staleness);
      if (stale.isAfter(now) && stale.isBefore(next)) {
        next = stale;
      }
    }
    return next;
  }

  private Watch watch(SecretReference secret) {
    return Objects.requireNonNull(watches.get(secret));
  }
}
