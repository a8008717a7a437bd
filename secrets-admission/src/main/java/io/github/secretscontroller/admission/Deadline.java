package io.github.secretscontroller.admission;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
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
    return new Watch(Thread.currentThread());
  }

  /**
   * Makes deadlines, and knows who missed one. Its one thread ends by itself when nothing was
   * watched for a while.
   */
  static final class Clock {

    private final LongSupplier nanoTime;
    private final Set<Watch> overdue = ConcurrentHashMap.newKeySet();
    private final ScheduledThreadPoolExecutor alarms;

    Clock(LongSupplier nanoTime) {
      this.nanoTime = nanoTime;
      this.alarms =
          new ScheduledThreadPoolExecutor(
              1,
              task -> {
                Thread thread = new Thread(task, "admission-deadlines");
                thread.setDaemon(true);
                return thread;
              });
      alarms.setKeepAliveTime(10, TimeUnit.SECONDS);
      alarms.allowCoreThreadTimeOut(true);
      alarms.setRemoveOnCancelPolicy(true);
    }

    Deadline in(Duration budget) {
      return new Deadline(this, nanoTime.getAsLong() + budget.toNanos());
    }

    /** How many requests still run although their deadline passed that long ago. */
    long overdueFor(Duration time) {
      return overdue.stream().filter(w -> w.deadline().remaining() <= -time.toNanos()).count();
    }
  }

  /** One watched stretch of work. */
  final class Watch {

    private final Thread worker;
    private final Future<?> alarm;
    private boolean ended;
    private boolean interrupted;

    private Watch(Thread worker) {
      this.worker = worker;
      this.alarm = clock.alarms.schedule(this::ring, remaining(), TimeUnit.NANOSECONDS);
    }

    private Deadline deadline() {
      return Deadline.this;
    }

    private synchronized void ring() {
      if (!ended) {
        interrupted = true;
        clock.overdue.add(this);
        worker.interrupt();
      }
    }

    /** Ends the watch; the thread, which may be a pool's, keeps no interrupt of ours. */
    synchronized void end() {
      ended = true;
      alarm.cancel(false);
      if (interrupted) {
        clock.overdue.remove(this);
        Thread.interrupted();
      }
    }
  }
}
