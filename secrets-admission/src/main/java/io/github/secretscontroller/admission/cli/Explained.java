package io.github.secretscontroller.admission.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.Explanation;
import org.jspecify.annotations.Nullable;

/**
 * One object and what was found out about it.
 *
 * @param original as it was read
 * @param explanation what would become of its pods
 * @param policy what their role needs, or {@code null} if nothing is injected
 */
record Explained(ObjectNode original, Explanation explanation, @Nullable IamPolicy policy) {

  /** The outcome in one word. */
  String outcome() {
    return explanation.isRefused()
        ? "refused"
        : explanation.plan() != null ? "injected" : "untouched";
  }
}
