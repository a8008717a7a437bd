package io.github.secretscontroller.admission;

import java.time.Duration;

/** Is told of each answer. Without a reference to Micrometer, which may be absent. */
interface ReviewObserver {

  ReviewObserver NONE = answer -> {};

  void answered(Answer answer);

  /** What can be told of an answer without telling anything of the object. */
  record Answer(
      Outcome outcome, String namespace, Duration took, int addedContainers, int warnings) {}

  /** What became of a request. */
  enum Outcome {
    UNCHANGED,
    PATCHED,
    REFUSED,
    FAILED,
    TIMED_OUT,
    MALFORMED,
    TOO_LARGE;

    static Outcome of(AdmissionDecision decision) {
      return switch (decision.status()) {
        case 200 -> decision.patch().isEmpty() ? UNCHANGED : PATCHED;
        case 500 -> FAILED;
        case 504 -> TIMED_OUT;
        default -> REFUSED;
      };
    }
  }
}
