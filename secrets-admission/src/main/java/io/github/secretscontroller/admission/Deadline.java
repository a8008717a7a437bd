package io.github.secretscontroller.admission;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/**
 * Until when one request must be answered. While it is {@linkplain #watch watched}, the thread that
 * works on it is interrupted at that time: no other thread does the work, so none is left behind,
 * and code that ignores interrupts holds up nobody but its caller.
 */
final class Deadline {

  private final Clock clock;
  private final long end;

  private Deadline(Clock clock, long end) {
    this.clock = clock;
    this.end = end;
  }

  boolean hasPassed() {
    return remaining() <= 0;
  }

  /** In nanoseconds; negative once it has passed. */
  private long remaining() {
    return end - clock.nanoTime.getAsLong();
  }

  /** Watches the current thread until that thread ends the watch. */
  Watch watch() {
    Watch watch = new Watch(Thread.currentThread());
    clock.watch(watch);
    return watch;
  }

  /**
   * Makes deadlines, and knows who missed one. One thread looks at all that is watched every now
   * and then, since to set an alarm for each request would cost more than most requests do. It ends
   * by itself when nothing was watched for a while.
   */
  static final class Clock {

    private static final long TICK_MILLIS = 20;

    private final LongSupplier nanoTime;
    private final Set<Watch> watched = ConcurrentHashMap.newKeySet();
    private final AtomicBoolean ticking = new AtomicBoolean();
    private final ScheduledThreadPoolExecutor ticker;

    Clock(LongSupplier nanoTime) {
      this.nanoTime = nanoTime;
      this.ticker =
          new ScheduledThreadPoolExecutor(
              1,
              task -> {
                Thread thread = new Thread(task, "admission-deadlines");
                thread.setDaemon(true);
                return thread;
              });
      ticker.setKeepAliveTime(10, TimeUnit.SECONDS);
      ticker.allowCoreThreadTimeOut(true);
    }

    Deadline in(Duration budget) {
      return new Deadline(this, nanoTime.getAsLong() + budget.toNanos());
    }

    /** How many requests still run although their deadline passed that long ago. */
    long overdueFor(Duration time) {
      return watched.stream().filter(w -> w.deadline().remaining() <= -time.toNanos()).count();
    }

    private void watch(Watch watch) {
      watched.add(watch);
      if (!ticking.get() && ticking.compareAndSet(false, true)) {
        scheduleTick();
      }
    }

    private void scheduleTick() {
      Future<?> unused = ticker.schedule(this::tick, TICK_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void tick() {
      for (Watch watch : watched) {
        if (watch.deadline().hasPassed()) {
          watch.interrupt();
        }
      }
      if (watched.isEmpty()) {
        ticking.set(false);
        // Somebody may have come in between, and have seen it ticking.
        if (watched.isEmpty() || !ticking.compareAndSet(false, true)) {
          return;
        }
      }
      scheduleTick();
    }
  }

  /** One watched stretch of work. */
  final class Watch {

    private final Thread worker;
    private boolean ended;
    private boolean interrupted;

    private Watch(Thread worker) {
      this.worker = worker;
    }

    private Deadline deadline() {
      return Deadline.this;
    }

    private synchronized void interrupt() {
      if (!ended && !interrupted) {
        interrupted = true;
        worker.interrupt();
      }
    }

    /** Ends the watch; the thread, which may be a pool's, keeps no interrupt of ours. */
    synchronized void end() {
      ended = true;
      clock.watched.remove(this);
      if (interrupted) {
        Thread.interrupted();
      }
    }
  }
}
