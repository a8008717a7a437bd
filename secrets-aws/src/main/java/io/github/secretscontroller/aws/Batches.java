package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** What reading many has in common, whatever the service. */
final class Batches {

  /** How long reads are waited for before one more is under way. */
  private static final Duration PATIENCE = Duration.ofMillis(250);

  private Batches() {}

  /** The list in pieces of at most {@code size}. */
  static <T> List<List<T>> chunks(List<T> all, int size) {
    List<List<T>> chunks = new ArrayList<>();
    for (int start = 0; start < all.size(); start += size) {
      chunks.add(all.subList(start, Math.min(all.size(), start + size)));
    }
    return chunks;
  }

  /**
   * Runs the reads with at most {@code limit} under way; a single one on the caller's thread. What
   * isn't done by the deadline is given up, and the rest is there.
   *
   * <p>It begins one after the other: over one connection, ten answers have come before a process
   * that just started has shaken hands for a second one. As long as that isn't enough, another read
   * is under way every now and then.
   */
  static Map<SecretReference, SecretResult> readEach(
      Collection<SecretReference> references,
      int limit,
      Deadline deadline,
      Function<SecretReference, SecretResult> read) {
    Map<SecretReference, SecretResult> results = new LinkedHashMap<>();
    if (references.size() <= 1) {
      references.forEach(reference -> results.put(reference, read.apply(reference)));
      return results;
    }
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            1,
            limit,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            task -> {
              Thread thread = new Thread(task, "secrets-aws-read");
              thread.setDaemon(true);
              return thread;
            });
    try {
      Map<SecretReference, Future<SecretResult>> reads = new LinkedHashMap<>();
      references.forEach(
          reference -> reads.put(reference, threads.submit(() -> read.apply(reference))));
      threads.shutdown();
      growWhileBusy(threads, Math.min(limit, references.size()), deadline);
      reads.forEach(
          (reference, result) -> results.put(reference, await(reference, result, deadline)));
      return results;
    } finally {
      threads.shutdownNow();
    }
  }

  private static void growWhileBusy(ThreadPoolExecutor threads, int most, Deadline deadline) {
    try {
      while (!deadline.isOver()
          && threads.getCorePoolSize() < most
          && !threads.awaitTermination(PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
        threads.setCorePoolSize(threads.getCorePoolSize() + 1);
      }
    } catch (InterruptedException e) {
      // Whoever waits for the results tells it.
      Thread.currentThread().interrupt();
    }
  }

  /**
   * Gives each reference the result of its whole secret; where several share one, each gets a value
   * of its own.
   */
  static Map<SecretReference, SecretResult> share(
      Collection<SecretReference> references,
      Function<SecretReference, SecretReference> whole,
      Map<SecretReference, SecretResult> resultByWhole) {
    Map<SecretReference, SecretResult> results = new LinkedHashMap<>();
    Map<SecretReference, SecretReference> firstOwner = new LinkedHashMap<>();
    for (SecretReference reference : references) {
      SecretReference key = whole.apply(reference);
      SecretResult result = resultByWhole.get(key);
      if (result == null || results.containsKey(reference)) {
        continue;
      }
      boolean taken = firstOwner.putIfAbsent(key, reference) != null;
      results.put(
          reference,
          taken && result instanceof SecretResult.Fetched fetched
              ? new SecretResult.Fetched(fetched.value().copy())
              : result);
    }
    return results;
  }

  private static SecretResult await(
      SecretReference reference, Future<SecretResult> result, Deadline deadline) {
    try {
      return result.get(deadline.remaining().toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      result.cancel(true);
      return new SecretResult.Failed(
          new SecretException.Unavailable(
              reference,
              "AWS gave no answer for " + reference.describe() + " before the deadline",
              null));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new SecretResult.Failed(
          new SecretException.Unavailable(
              reference, "reading " + reference.describe() + " was interrupted", null));
    } catch (ExecutionException e) {
      // A defect rather than a failure, which must not hide the other results; without its
      // message, which may quote anything.
      Throwable defect = e.getCause() == null ? e : e.getCause();
      return new SecretResult.Failed(
          new SecretException.Unavailable(
              reference,
              "reading " + reference.describe() + " failed: " + defect.getClass().getName(),
              null));
    }
  }
}
