package io.github.secretscontroller.admission.cli;

import io.github.secretscontroller.admission.Explanation;
import io.github.secretscontroller.core.InjectionPlan;
import java.io.PrintStream;
import java.util.List;

/** The result for people. */
final class TextReport {

  private TextReport() {}

  static void print(List<Explained> all, int objects, PrintStream out) {
    if (all.isEmpty()) {
      out.println("none of the " + objects + " objects makes pods");
    }
    for (Explained explained : all) {
      print(explained, out);
    }
  }

  private static void print(Explained explained, PrintStream out) {
    Explanation explanation = explained.explanation();
    InjectionPlan plan = explanation.plan();
    out.println(
        "== "
            + explanation.kind()
            + " "
            + explanation.namespace()
            + "/"
            + explanation.name()
            + ": "
            + (explanation.isRefused()
                ? "pods would be refused (" + explanation.refusalStatus() + ")"
                : plan == null
                    ? "pods get no secrets"
                    : "pods get their secrets"
                        + (explanation.refreshes() ? ", and new versions of them" : "")));
    explanation.problems().forEach(problem -> out.println("problem: " + problem));
    explanation.warnings().forEach(warning -> out.println("warning: " + warning));
    if (plan != null) {
      out.println();
      out.println("-- what is injected");
      out.print(
          AddedLines.of(
              Manifests.yaml(explained.original()), Manifests.yaml(explanation.patched())));
      out.println();
      out.println("-- the plan");
      out.println(Manifests.json(Manifests.parseJson(plan.toJson())));
    }
    IamPolicy policy = explained.policy();
    if (policy != null) {
      out.println();
      out.println(
          "-- the least IAM policy for the role of ServiceAccount " + explanation.serviceAccount());
      out.println(Manifests.json(policy.document()));
      policy.notes().forEach(note -> out.println("note: " + note));
    }
    out.println();
  }
}
