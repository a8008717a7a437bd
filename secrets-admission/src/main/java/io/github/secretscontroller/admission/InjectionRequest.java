package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.InjectionPlan;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the annotations of one pod ask for, checked.
 *
 * @param plan for the fetcher
 * @param mounts for the pod's containers
 */
record InjectionRequest(InjectionPlan plan, List<AppMount> mounts) {

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

  /** Whether programs may write into the volume, so that it needs room for more than secrets. */
  boolean isWritable() {
    return mounts.stream().anyMatch(mount -> !mount.readOnly());
  }
}
