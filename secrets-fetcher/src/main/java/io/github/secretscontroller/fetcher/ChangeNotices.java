package io.github.secretscontroller.fetcher;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Sees to it that the application is told of each publication, once. What fails for the moment is
 * tried again a few times, between the looks of the refresh, which never waits for it; a newer
 * publication takes the place of one that wasn't told yet. Not thread-safe.
 */
final class ChangeNotices {

  private static final int ATTEMPTS = 6;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);

  private final @Nullable ChangeNotice notice;
  private final RandomGenerator random;
  private final Clock clock;
  private final EventLog log;
  private final Counters counters;
  private Instant dueAt = Instant.MAX;
  private int attempts;

  ChangeNotices(
      @Nullable ChangeNotice notice,
      RandomGenerator random,
      Clock clock,
      EventLog log,
      Counters counters) {
    this.notice = notice;
    this.random = random;
    this.clock = clock;
    this.log = log;
    this.counters = counters;
  }

  /** New files are visible. */
  void published() {
    if (notice != null) {
      attempts = 0;
      dueAt = clock.instant();
    }
  }

  /** When the next attempt is due. */
  Instant nextDue() {
    return dueAt;
  }

  /** Makes the attempt that is due, if one is. */
  void tell() {
    if (notice == null || dueAt.isAfter(clock.instant())) {
      return;
    }
    dueAt = Instant.MAX;
    attempts++;
    ChangeNotice.Attempt attempt = notice.attempt();
    if (attempt.delivered()) {
      counters.changesTold.incrementAndGet();
      log.info(attempt.sentence());
      return;
    }
    counters.changesUntold.incrementAndGet();
    if (attempt.mayHeal() && attempts < ATTEMPTS) {
      // Half of the bound at least: an application that starts needs some time.
      long bound = FIRST_PAUSE.toMillis() << (attempts - 1);
      dueAt = clock.instant().plusMillis(bound / 2 + random.nextLong(bound / 2 + 1));
      log.warn(attempt.sentence() + "; trying again");
    } else {
      log.warn(attempt.sentence() + "; the application has not been told of its new files");
    }
  }
}
