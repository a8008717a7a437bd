package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretException;
import java.time.Clock;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Files that couldn't be made of new versions since one of their secrets couldn't be read. They are
 * tried again by themselves: their other secrets, which may have been published in other files,
 * have no part in that. Not thread-safe.
 */
final class UnmadeFiles {

  /**
   * How it stands with one.
   *
   * @param readings what the published file was made of
   * @param since when all was well with it last
   * @param failures how often it couldn't be made
   * @param retryAt when to try again by itself, unless a secret's next look leads to that
   */
  record Unmade(
      List<Reading> readings,
      Instant since,
      SecretException failure,
      int failures,
      @Nullable Instant retryAt) {}

  private final Map<String, Unmade> unmade = new HashMap<>();
  private final Schedule schedule;
  private final Clock clock;

  UnmadeFiles(Schedule schedule, Clock clock) {
    this.schedule = schedule;
    this.clock = clock;
  }

  /** When the next of them is due. */
  Instant nextDue() {
    Instant next = Instant.MAX;
    for (Unmade file : unmade.values()) {
      if (file.retryAt != null && file.retryAt.isBefore(next)) {
        next = file.retryAt;
      }
    }
    return next;
  }

  /** The paths of those that are due. */
  Set<String> due() {
    Instant now = clock.instant();
    Set<String> due = new HashSet<>();
    unmade.forEach(
        (path, file) -> {
          if (file.retryAt != null && !file.retryAt.isAfter(now)) {
            due.add(path);
          }
        });
    return due;
  }

  @Nullable Unmade get(String path) {
    return unmade.get(path);
  }

  void made(String path) {
    unmade.remove(path);
  }

  /**
   * One couldn't be made.
   *
   * @param before how it stands with the file that is published
   * @param byItself whether to try again by itself
   * @return whether that is news
   */
  boolean failed(FileStatus before, SecretException failure, boolean byItself) {
    String path = before.path();
    Unmade known = unmade.get(path);
    int failures = known == null ? 1 : known.failures + 1;
    Instant retryAt =
        byItself && failure.isRetryable()
            ? clock.instant().plus(schedule.afterFailure(failures))
            : null;
    if (known == null) {
      unmade.put(
          path, new Unmade(before.readings(), before.checkedAt(), failure, failures, retryAt));
      return true;
    }
    unmade.put(path, new Unmade(known.readings, known.since, failure, failures, retryAt));
    return known.failure.getClass() != failure.getClass();
  }

  Map<String, Unmade> copy() {
    return Map.copyOf(unmade);
  }

  /**
   * What was made couldn't be published.
   *
   * @param before a copy from before it was made
   * @param made what is to be tried again
   */
  void restore(Map<String, Unmade> before, Set<String> made) {
    unmade.clear();
    unmade.putAll(before);
    for (String path : made) {
      unmade.computeIfPresent(path, (same, file) -> later(file));
    }
  }

  private Unmade later(Unmade file) {
    int failures = file.failures + 1;
    Instant retryAt = clock.instant().plus(schedule.afterFailure(failures));
    return new Unmade(file.readings, file.since, file.failure, failures, retryAt);
  }
}
