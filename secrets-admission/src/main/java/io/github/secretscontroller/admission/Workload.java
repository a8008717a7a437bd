package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonPointer;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.AdmissionReview.Resource;
import java.util.Arrays;
import java.util.Optional;

/** The built-in kinds that make Pods from a template. */
enum Workload {
  DEPLOYMENT("apps", "deployments", "Deployment", "ReplicaSet"),
  REPLICA_SET("apps", "replicasets", "ReplicaSet", "ReplicaSet"),
  STATEFUL_SET("apps", "statefulsets", "StatefulSet", "StatefulSet"),
  DAEMON_SET("apps", "daemonsets", "DaemonSet", "DaemonSet"),
  JOB("batch", "jobs", "Job", "Job"),
  CRON_JOB("batch", "cronjobs", "CronJob", "Job");

  private static final JsonPointer TEMPLATE = JsonPointer.compile("/spec/template");
  private static final JsonPointer CRON_JOB_TEMPLATE =
      JsonPointer.compile("/spec/jobTemplate/spec/template");

  private final String group;
  private final String plural;
  private final String kind;
  private final String owner;

  Workload(String group, String plural, String kind, String owner) {
    this.group = group;
    this.plural = plural;
    this.kind = kind;
    this.owner = owner;
  }

  /** By the kind that a manifest names. */
  static Optional<Workload> ofKind(String kind) {
    return Arrays.stream(values()).filter(workload -> workload.kind.equals(kind)).findFirst();
  }

  /** By the resource that a review is about, in whatever version. */
  static Optional<Workload> of(Resource resource) {
    return Arrays.stream(values())
        .filter(w -> w.group.equals(resource.group()) && w.plural.equals(resource.name()))
        .findFirst();
  }

  String kind() {
    return kind;
  }

  /**
   * The Pod that a controller would make from a manifest, with the owner that it would have; shares
   * no node with the manifest. Empty if the manifest has no template.
   */
  Optional<ObjectNode> pod(ObjectNode manifest) {
    return template(manifest).map(template -> pod(manifest, template));
  }

  /** The manifest's own template, if it has one. */
  Optional<ObjectNode> template(ObjectNode manifest) {
    return manifest.at(this == CRON_JOB ? CRON_JOB_TEMPLATE : TEMPLATE)
            instanceof ObjectNode template
        ? Optional.of(template)
        : Optional.empty();
  }

  private ObjectNode pod(ObjectNode manifest, ObjectNode template) {
    ObjectNode pod = manifest.objectNode().put("apiVersion", "v1").put("kind", "Pod");
    pod.setAll(template.deepCopy());
    ObjectNode metadata = PodTree.objectOf(pod, "metadata");
    String name = PodTree.text(manifest.path("metadata"), "name");
    metadata.put("generateName", name + "-");
    metadata
        .putArray("ownerReferences")
        .addObject()
        .put("apiVersion", group + "/v1")
        .put("kind", owner)
        .put("name", name)
        .put("controller", true);
    return pod;
  }
}
