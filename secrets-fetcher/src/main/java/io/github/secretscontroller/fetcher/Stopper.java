package io.github.secretscontroller.fetcher;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Ends the program on request, but never in the midst of a publication: one that is under way is
 * waited for, and none begins afterwards. Thread-safe.
 */
final class Stopper {

  /** A little less than the second in which the program has to be gone. */
  private static final Duration PATIENCE = Duration.ofMillis(800);

  /** What changes the volume. */
  interface Publication {

    /** Does it. */
    void run() throws FetchFailure;
  }

  private final ReentrantLock publishing = new ReentrantLock();
  private final CountDownLatch stopped = new CountDownLatch(1);
  private volatile @Nullable Runnable farewell;

  /**
   * Has SIGTERM stop the program. The exit code is then 143 (128 and the signal's number, as a
   * shell tells it) until {@link #leaveWith}; then it is 0.
   */
  void stopOnSignal() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::stopAndLeave, "secrets-fetcher-stop"));
  }

  /** From now on, being stopped is a success; {@code last} is what to say then. */
  void leaveWith(@Nullable Runnable last) {
    farewell = last;
  }

  /** Stops; returns once no publication is under way, but after a second at most. */
  void stop() {
    stopped.countDown();
    try {
      if (publishing.tryLock(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
        publishing.unlock();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Runs a publication, unless the program was stopped; returns whether it ran. */
  boolean publish(Publication publication) throws FetchFailure {
    publishing.lock();
    try {
      if (stopped.getCount() == 0) {
        return false;
      }
      publication.run();
      return true;
    } finally {
      publishing.unlock();
    }
  }

  /** Waits, unless the program is stopped before; returns whether it was. */
  boolean await(Duration duration) {
    try {
      return stopped.await(Math.max(0, duration.toMillis()), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  private void stopAndLeave() {
    Runnable last = farewell;
    stop();
    if (last != null) {
      last.run();
      // A container that did what it was there for must not count as failed.
      Runtime.getRuntime().halt(ExitCode.SUCCESS.number());
    }
  }
}
