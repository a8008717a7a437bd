package io.github.secretscontroller.admission.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.Explanation;
import io.github.secretscontroller.core.InjectionPlan;
import java.util.List;

/** The result for programs. */
final class JsonReport {

  private JsonReport() {}

  static ObjectNode of(List<Explained> all) {
    ObjectNode report = JsonNodeFactory.instance.objectNode();
    ArrayNode objects = report.putArray("objects");
    for (Explained explained : all) {
      add(explained, objects.addObject());
    }
    return report;
  }

  private static void add(Explained explained, ObjectNode object) {
    Explanation explanation = explained.explanation();
    object
        .put("kind", explanation.kind())
        .put("name", explanation.name())
        .put("namespace", explanation.namespace())
        .put("serviceAccount", explanation.serviceAccount())
        .put("outcome", explained.outcome());
    explanation.problems().forEach(object.putArray("problems")::add);
    explanation.warnings().forEach(object.putArray("warnings")::add);
    InjectionPlan plan = explanation.plan();
    if (plan != null) {
      object.set("plan", Manifests.parseJson(plan.toJson()));
      object.set("patched", explanation.patched());
    }
    IamPolicy policy = explained.policy();
    if (policy != null) {
      ObjectNode iam = object.putObject("iam");
      iam.set("policy", policy.document());
      policy.notes().forEach(iam.putArray("notes")::add);
    }
  }
}
