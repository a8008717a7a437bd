package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;

/** Gives Secrets to the interceptor, within the time that a request has. */
final class SecretReviewer implements Reviewer {

  private static final AdmissionReview.Resource SECRETS =
      new AdmissionReview.Resource("", "v1", "secrets");

  private static final ObjectReader TREE =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build()
          .reader();

  private final NativeSecretInterceptor interceptor;

  SecretReviewer(NativeSecretInterceptor interceptor) {
    this.interceptor = interceptor;
  }

  @Override
  public boolean takes(AdmissionReview review) {
    return review.resource().equals(SECRETS) && review.subResource().isEmpty();
  }

  @Override
  public AdmissionDecision review(AdmissionReview review, byte[] body, Deadline deadline)
      throws UndecidedException {
    Deadline.Watch watch = deadline.watch();
    try {
      AdmissionDecision decision = interceptor.decide(secret(body));
      // A backend that was interrupted says only that it failed.
      if (!decision.allowed() && deadline.hasPassed()) {
        throw new UndecidedException(interceptor.describeBackend(), null);
      }
      return decision;
    } catch (RuntimeException e) {
      throw deadline.hasPassed()
          ? new UndecidedException(interceptor.describeBackend(), null)
          : new UndecidedException(NativeSecretInterceptor.class.getName(), e);
    } finally {
      watch.end();
    }
  }

  @Override
  public String describe(AdmissionReview review) {
    String name = review.object().name();
    return "Secret " + review.namespace() + "/" + (name == null ? "" : name);
  }

  private static SecretReview secret(byte[] body) {
    try {
      return SecretReview.of(TREE.readTree(body).path("request"));
    } catch (IOException e) {
      // The same bytes were read as JSON a moment ago; what it quotes must not reach a log.
      throw new IllegalStateException("the request can't be read again");
    }
  }
}
