package io.github.secretscontroller.admission;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * How a webhook is, for the probes of the Pod that it runs in. A server answers its paths with it:
 *
 * <pre>{@code
 * /healthz  ->  handler.health().live()
 * /readyz   ->  handler.health().ready()
 * }</pre>
 *
 * and calls {@link #drain} when it is told to stop, before it stops accepting connections.
 *
 * <p>Thread-safe.
 */
public final class WebhookHealth {

  /** A request that ignores its interrupt for so long won't end. */
  private static final Duration STUCK = Duration.ofMinutes(1);

  /** Each stuck request holds one of the server's threads; some are bearable, a pool isn't. */
  private static final int MOST_STUCK = 8;

  private final Map<String, Supplier<Optional<String>>> checks;
  private final Deadline.Clock deadlines;
  private volatile boolean draining;

  WebhookHealth(Map<String, Supplier<Optional<String>>> checks, Deadline.Clock deadlines) {
    this.checks = new LinkedHashMap<>(checks);
    this.deadlines = deadlines;
  }

  /**
   * 200 while a restart wouldn't help; 503 with the reason once eight requests have been stuck for
   * a minute beyond their time budget.
   */
  public AdmissionReply live() {
    long stuck = deadlines.overdueFor(STUCK);
    return reply(
        stuck < MOST_STUCK
            ? List.of()
            : List.of(stuck + " requests are stuck in mutators that ignore interrupts"));
  }

  /** 200 while requests are welcome; 503 with all reasons while draining or while a check fails. */
  public AdmissionReply ready() {
    List<String> problems = new ArrayList<>();
    if (draining) {
      problems.add("draining");
    }
    checks.forEach((name, check) -> problem(check).ifPresent(p -> problems.add(name + ": " + p)));
    return reply(problems);
  }

  /**
   * From now on not ready, so that the Service sends its requests elsewhere; those that still come
   * are answered. There is no way back.
   */
  public void drain() {
    draining = true;
  }

  private static Optional<String> problem(Supplier<Optional<String>> check) {
    try {
      return check.get();
    } catch (RuntimeException e) {
      return Optional.of("the check failed with " + e.getClass().getName());
    }
  }

  private static AdmissionReply reply(List<String> problems) {
    return problems.isEmpty()
        ? AdmissionReply.text(200, "ok")
        : AdmissionReply.text(503, String.join("\n", problems));
  }
}
