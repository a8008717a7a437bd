package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.random.RandomGenerator;

/**
 * Reads again, after a while, what the backend was too busy for. When a whole fleet starts at once
 * that costs less than a pod that fails and is started anew by kubelet, with all its reads.
 */
final class PatientReader {

  private static final int ATTEMPTS = 8;
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final int DOUBLINGS = 4;

  /** Waits, and tells whether the program was stopped meanwhile. */
  interface Pause {

    /** Waits for that long. */
    boolean isStoppedWithin(Duration duration);
  }

  private final Pause pause;
  private final RandomGenerator random;
  private final EventLog log;

  PatientReader(Pause pause, RandomGenerator random, EventLog log) {
    this.pause = pause;
    this.random = random;
    this.log = log;
  }

  /** As {@link SecretSource#fetchAll}; a minute longer at most, and for throttling only. */
  Map<SecretReference, SecretResult> fetchAll(
      SecretSource source, Collection<SecretReference> references) {
    Map<SecretReference, SecretResult> results = new HashMap<>(source.fetchAll(references));
    for (int attempt = 1; attempt < ATTEMPTS; attempt++) {
      List<SecretReference> throttled = throttled(results);
      if (throttled.isEmpty()) {
        break;
      }
      Duration wait = pauseAfter(attempt);
      log.info(
          "throttled on "
              + throttled.size()
              + " of "
              + results.size()
              + " secrets; trying again in "
              + wait.toMillis()
              + " ms");
      if (pause.isStoppedWithin(wait)) {
        break;
      }
      results.putAll(source.fetchAll(throttled));
    }
    return results;
  }

  /** Full jitter: anything up to twice the bound of the attempt before, 16 seconds at most. */
  private Duration pauseAfter(int attempt) {
    long bound = FIRST_PAUSE.toMillis() << Math.min(attempt - 1, DOUBLINGS);
    return Duration.ofMillis(1 + random.nextLong(bound));
  }

  private static List<SecretReference> throttled(Map<SecretReference, SecretResult> results) {
    List<SecretReference> throttled = new ArrayList<>();
    results.forEach(
        (secret, result) -> {
          if (result instanceof SecretResult.Failed failed
              && failed.failure() instanceof SecretException.Unavailable unavailable
              && unavailable.isThrottled()) {
            throttled.add(secret);
          }
        });
    return throttled;
  }
}
