package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.AdmissionReviewReader.MalformedReviewException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is done about one kind of object. The handler gives a review to the first reviewer that
 * takes it; what none takes is allowed as it is.
 */
interface Reviewer {

  /** Whether the review is its business, told by resource, sub-resource and operation. */
  boolean takes(AdmissionReview review);

  /**
   * Decides.
   *
   * @param body the bytes that {@code review} was read from, for {@link AdmissionReview#tree}
   * @param deadline to be watched around whatever may take long
   * @throws UndecidedException if code of others failed, or the time ran out
   * @throws MalformedReviewException if the object turns out to be no JSON
   */
  AdmissionDecision review(AdmissionReview review, byte[] body, Deadline deadline)
      throws UndecidedException, MalformedReviewException;

  /** How a message names the object. */
  String describe(AdmissionReview review);

  /** The answer if {@link #review} came to none: a refusal, since what is lost must be seen. */
  default AdmissionDecision undecided(int status, String message) {
    return AdmissionDecision.refuse(status, message, List.of());
  }

  /** A reviewer came to no decision. It has no message: that would quote the object. */
  final class UndecidedException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String at;

    /**
     * Tells the place only.
     *
     * @param cause what was thrown, or {@code null} if the time ran out
     */
    UndecidedException(String at, @Nullable Throwable cause) {
      super(null, cause, false, false);
      this.at = at;
    }

    /** The class at which it happened. */
    String at() {
      return at;
    }
  }
}
