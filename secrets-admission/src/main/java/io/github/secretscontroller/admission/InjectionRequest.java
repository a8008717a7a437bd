package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.ResolvedVolume;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the annotations of one pod ask for, checked. Knows nothing of the pod's spec, nor of what
 * the operator allows.
 *
 * @param plan for the fetcher, still without what the operator adds to it
 * @param mounts for the pod's containers
 * @param mode how the fetcher runs, or {@code null} for the operator's default
 * @param containers names of the containers that get the mounts; empty for all
 * @param resources what the fetcher's container requests and may use, by resource ({@code cpu},
 *     {@code memory}), where the operator's default isn't meant
 * @param environment variables of the pod's containers
 */
record InjectionRequest(
    InjectionPlan plan,
    List<AppMount> mounts,
    @Nullable Mode mode,
    Set<String> containers,
    Map<String, String> resources,
    List<AppVariable> environment) {

  InjectionRequest {
    mounts = List.copyOf(mounts);
    containers = Set.copyOf(containers);
    resources = Map.copyOf(resources);
    environment = List.copyOf(environment);
  }

  /** The request of a pod that names no secret, but has volumes to resolve. */
  static InjectionRequest resolving(PodWide podWide, List<ResolvedVolume> volumes) {
    InjectionPlan plan =
        InjectionPlan.builder()
            .resolve(volumes)
            .region(podWide.region())
            .failoverRegion(podWide.failoverRegion())
            .refresh(podWide.refresh())
            .onChange(podWide.onChange())
            .build();
    return new InjectionRequest(
        plan, List.of(), podWide.mode(), podWide.containers(), podWide.resources(), List.of());
  }

  /** How the fetcher runs. */
  enum Mode {
    /** Before the pod's containers, once. */
    INIT,
    /** As a native sidecar, a restartable init container. */
    SIDECAR,
    /** Once before the pod's containers, and then beside them as an ordinary container. */
    INIT_AND_SIDECAR
  }

  /**
   * A mount of the volume in the pod's containers.
   *
   * @param annotation the key that asked for it, for messages
   * @param mountPath absolute, without a slash at its end
   * @param subPath one file of the volume, or {@code null} for all of it
   * @param readOnly {@code false} for the legacy {@code /tmp} only, where programs write as well
   */
  record AppMount(
      String annotation, String mountPath, @Nullable String subPath, boolean readOnly) {}

  /**
   * A variable of the pod's containers, through {@code fileKeyRef}.
   *
   * @param annotation the key that asked for it, for messages
   * @param name of the variable, which is also its name in the file
   * @param path of the environment file, inside of the volume
   * @param optional whether the pod starts without it
   */
  record AppVariable(String annotation, String name, String path, boolean optional) {}

  /** Whether programs may write into the volume, so that it needs room for more than secrets. */
  boolean isWritable() {
    return mounts.stream().anyMatch(mount -> !mount.readOnly());
  }
}
