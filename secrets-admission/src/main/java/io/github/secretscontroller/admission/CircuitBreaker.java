package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Answers at once, for a while, when a backend has been unavailable several times in a row, instead
 * of making each request wait for the same failure. Then one call tries it again. Thread-safe.
 */
final class CircuitBreaker {

  private final Clock clock;
  private final int threshold;
  private final Duration pause;

  private int failures;
  private @Nullable Instant openUntil;
  private String last = "";

  CircuitBreaker(Clock clock, int threshold, Duration pause) {
    this.clock = clock;
    this.threshold = threshold;
    this.pause = pause;
  }

  /**
   * Calls the backend, unless it is known to fail.
   *
   * @param reference for the exception
   */
  <T> T call(SecretReference reference, Supplier<T> backend) {
    requireClosed(reference);
    try {
      T answer = backend.get();
      close();
      return answer;
    } catch (SecretException.Unavailable e) {
      failed(e);
      throw e;
    } catch (SecretException e) {
      close();
      throw e;
    }
  }

  private synchronized void requireClosed(SecretReference reference) {
    Instant until = openUntil;
    if (until == null) {
      return;
    }
    if (clock.instant().isBefore(until)) {
      throw new SecretException.Unavailable(
          reference,
          "the backend failed "
              + failures
              + " times in a row and isn't asked again before "
              + until
              + "; the last time, "
              + last,
          null);
    }
    // The others wait on until this call has found out.
    openUntil = clock.instant().plus(pause);
  }

  private synchronized void failed(SecretException.Unavailable e) {
    failures++;
    last = String.valueOf(e.getMessage());
    if (failures >= threshold) {
      openUntil = clock.instant().plus(pause);
    }
  }

  private synchronized void close() {
    failures = 0;
    openUntil = null;
  }
}
