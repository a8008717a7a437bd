package io.github.secretscontroller.fetcher;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * How long to wait between looks. Pods that start together must not look together, so the first
 * look is spread over the whole interval; jitter alone would keep a restart's wave together.
 */
final class Schedule {

  /** The bound of the first retry, as a part of the interval; each further one doubles it. */
  private static final int FIRST_RETRY = 8;

  private static final int DOUBLINGS = 3;
  private static final double JITTER = 0.1;
  private static final Duration LEAST_RETRY = Duration.ofMillis(100);

  private final Duration interval;
  private final RandomGenerator random;

  Schedule(Duration interval, RandomGenerator random) {
    this.interval = interval;
    this.random = random;
  }

  /** From the first publication to the first look: anything up to the interval. */
  Duration first() {
    return part(random.nextDouble());
  }

  /** From one look to the next: the interval, ten per cent more or less. */
  Duration regular() {
    return part(1 - JITTER + 2 * JITTER * random.nextDouble());
  }

  /**
   * After a failure that may heal by itself: exponential back-off with full jitter, bounded by the
   * interval, so that an outage doesn't multiply the calls of a fleet.
   *
   * @param failures how many there were in a row, 1 or more
   */
  Duration afterFailure(int failures) {
    int bound = 1 << Math.min(failures - 1, DOUBLINGS);
    Duration wait = part(random.nextDouble() * bound / FIRST_RETRY);
    return wait.compareTo(LEAST_RETRY) < 0 ? LEAST_RETRY : wait;
  }

  private Duration part(double part) {
    return Duration.ofNanos((long) (interval.toNanos() * part));
  }
}
