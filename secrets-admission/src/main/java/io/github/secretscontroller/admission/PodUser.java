package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Optional;

/**
 * As whom the injected container runs: as the user and group that the containers with secrets have
 * in common, so that file modes work out; else the pod's own; but never root, with which {@code
 * runAsNonRoot} wouldn't start.
 *
 * @param user the id
 * @param group the id
 * @param isShared whether all containers with secrets state this very user
 */
record PodUser(int user, int group, boolean isShared) {

  /** The user "nonroot" of the common minimal images. */
  private static final int NON_ROOT = 65532;

  /** Whose files these containers can read. */
  static PodUser of(JsonNode spec, List<? extends JsonNode> containers) {
    Optional<Integer> user = common(spec, containers, "runAsUser");
    Optional<Integer> group = common(spec, containers, "runAsGroup");
    return new PodUser(
        id(spec, user, "runAsUser"),
        id(spec, group, "runAsGroup"),
        user.filter(id -> id > 0).isPresent());
  }

  /** The user (or group) that a container states for itself, or that the pod states for it. */
  static Optional<Integer> of(JsonNode spec, JsonNode container, String field) {
    return integer(container.path("securityContext").path(field)).or(() -> pods(spec, field));
  }

  private static Optional<Integer> common(
      JsonNode spec, List<? extends JsonNode> containers, String field) {
    Optional<Integer> common = Optional.empty();
    for (int i = 0; i < containers.size(); i++) {
      Optional<Integer> id = of(spec, containers.get(i), field);
      if (i > 0 && !id.equals(common)) {
        return Optional.empty();
      }
      common = id;
    }
    return common;
  }

  private static int id(JsonNode spec, Optional<Integer> common, String field) {
    return common.or(() -> pods(spec, field)).filter(id -> id > 0).orElse(NON_ROOT);
  }

  private static Optional<Integer> pods(JsonNode spec, String field) {
    return integer(spec.path("securityContext").path(field));
  }

  /** Kubernetes has no larger ids. */
  private static Optional<Integer> integer(JsonNode id) {
    return id.isIntegralNumber() && id.canConvertToInt()
        ? Optional.of(id.intValue())
        : Optional.empty();
  }
}
