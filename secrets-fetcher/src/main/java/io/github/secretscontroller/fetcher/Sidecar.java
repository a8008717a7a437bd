package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretSource;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** The program's life as a sidecar: publish, stay, keep fresh, answer probes. */
final class Sidecar implements AutoCloseable {

  private static final int QUESTIONS_AT_A_TIME = 4;
  private static final Duration LEAST_WAIT = Duration.ofMillis(10);

  private final InjectionPlan plan;
  private final Map<String, String> environment;
  private final Clock clock;
  private final Stopper stopper;
  private final EventLog log;
  private final Counters counters;
  private final Report report;
  private final Health health;
  private final ExecutorService calls = questions();
  private Set<String> staleBefore = new HashSet<>();

  /**
   * Begins to answer probes.
   *
   * @throws FetchFailure if nobody could reach it
   */
  Sidecar(
      InjectionPlan plan,
      Map<String, String> environment,
      Clock clock,
      Stopper stopper,
      EventLog log,
      Counters counters)
      throws FetchFailure {
    this.plan = plan;
    this.environment = environment;
    this.clock = clock;
    this.stopper = stopper;
    this.log = log;
    this.counters = counters;
    this.report = new Report(plan.refresh().unreadyWhenStale(), counters, clock);
    this.health = Health.start(FetcherEnvironment.healthPort(environment), report);
    log.info("answering probes on port " + health.port(), "port", String.valueOf(health.port()));
  }

  /**
   * Publishes, and stays until the program is stopped.
   *
   * @throws FetchFailure if the first publication fails
   */
  void run(
      Renderer renderer,
      SecretSource opened,
      SecretVolume volume,
      ResolvedVolumes resolved,
      StatusFile status)
      throws FetchFailure {
    try (SecretSource source = new CountedSource(opened, counters)) {
      boolean resolvedAnew = resolved.deliver(source);
      Delivery.Delivered delivered =
          new Delivery(plan, renderer, volume, status, clock, stopper, log).run(source, false);
      counters.publications.incrementAndGet();
      TerminationLog.write(environment, delivered.sentence());
      VolumePublisher publisher =
          new VolumePublisher(volume, status, stopper, clock, delivered.publishedAt());
      Random random = new Random();
      Rotation rotation =
          new Rotation(
              plan,
              renderer,
              source,
              publisher,
              delivered.readings(),
              new Schedule(plan.refresh().interval(), random),
              calls,
              clock,
              log,
              counters);
      ChangeNotices notices =
          new ChangeNotices(ChangeNotice.of(plan.onChange()), random, clock, log, counters);
      if (delivered.replaced() || resolvedAnew) {
        notices.published();
      }
      report.update(both(rotation.statuses(), resolved.statuses()));
      stopper.leaveWith(this::farewell);
      VersionQuestions questions = new VersionQuestions(source, calls);
      stay(rotation, publisher, resolved, () -> resolved.round(source, questions), notices);
    }
  }

  private void stay(
      Rotation rotation,
      VolumePublisher publisher,
      ResolvedVolumes resolved,
      Supplier<Refresh> resolve,
      ChangeNotices notices) {
    while (!stopper.await(untilNext(rotation, resolved.nextDue(), notices))) {
      goingOn(
          () -> {
            Refresh resolution = resolve.get();
            if (rotation.round() || resolution.published()) {
              notices.published();
            }
            List<FileStatus> statuses = rotation.statuses();
            List<FileStatus> all = both(statuses, resolved.statuses());
            report.update(all);
            tellStale(all);
            try {
              publisher.update(statuses);
            } catch (FetchFailure e) {
              log.warn("the status can't be written: " + e.oneSentence());
            }
          });
      goingOn(notices::tell);
    }
  }

  private static List<FileStatus> both(List<FileStatus> planned, List<FileStatus> resolved) {
    List<FileStatus> both = new ArrayList<>(planned);
    both.addAll(resolved);
    return both;
  }

  /** Whatever goes wrong: the last good files are worth more than an end, and the same again. */
  private void goingOn(Runnable task) {
    try {
      task.run();
    } catch (RuntimeException e) {
      counters.failedRefreshes.incrementAndGet();
      log.error("internal error, going on: " + Fetcher.withoutMessages(e));
    }
  }

  private Duration untilNext(Rotation rotation, Instant nextResolution, ChangeNotices notices) {
    Instant look = rotation.nextDue();
    look = look.isBefore(nextResolution) ? look : nextResolution;
    Instant notice = notices.nextDue();
    Duration wait = Duration.between(clock.instant(), look.isBefore(notice) ? look : notice);
    return wait.compareTo(LEAST_WAIT) < 0 ? LEAST_WAIT : wait;
  }

  private void tellStale(List<FileStatus> statuses) {
    Set<String> stale = new HashSet<>();
    for (FileStatus file : statuses) {
      if (file.stale()) {
        stale.add(file.path());
        if (!staleBefore.contains(file.path())) {
          log.warn(
              file.path()
                  + " is stale: no look at its secret has succeeded since "
                  + file.checkedAt(),
              "file",
              file.path());
        }
      } else if (staleBefore.contains(file.path())) {
        log.info(file.path() + " isn't stale any more", "file", file.path());
      }
    }
    staleBefore = stale;
  }

  private void farewell() {
    String sentence = "stopped by a signal after " + counters.publications.get() + " publications";
    log.info(sentence);
    TerminationLog.write(environment, sentence);
  }

  /** Threads that end when they have nothing to do, which is nearly always. */
  private static ExecutorService questions() {
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            1,
            QUESTIONS_AT_A_TIME,
            5,
            TimeUnit.SECONDS,
            new Handover(),
            task -> {
              Thread thread = new Thread(task, "secrets-fetcher-look");
              thread.setDaemon(true);
              return thread;
            },
            new ThreadPoolExecutor.CallerRunsPolicy());
    threads.allowCoreThreadTimeOut(true);
    return threads;
  }

  /**
   * Waits a while for a thread that is about to be free before one more is made: each has a
   * connection of its own, and a handshake costs more than all questions over one connection.
   */
  private static final class Handover extends SynchronousQueue<Runnable> {

    private static final long serialVersionUID = 1;
    private static final long PATIENCE_MILLIS = 250;

    @Override
    public boolean offer(Runnable question) {
      try {
        return offer(question, PATIENCE_MILLIS, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
  }

  @Override
  public void close() {
    stopper.leaveWith(null);
    calls.shutdownNow();
    health.close();
  }
}
