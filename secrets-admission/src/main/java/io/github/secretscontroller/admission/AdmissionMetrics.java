package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.ReviewObserver.Answer;
import io.github.secretscontroller.admission.ReviewObserver.Outcome;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Counts what an {@link AdmissionHandler} does, in a Micrometer registry. Micrometer is an optional
 * dependency: who doesn't use this class needs it neither to compile nor to run.
 *
 * <table>
 * <caption>The meters</caption>
 * <tr><th>name</th><th>type</th><th>tags</th></tr>
 * <tr><td>{@code secrets.admission.requests}</td><td>counter</td>
 *     <td>{@code outcome}, {@code namespace}</td></tr>
 * <tr><td>{@code secrets.admission.latency}</td><td>timer</td><td>{@code outcome}</td></tr>
 * <tr><td>{@code secrets.admission.containers.injected}</td><td>counter</td><td></td></tr>
 * <tr><td>{@code secrets.admission.warnings}</td><td>counter</td><td></td></tr>
 * <tr><td>{@code secrets.admission.certificate.expiry}</td><td>gauge</td><td></td></tr>
 * <tr><td>{@code secrets.admission.certificate.problem}</td><td>gauge</td><td></td></tr>
 * </table>
 *
 * <p>{@code outcome} is one of {@code unchanged}, {@code patched}, {@code refused}, {@code failed}
 * (a mutator threw), {@code timed_out}, {@code malformed} and {@code too_large}. The first {@value
 * #MOST_NAMESPACES} namespaces that are seen get a tag value of their own, and all others share
 * {@code _other}, so that there are never more than 7 * ({@value #MOST_NAMESPACES} + 2) counters of
 * requests. A request without a namespace, or one that couldn't be read, has {@code _none}.
 *
 * <p>Thread-safe.
 */
public final class AdmissionMetrics {

  /** How many namespaces are told apart. */
  public static final int MOST_NAMESPACES = 100;

  /** Kubernetes names namespaces as DNS labels. */
  private static final int LONGEST_NAMESPACE = 63;

  private static final String PREFIX = "secrets.admission.";

  // Quantiles are worked out from these, across replicas.
  private static final Duration[] BUCKETS = {
    Duration.ofNanos(250_000),
    Duration.ofMillis(1),
    Duration.ofMillis(5),
    Duration.ofMillis(25),
    Duration.ofMillis(100),
    Duration.ofMillis(500),
    Duration.ofSeconds(1),
    Duration.ofSeconds(5)
  };

  private final MeterRegistry registry;
  private final Set<String> namespaces = ConcurrentHashMap.newKeySet();
  private final Map<RequestKey, Counter> requests = new ConcurrentHashMap<>();
  private final Map<Outcome, Timer> latency = new EnumMap<>(Outcome.class);
  private final Counter containers;
  private final Counter warnings;

  private record RequestKey(Outcome outcome, String namespace) {}

  /** Registers the meters. */
  public AdmissionMetrics(MeterRegistry registry) {
    this.registry = registry;
    for (Outcome outcome : Outcome.values()) {
      latency.put(
          outcome,
          Timer.builder(PREFIX + "latency")
              .description("Time from a request's bytes to its answer's bytes")
              .tag("outcome", tag(outcome))
              .serviceLevelObjectives(BUCKETS)
              .register(registry));
    }
    this.containers =
        Counter.builder(PREFIX + "containers.injected")
            .description("Containers that were added to pods")
            .register(registry);
    this.warnings =
        Counter.builder(PREFIX + "warnings")
            .description("Warnings that were sent to clients")
            .register(registry);
  }

  /**
   * Tells when the certificate expires, in seconds since 1970, and whether something keeps it from
   * being renewed (1, else 0).
   */
  public AdmissionMetrics watch(ServingCertificate certificate) {
    Gauge.builder(
            PREFIX + "certificate.expiry", certificate, now -> now.notAfter().getEpochSecond())
        .description("When the serving certificate expires")
        .baseUnit("seconds")
        .register(registry);
    Gauge.builder(
            PREFIX + "certificate.problem", certificate, now -> now.problem().isPresent() ? 1 : 0)
        .description("Whether something keeps the serving certificate from being renewed")
        .register(registry);
    return this;
  }

  ReviewObserver observer() {
    return this::answered;
  }

  private void answered(Answer answer) {
    requests
        .computeIfAbsent(
            new RequestKey(answer.outcome(), bounded(answer.namespace())), this::counter)
        .increment();
    Timer timer = latency.get(answer.outcome());
    if (timer != null) {
      timer.record(answer.took());
    }
    containers.increment(answer.addedContainers());
    warnings.increment(answer.warnings());
  }

  /** Whoever reaches the webhook's port can name any namespace, so only plausible ones are kept. */
  private String bounded(String namespace) {
    if (namespace.isEmpty()) {
      return "_none";
    }
    if (namespaces.contains(namespace)) {
      return namespace;
    }
    synchronized (namespaces) {
      boolean kept =
          namespace.length() <= LONGEST_NAMESPACE
              && namespaces.size() < MOST_NAMESPACES
              && namespaces.add(namespace);
      return kept || namespaces.contains(namespace) ? namespace : "_other";
    }
  }

  private Counter counter(RequestKey key) {
    return Counter.builder(PREFIX + "requests")
        .description("Admission reviews that were answered")
        .tag("outcome", tag(key.outcome()))
        .tag("namespace", key.namespace())
        .register(registry);
  }

  private static String tag(Outcome outcome) {
    return outcome.name().toLowerCase(Locale.ROOT);
  }
}
