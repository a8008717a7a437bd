package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Tells what the injector would do with the Pods of a manifest, without a cluster: the very same
 * injector with the very same settings. Thread-safe.
 */
public final class ManifestExplainer {

  private final SecretInjector injector;

  /** An explainer of what an injector with these settings does. */
  public ManifestExplainer(InjectorConfig config) {
    this.injector = new SecretInjector(config);
  }

  /**
   * Explains one object.
   *
   * @param manifest a Pod, or what makes Pods from a template (Deployment, ReplicaSet, StatefulSet,
   *     DaemonSet, Job, CronJob), as it is applied; it isn't changed
   * @param namespace where it goes if it doesn't say
   * @return empty for an object of another kind, or without a template
   */
  public Optional<Explanation> explain(ObjectNode manifest, String namespace) {
    String kind = PodTree.text(manifest, "kind");
    if (kind.equals("Pod")) {
      ObjectNode pod = manifest.deepCopy();
      return Optional.of(explain(kind, manifest, namespace, pod, pod));
    }
    return Workload.ofKind(kind)
        .flatMap(
            workload ->
                workload
                    .pod(manifest)
                    .map(pod -> explain(workload, kind, manifest, namespace, pod)));
  }

  private Explanation explain(
      Workload workload, String kind, ObjectNode manifest, String namespace, ObjectNode pod) {
    ObjectNode patched = manifest.deepCopy();
    Explanation explanation = explain(kind, manifest, namespace, pod, patched);
    if (explanation.plan() != null) {
      ObjectNode template = workload.template(patched).orElseThrow();
      template.set("spec", pod.get("spec"));
      PodTree.objectOf(template, "metadata")
          .set("annotations", pod.get("metadata").get("annotations"));
    }
    return explanation;
  }

  private Explanation explain(
      String kind, ObjectNode manifest, String namespace, ObjectNode pod, ObjectNode patched) {
    String own = PodTree.text(manifest.path("metadata"), "namespace");
    PodRequest request = request(kind, manifest, own.isEmpty() ? namespace : own, pod);
    Problems problems = new Problems();
    PodVerdict verdict = injector.mutate(pod, request, problems);
    boolean injected =
        verdict instanceof PodVerdict.Allowed allowed
            && allowed.auditAnnotations().containsKey(SecretInjector.AUDIT_DIGEST);
    return new Explanation(
        kind,
        name(manifest),
        request.namespace(),
        PodTree.serviceAccount(pod.path("spec")),
        injected ? plan(pod) : null,
        injected && hasSidecar(pod),
        verdict instanceof PodVerdict.Refused refused ? refused.httpStatus() : 0,
        problems.reasons(),
        verdict instanceof PodVerdict.Allowed allowed ? allowed.warnings() : List.of(),
        patched);
  }

  private static PodRequest request(
      String kind, ObjectNode manifest, String namespace, ObjectNode pod) {
    Map<String, String> annotations = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry :
        pod.path("metadata").path("annotations").properties()) {
      annotations.put(entry.getKey(), entry.getValue().asText());
    }
    boolean isPod = kind.equals("Pod");
    return new PodRequest(
        "explain",
        namespace,
        isPod ? name(manifest) : null,
        isPod ? null : kind + " " + name(manifest),
        null,
        "CREATE",
        true,
        "explain",
        annotations);
  }

  private static String name(ObjectNode manifest) {
    JsonNode metadata = manifest.path("metadata");
    String name = PodTree.text(metadata, "name");
    return name.isEmpty() ? PodTree.text(metadata, "generateName") + "*" : name;
  }

  private static Stream<ObjectNode> fetchers(ObjectNode pod) {
    return Stream.of("initContainers", "containers")
        .flatMap(list -> PodTree.objects(pod.path("spec"), list).stream())
        .filter(c -> FetcherContainer.isOurName(PodTree.text(c, "name")));
  }

  private static boolean hasSidecar(ObjectNode pod) {
    return fetchers(pod)
        .anyMatch(c -> PodTree.text(c, "name").equals(FetcherContainer.SIDECAR_NAME));
  }

  private static @Nullable InjectionPlan plan(ObjectNode pod) {
    return fetchers(pod)
        .flatMap(c -> PodTree.find(c, "env", "name", InjectionPlan.ENVIRONMENT_VARIABLE).stream())
        .map(variable -> InjectionPlan.parse(PodTree.text(variable, "value")))
        .findFirst()
        .orElse(null);
  }
}
