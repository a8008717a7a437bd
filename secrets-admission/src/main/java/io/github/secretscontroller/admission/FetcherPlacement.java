package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.FetcherContainer.Role;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Which containers of ours a pod gets, and where they stand. */
final class FetcherPlacement {

  private FetcherPlacement() {}

  /** Whether the pod is there to end: a Job's. */
  static boolean isRunToCompletion(JsonNode spec) {
    String policy = PodTree.text(spec, "restartPolicy");
    return policy.equals("Never") || policy.equals("OnFailure");
  }

  /**
   * The mode that the pod asks for, or else what comes closest to the operator's default.
   *
   * @param problems gets what makes the mode impossible
   */
  static Mode choose(
      InjectionRequest injection, InjectorConfig config, JsonNode spec, Problems problems) {
    Mode asked = injection.mode();
    boolean singleFiles = injection.mounts().stream().anyMatch(mount -> mount.subPath() != null);
    boolean completes = isRunToCompletion(spec);
    if (asked == null) {
      return fallBack(config, singleFiles, completes);
    }
    if (asked == Mode.INIT) {
      return asked;
    }
    if (singleFiles) {
      problems.impossible(
          "annotation "
              + PodWide.MODE
              + " asks for a sidecar, but "
              + Annotations.SECRET_ARN
              + " mounts single files, which never see an update; use mode init, or name each"
              + " secret in an annotation of its own, "
              + Annotations.PREFIX
              + "secret.<name>");
    }
    KubernetesVersion tooOld = tooOldForSidecars(config);
    if (asked == Mode.SIDECAR && tooOld != null) {
      problems.impossible(
          "annotation "
              + PodWide.MODE
              + " is \"sidecar\", a native sidecar needs Kubernetes "
              + KubernetesVersion.NATIVE_SIDECARS
              + " or newer, and this cluster has "
              + tooOld
              + "; set it to "
              + (completes
                  ? "init, since init+sidecar would never let the pod end"
                  : "init+sidecar"));
    }
    if (asked == Mode.INIT_AND_SIDECAR && completes) {
      problems.impossible(
          "annotation "
              + PodWide.MODE
              + " is \"init+sidecar\", which would never let a pod with restartPolicy "
              + PodTree.text(spec, "restartPolicy")
              + " end; set it to "
              + (tooOld == null ? "sidecar" : "init"));
    }
    return asked;
  }

  /** Nobody asked for the operator's default in this pod, so it is no reason to refuse it. */
  private static Mode fallBack(InjectorConfig config, boolean singleFiles, boolean completes) {
    Mode mode = config.defaultMode();
    if (mode == Mode.INIT || singleFiles) {
      return Mode.INIT;
    }
    if (mode == Mode.SIDECAR && tooOldForSidecars(config) != null) {
      mode = Mode.INIT_AND_SIDECAR;
    }
    return mode == Mode.INIT_AND_SIDECAR && completes ? Mode.INIT : mode;
  }

  private static @Nullable KubernetesVersion tooOldForSidecars(InjectorConfig config) {
    KubernetesVersion version = config.kubernetesVersion();
    return version != null && version.isOlderThan(KubernetesVersion.NATIVE_SIDECARS)
        ? version
        : null;
  }

  /**
   * The init containers that a mode calls for, in their order. A native sidecar restarts for ever,
   * so that a pod that should end would never fail: there an init container tries first.
   */
  private static List<Role> initRoles(Mode mode, JsonNode spec) {
    return switch (mode) {
      case INIT, INIT_AND_SIDECAR -> List.of(Role.INIT);
      case SIDECAR ->
          isRunToCompletion(spec)
              ? List.of(Role.INIT, Role.NATIVE_SIDECAR)
              : List.of(Role.NATIVE_SIDECAR);
    };
  }

  /** Whether the mode has a container of this name, one of ours, in this list. */
  static boolean isExpected(Mode mode, JsonNode spec, String list, String name) {
    return list.equals("containers")
        ? mode == Mode.INIT_AND_SIDECAR && name.equals(FetcherContainer.SIDECAR_NAME)
        : initRoles(mode, spec).stream().anyMatch(role -> role.containerName().equals(name));
  }

  /** Puts what is missing in place, and what is there right. */
  static void place(
      Mode mode, ObjectNode spec, FetcherContainer maker, PodUser user, InjectorConfig config) {
    int first = 0;
    for (Role role : initRoles(mode, spec)) {
      ArrayNode list = PodTree.arrayOf(spec, "initContainers");
      first = 1 + place(list, first, maker.create(role, user), spec, config);
    }
    if (mode == Mode.INIT_AND_SIDECAR) {
      ArrayNode list = PodTree.arrayOf(spec, "containers");
      place(list, list.size(), maker.create(Role.SIDECAR, user), spec, config);
    }
  }

  /** Where the container stands now. */
  private static int place(
      ArrayNode list, int index, ObjectNode expected, ObjectNode spec, InjectorConfig config) {
    for (int i = 0; i < list.size(); i++) {
      if (list.get(i) instanceof ObjectNode present
          && PodTree.text(present, "name").equals(PodTree.text(expected, "name"))) {
        FetcherRepair.repair(present, expected, spec, config);
        PodIdentity.copy(spec, present);
        return i;
      }
    }
    PodIdentity.copy(spec, expected);
    list.insert(index, expected);
    return index;
  }
}
