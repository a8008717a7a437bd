package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.AdmissionReviewReader.MalformedReviewException;
import io.github.secretscontroller.core.PodRequest;

/** Gives Pods that are created to the mutators, and turns their edits into a patch. */
final class PodReviewer implements Reviewer {

  private final MutatorChain mutators;

  PodReviewer(MutatorChain mutators) {
    this.mutators = mutators;
  }

  @Override
  public boolean takes(AdmissionReview review) {
    return review.createsPod();
  }

  @Override
  public AdmissionDecision review(AdmissionReview review, byte[] body, Deadline deadline)
      throws UndecidedException, MalformedReviewException {
    PodRequest request = review.podRequest();
    if (!mutators.concerns(request)) {
      return AdmissionDecision.UNCHANGED;
    }
    ObjectNode pod = review.tree(body);
    PodSnapshot snapshot = PodSnapshot.of(pod);
    AdmissionDecision decision = mutators.mutate(pod, request, deadline);
    if (!decision.allowed()) {
      return decision;
    }
    JsonNode before = snapshot.restore();
    return decision.with(
        JsonDiff.diff(before, pod), Math.max(0, containers(pod) - containers(before)));
  }

  private static int containers(JsonNode pod) {
    JsonNode spec = pod.path("spec");
    return spec.path("initContainers").size() + spec.path("containers").size();
  }

  @Override
  public String describe(AdmissionReview review) {
    return review.podRequest().describePod();
  }
}
