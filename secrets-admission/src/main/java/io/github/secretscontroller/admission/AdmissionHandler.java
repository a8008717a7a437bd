package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.AdmissionReviewReader.MalformedReviewException;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A mutating admission webhook for Pods, bytes in and bytes out. It knows no HTTP server; hosting
 * it is one adapter:
 *
 * <pre>{@code
 * AdmissionHandler handler = AdmissionHandler.builder().mutator(injector).build();
 * ...
 * AdmissionReply reply = handler.handle(body.readNBytes(handler.maxBodyBytes() + 1));
 * send(reply.httpStatus(), reply.contentType(), reply.body());
 * }</pre>
 *
 * <p>It speaks {@code admission.k8s.io/v1} and {@code v1beta1}. Only the creation of a Pod is given
 * to the mutators; everything else is allowed as it is. A body that is no AdmissionReview is
 * answered with HTTP 400, one over the limit with 413. A mutator that throws refuses the Pod with
 * code 500: no input makes {@link #handle} throw. Neither objects nor annotations are logged.
 *
 * <p>Thread-safe, if the mutators are.
 */
public final class AdmissionHandler {

  /** 4 MiB. The API server takes no request over 3 MiB, and etcd none over 1.5 MiB. */
  public static final int DEFAULT_MAX_BODY_BYTES = 4 * 1024 * 1024;

  private static final Logger LOG = LoggerFactory.getLogger(AdmissionHandler.class);

  // Numbers keep every digit, in case a mutator copies one.
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private final List<PodMutator> mutators;
  private final int maxBodyBytes;

  private AdmissionHandler(Builder builder) {
    this.mutators = List.copyOf(builder.mutators);
    this.maxBodyBytes = builder.maxBodyBytes;
  }

  /** A builder without mutators and with the default limit. */
  public static Builder builder() {
    return new Builder();
  }

  /** The longest body that is read; a server needn't take in more than one byte beyond it. */
  public int maxBodyBytes() {
    return maxBodyBytes;
  }

  /**
   * Answers one request.
   *
   * @param body the request's body, an AdmissionReview as JSON in UTF-8; neither kept nor changed
   */
  public AdmissionReply handle(byte[] body) {
    if (body.length > maxBodyBytes) {
      return AdmissionReply.error(413, "the body has more than " + maxBodyBytes + " bytes");
    }
    try {
      AdmissionReview review = AdmissionReviewReader.read(body);
      return AdmissionReply.review(decide(review, body).toJson(review));
    } catch (MalformedReviewException e) {
      return AdmissionReply.error(400, e.reason());
    }
  }

  private AdmissionDecision decide(AdmissionReview review, byte[] body) {
    if (!review.createsPod()) {
      return AdmissionDecision.UNCHANGED;
    }
    PodRequest request = review.podRequest();
    String at = "the handler";
    try {
      boolean concerned = false;
      for (PodMutator mutator : mutators) {
        at = mutator.getClass().getName();
        concerned |= mutator.concerns(request);
      }
      if (!concerned) {
        return AdmissionDecision.UNCHANGED;
      }
      at = "the handler";
      ObjectNode before = tree(body, review.objectStart(), review.objectEnd());
      ObjectNode after = before.deepCopy();
      List<String> warnings = new ArrayList<>();
      Map<String, String> auditAnnotations = new LinkedHashMap<>();
      for (PodMutator mutator : mutators) {
        at = mutator.getClass().getName();
        PodVerdict verdict = mutator.mutate(after, request);
        if (verdict instanceof PodVerdict.Refused refused) {
          return AdmissionDecision.refuse(refused.httpStatus(), refused.message(), warnings);
        }
        if (verdict instanceof PodVerdict.Allowed allowed) {
          warnings.addAll(allowed.warnings());
          auditAnnotations.putAll(allowed.auditAnnotations());
        }
      }
      at = "the handler";
      return AdmissionDecision.allow(JsonDiff.diff(before, after), warnings, auditAnnotations);
    } catch (RuntimeException | StackOverflowError e) {
      return failed(at, e, request);
    }
  }

  private static ObjectNode tree(byte[] body, int start, int end) {
    try {
      JsonNode tree = MAPPER.readTree(body, start, end - start);
      return (ObjectNode) tree;
    } catch (IOException e) {
      // The same bytes were read as JSON a moment ago; what it quotes must not reach a log.
      throw new IllegalStateException("the pod can't be read again");
    }
  }

  /** Tells the exception's class only: its message may quote the pod. */
  private static AdmissionDecision failed(String at, Throwable e, PodRequest request) {
    StackTraceElement[] trace = e.getStackTrace();
    LOG.error(
        "request {}: {} failed with {} at {}",
        request.uid(),
        at,
        e.getClass().getName(),
        trace.length == 0 ? "an unknown place" : trace[0]);
    return AdmissionDecision.refuse(
        500,
        request.describePod()
            + ": the webhook failed ("
            + at
            + " threw "
            + e.getClass().getName()
            + "); the pod was not changed; the webhook's log has request "
            + request.uid(),
        List.of());
  }

  /** Collects what a handler is made of. Not thread-safe. */
  public static final class Builder {

    private final List<PodMutator> mutators = new ArrayList<>();
    private int maxBodyBytes = DEFAULT_MAX_BODY_BYTES;

    private Builder() {}

    /** Appends a mutator; it sees the Pod as those before it left it. */
    public Builder mutator(PodMutator mutator) {
      mutators.add(mutator);
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

    /** The handler. */
    public AdmissionHandler build() {
      return new AdmissionHandler(this);
    }
  }
}
