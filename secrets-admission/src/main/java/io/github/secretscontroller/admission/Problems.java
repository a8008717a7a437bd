package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.util.ArrayList;
import java.util.List;

/** Collects why a pod can't have its secrets, so that all reasons are told at once. */
final class Problems {

  private static final int MOST = 40;

  private final List<String> reasons = new ArrayList<>();
  private boolean forbidden;

  /** The pod asks for something that can't be. */
  void impossible(String reason) {
    // A pod's names aren't checked before the webhook has seen them.
    if (reasons.size() < MOST) {
      reasons.add(Findings.sentence(reason));
    }
  }

  /** The pod asks for something that the operator doesn't let it have. */
  void forbidden(String reason) {
    impossible(reason);
    forbidden = true;
  }

  /** The first ones, if there are many. */
  List<String> reasons() {
    return List.copyOf(reasons);
  }

  boolean isEmpty() {
    return reasons.isEmpty();
  }

  /** One sentence that names the pod and every reason. */
  PodVerdict refuse(PodRequest request) {
    StringBuilder message = new StringBuilder(request.describePod());
    if (reasons.size() == 1) {
      message.append(" can't get its secrets: ").append(reasons.get(0));
    } else {
      message.append(" can't get its secrets for ").append(reasons.size()).append(" reasons:");
      for (int i = 0; i < reasons.size(); i++) {
        message.append(i == 0 ? " (" : "; (").append(i + 1).append(") ").append(reasons.get(i));
      }
    }
    return PodVerdict.refuse(forbidden ? 403 : 400, message.toString());
  }
}
