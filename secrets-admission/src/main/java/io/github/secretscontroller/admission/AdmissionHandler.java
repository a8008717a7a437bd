package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.AdmissionReviewReader.MalformedReviewException;
import io.github.secretscontroller.admission.ReviewObserver.Answer;
import io.github.secretscontroller.admission.ReviewObserver.Outcome;
import io.github.secretscontroller.admission.Reviewer.UndecidedException;
import io.github.secretscontroller.core.PodMutator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A mutating admission webhook, bytes in and bytes out. It knows no HTTP server; hosting it is one
 * adapter:
 *
 * <pre>{@code
 * AdmissionHandler handler = AdmissionHandler.builder().mutator(injector).build();
 * ...
 * AdmissionReply reply = handler.handle(body.readNBytes(handler.maxBodyBytes() + 1), url.getQuery());
 * send(reply.httpStatus(), reply.contentType(), reply.body());
 * }</pre>
 *
 * <p>It speaks {@code admission.k8s.io/v1} and {@code v1beta1}. A Pod that is created is given to
 * the mutators. A Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob that is created or
 * updated is allowed as it is, with warnings about what the mutators say of its Pods. A Secret is
 * given to the interceptor of native Secrets, if there is one. Everything else, sub-resources too,
 * is allowed as it is.
 *
 * <p>A body that is no AdmissionReview is answered with HTTP 400, one over the limit with 413. A
 * mutator that throws refuses the Pod with code 500, one that takes too long with 504: no input
 * makes {@link #handle} throw. All happens in the calling thread, which is interrupted when the
 * time is over. Neither objects nor annotations are logged.
 *
 * <p>Thread-safe, if the mutators are.
 */
public final class AdmissionHandler {

  /** 4 MiB. The API server takes no request over 3 MiB, and etcd none over 1.5 MiB. */
  public static final int DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024;

  /** 8 seconds, below the 10 that an API server waits unless it is told otherwise. */
  public static final Duration DEFAULT_TIME_BUDGET = Duration.ofSeconds(8);

  private static final Logger LOG = LoggerFactory.getLogger(AdmissionHandler.class);

  private final List<Reviewer> reviewers;
  private final int maxBodyBytes;
  private final TimeBudget timeBudget;
  private final LongSupplier nanoTime;
  private final Deadline.Clock deadlines;
  private final WebhookHealth health;
  private final ReviewObserver observer;

  private AdmissionHandler(Builder builder) {
    MutatorChain mutators = new MutatorChain(builder.mutators);
    List<Reviewer> kinds = new ArrayList<>();
    kinds.add(new PodReviewer(mutators));
    kinds.add(new WorkloadReviewer(mutators));
    if (builder.secrets != null) {
      kinds.add(new SecretReviewer(builder.secrets));
    }
    this.reviewers = List.copyOf(kinds);
    this.maxBodyBytes = builder.maxBodyBytes;
    this.timeBudget = new TimeBudget(builder.timeBudget);
    this.nanoTime = builder.nanoTime;
    this.deadlines = new Deadline.Clock(nanoTime);
    this.health = new WebhookHealth(builder.checks, deadlines);
    this.observer = builder.observer;
  }

  /** A builder without mutators and with the default limits. */
  public static Builder builder() {
    return new Builder();
  }

  /** The longest body that is read; a server needn't take in more than one byte beyond it. */
  public int maxBodyBytes() {
    return maxBodyBytes;
  }

  /** What a server answers to the probes of the Pod that it runs in. */
  public WebhookHealth health() {
    return health;
  }

  /** The same as {@link #handle(byte[], String)} for a URL without a query. */
  public AdmissionReply handle(byte[] body) {
    return handle(body, null);
  }

  /**
   * Answers one request.
   *
   * @param body the request's body, an AdmissionReview as JSON in UTF-8; neither kept nor changed
   * @param query the query of the request's URL, such as {@code timeout=10s}, with which the API
   *     server says how long it waits: four fifths of that, if it is less than the configured
   *     budget, is what this request may take
   */
  public AdmissionReply handle(byte[] body, @Nullable String query) {
    long start = nanoTime.getAsLong();
    if (body.length > maxBodyBytes) {
      return answer(start, Outcome.TOO_LARGE, "the body has more than " + maxBodyBytes + " bytes");
    }
    try {
      AdmissionReview review = AdmissionReviewReader.read(body);
      AdmissionDecision decision = decide(review, body, timeBudget.of(query));
      AdmissionReply reply = AdmissionReply.review(decision.toJson(review));
      observer.answered(
          new Answer(
              Outcome.of(decision),
              review.namespace(),
              since(start),
              decision.addedContainers(),
              decision.warnings().size()));
      return reply;
    } catch (MalformedReviewException e) {
      return answer(start, Outcome.MALFORMED, e.reason());
    }
  }

  private AdmissionReply answer(long start, Outcome outcome, String reason) {
    observer.answered(new Answer(outcome, "", since(start), 0, 0));
    return AdmissionReply.text(outcome == Outcome.TOO_LARGE ? 413 : 400, reason);
  }

  private Duration since(long start) {
    return Duration.ofNanos(nanoTime.getAsLong() - start);
  }

  private AdmissionDecision decide(AdmissionReview review, byte[] body, Duration budget)
      throws MalformedReviewException {
    for (Reviewer reviewer : reviewers) {
      if (reviewer.takes(review)) {
        return decide(reviewer, review, body, budget);
      }
    }
    return AdmissionDecision.UNCHANGED;
  }

  private AdmissionDecision decide(
      Reviewer reviewer, AdmissionReview review, byte[] body, Duration budget)
      throws MalformedReviewException {
    try {
      return reviewer.review(review, body, deadlines.in(budget));
    } catch (UndecidedException e) {
      return e.getCause() == null
          ? timedOut(reviewer, review, e.at(), budget)
          : failed(reviewer, review, e.at(), e.getCause());
    } catch (RuntimeException | StackOverflowError e) {
      return failed(reviewer, review, "the handler", e);
    }
  }

  private static AdmissionDecision timedOut(
      Reviewer reviewer, AdmissionReview review, String at, Duration budget) {
    LOG.warn("request {}: {} was not done after {} ms", review.uid(), at, budget.toMillis());
    return reviewer.undecided(
        504,
        reviewer.describe(review)
            + ": the webhook was not done after "
            + budget.toMillis()
            + " ms (at "
            + at
            + "); nothing was changed; try again, or raise timeoutSeconds of the webhook"
            + " configuration and the handler's time budget");
  }

  /** Tells the exception's class only: its message may quote the pod. */
  private static AdmissionDecision failed(
      Reviewer reviewer, AdmissionReview review, String at, Throwable e) {
    StackTraceElement[] trace = e.getStackTrace();
    LOG.error(
        "request {}: {} failed with {} at {}",
        review.uid(),
        at,
        e.getClass().getName(),
        trace.length == 0 ? "an unknown place" : trace[0]);
    return reviewer.undecided(
        500,
        reviewer.describe(review)
            + ": the webhook failed ("
            + at
            + " threw "
            + e.getClass().getName()
            + "); nothing was changed; the webhook's log has request "
            + review.uid());
  }

  /** Collects what a handler is made of. Not thread-safe. */
  public static final class Builder {

    private final List<PodMutator> mutators = new ArrayList<>();
    private @Nullable NativeSecretInterceptor secrets;
    private final Map<String, Supplier<Optional<String>>> checks = new LinkedHashMap<>();
    private int maxBodyBytes = DEFAULT_MAX_BODY_BYTES;
    private Duration timeBudget = DEFAULT_TIME_BUDGET;
    private LongSupplier nanoTime = System::nanoTime;
    private ReviewObserver observer = ReviewObserver.NONE;

    private Builder() {}

    /** Appends a mutator; it sees the Pod as those before it left it. */
    public Builder mutator(PodMutator mutator) {
      mutators.add(mutator);
      return this;
    }

    /** Gives Secrets to an interceptor; by default they are allowed as they are. */
    public Builder secrets(NativeSecretInterceptor interceptor) {
      this.secrets = interceptor;
      return this;
    }

    /**
     * The longest body that is read; {@link #DEFAULT_MAX_BODY_BYTES} by default.
     *
     * @throws IllegalArgumentException if it is not positive
     */
    public Builder maxBodyBytes(int bytes) {
      if (bytes <= 0) {
        throw new IllegalArgumentException("maxBodyBytes must be positive, not " + bytes);
      }
      this.maxBodyBytes = bytes;
      return this;
    }

    /**
     * The most that one request may take; {@link #DEFAULT_TIME_BUDGET} by default. It should stay
     * below {@code timeoutSeconds} of the webhook configuration, of which 30 is the most, so that a
     * client learns why it has no answer.
     *
     * @throws IllegalArgumentException if it is not positive, or over 30 seconds
     */
    public Builder timeBudget(Duration budget) {
      this.timeBudget = TimeBudget.checked(budget);
      return this;
    }

    /**
     * Adds a check to {@link WebhookHealth#ready}. It runs with every probe, so it must be quick,
     * and thread-safe.
     *
     * @param name what is checked, for the reason that a probe tells
     * @param problem what is wrong, or nothing
     */
    public Builder readinessCheck(String name, Supplier<Optional<String>> problem) {
      checks.put(name, problem);
      return this;
    }

    /** Counts and times requests; by default nothing does. */
    public Builder metrics(AdmissionMetrics metrics) {
      this.observer = metrics.observer();
      return this;
    }

    /** For tests. */
    Builder nanoTime(LongSupplier nanoTime) {
      this.nanoTime = nanoTime;
      return this;
    }

    /** The handler. */
    public AdmissionHandler build() {
      return new AdmissionHandler(this);
    }
  }
}
