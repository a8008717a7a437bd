package io.github.secretscontroller.aws;

import java.time.Duration;

/**
 * When an operation of several calls has to be done.
 *
 * @param nanoTime of {@link System#nanoTime}
 */
record Deadline(long nanoTime) {

  static Deadline in(Duration duration) {
    return new Deadline(System.nanoTime() + duration.toNanos());
  }

  /** What is left, at least a millisecond, since zero would mean no bound to the SDK. */
  Duration remaining() {
    return Duration.ofNanos(Math.max(1_000_000, nanoTime - System.nanoTime()));
  }

  boolean isOver() {
    return nanoTime - System.nanoTime() <= 0;
  }
}
