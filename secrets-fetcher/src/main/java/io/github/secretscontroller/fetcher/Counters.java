package io.github.secretscontroller.fetcher;

import java.util.concurrent.atomic.AtomicLong;

/** What a sidecar has done so far. Thread-safe. */
final class Counters {

  final AtomicLong unchangedRefreshes = new AtomicLong();
  final AtomicLong publishedRefreshes = new AtomicLong();
  final AtomicLong failedRefreshes = new AtomicLong();
  final AtomicLong publications = new AtomicLong();
  final AtomicLong publicationFailures = new AtomicLong();
  final AtomicLong versionCalls = new AtomicLong();
  final AtomicLong readCalls = new AtomicLong();
  final AtomicLong deniedCalls = new AtomicLong();
  final AtomicLong notFoundCalls = new AtomicLong();
  final AtomicLong unavailableCalls = new AtomicLong();
  final AtomicLong otherFailedCalls = new AtomicLong();
  final AtomicLong changesTold = new AtomicLong();
  final AtomicLong changesUntold = new AtomicLong();

  /** Counts a look, unless there was nothing to look at. */
  void count(Refresh refresh) {
    if (refresh.failed()) {
      failedRefreshes.incrementAndGet();
    } else if (refresh.published()) {
      publishedRefreshes.incrementAndGet();
    } else if (refresh.looked()) {
      unchangedRefreshes.incrementAndGet();
    }
  }
}
