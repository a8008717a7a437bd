package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.AdmissionReviewReader.MalformedReviewException;
import io.github.secretscontroller.core.PodRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Tells whoever applies a workload what will become of its Pods, since what is said about those
 * reaches only the controller. A workload is never changed and never refused: the mutators run on a
 * Pod made from its template, as a dry run, and all that they say becomes a warning.
 */
final class WorkloadReviewer implements Reviewer {

  private final MutatorChain mutators;

  WorkloadReviewer(MutatorChain mutators) {
    this.mutators = mutators;
  }

  /** A workload that has a controller itself, such as a Deployment's ReplicaSet, needs no word. */
  @Override
  public boolean takes(AdmissionReview review) {
    return Workload.of(review.resource()).isPresent()
        && review.subResource().isEmpty()
        && (review.operation().equals("CREATE") || review.operation().equals("UPDATE"))
        && review.hasObject()
        && review.object().owner() == null;
  }

  @Override
  public AdmissionDecision review(AdmissionReview review, byte[] body, Deadline deadline)
      throws UndecidedException, MalformedReviewException {
    ObjectNode manifest = review.tree(body);
    Optional<ObjectNode> pod =
        Workload.of(review.resource()).flatMap(workload -> workload.pod(manifest));
    if (pod.isEmpty()) {
      return AdmissionDecision.UNCHANGED;
    }
    PodRequest request = request(review, pod.get());
    List<String> warnings = new ArrayList<>(misplaced(review, manifest, request.annotations()));
    if (!mutators.concerns(request)) {
      return AdmissionDecision.allow(warnings, Map.of());
    }
    AdmissionDecision decision = mutators.mutate(pod.get(), request, deadline);
    warnings.addAll(decision.warnings());
    if (!decision.allowed()) {
      warnings.add(0, "will be refused: " + decision.message());
    }
    return AdmissionDecision.allow(warnings, Map.of());
  }

  /** NASE read its annotation there, and a hand slips easily. */
  private List<String> misplaced(
      AdmissionReview review, ObjectNode manifest, Map<String, String> pods) {
    List<String> warnings = new ArrayList<>();
    for (Map.Entry<String, JsonNode> annotation :
        manifest.path("metadata").path("annotations").properties()) {
      String key = annotation.getKey();
      boolean ours = key.equals(NaseAnnotation.KEY) || Annotations.KNOWN.contains(key);
      if (ours && !pods.containsKey(key)) {
        warnings.add(
            "annotation "
                + key
                + " of the "
                + describe(review)
                + " itself has no effect; move it to the metadata of the pod template");
      }
    }
    return warnings;
  }

  private PodRequest request(AdmissionReview review, ObjectNode pod) {
    Map<String, String> annotations = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry :
        pod.path("metadata").path("annotations").properties()) {
      if (entry.getValue().isTextual()) {
        annotations.put(entry.getKey(), entry.getValue().textValue());
      }
    }
    return new PodRequest(
        review.uid(),
        review.namespace(),
        null,
        describe(review),
        null,
        "CREATE",
        true,
        review.userName(),
        annotations);
  }

  @Override
  public String describe(AdmissionReview review) {
    String kind = Workload.of(review.resource()).map(Workload::kind).orElse("workload");
    String name = review.object().name();
    String prefix = review.object().generateName();
    return kind + " " + (name != null ? name : prefix + "*");
  }

  @Override
  public AdmissionDecision undecided(int status, String message) {
    return AdmissionDecision.allow(List.of("its pods were not checked: " + message), Map.of());
  }
}
