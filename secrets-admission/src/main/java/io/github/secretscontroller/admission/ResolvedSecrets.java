package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.ResolvedVolume;
import java.util.ArrayList;
import java.util.List;

/**
 * The native Secrets that a pod uses and wants resolved: those that it mounts, and those whose keys
 * are variables.
 *
 * <p>Told from the spec alone, so that a pod that was changed before is recognised as such.
 */
final class ResolvedSecrets {

  private final ResolvedNames names;
  private final ReferenceVolumes volumes;
  private final ReferenceVariables variables;
  private final List<String> warnings = new ArrayList<>();

  /**
   * The Secrets of one pod.
   *
   * @param resolve what the annotation says
   */
  ResolvedSecrets(ObjectNode spec, List<String> resolve, InjectorConfig config) {
    this.names = new ResolvedNames(resolve);
    this.volumes = new ReferenceVolumes(spec, names, config.volumeSizeLimit());
    this.variables = new ReferenceVariables(spec, names, config);
  }

  /** Where kubelet's volumes are mounted in the fetcher, and where the others. */
  static void mount(ObjectNode fetcher, InjectionPlan plan) {
    for (ResolvedVolume volume : plan.resolve()) {
      for (int i = 0; i < volume.parts().size(); i++) {
        boolean whole = volume.parts().size() == 1;
        PodTree.arrayOf(fetcher, "volumeMounts")
            .addObject()
            .put("name", ReferenceVolumes.name(volume.volume(), whole ? -1 : i))
            .put(
                "mountPath",
                InjectionPlan.RESOLVE_MOUNT_PATH
                    + "/references/"
                    + volume.volume()
                    + (whole ? "" : "/" + i))
            .put("readOnly", true);
      }
      PodTree.arrayOf(fetcher, "volumeMounts")
          .addObject()
          .put("name", volume.volume())
          .put("mountPath", InjectionPlan.RESOLVE_MOUNT_PATH + "/resolved/" + volume.volume());
    }
  }

  /** What there is to resolve; what stands in the way becomes a problem. */
  List<ResolvedVolume> plan(Problems problems) {
    if (names.isEmpty()) {
      return List.of();
    }
    List<ResolvedVolume> plan = new ArrayList<>(volumes.plan(problems));
    variables.plan(problems, warnings).ifPresent(plan::add);
    names.requireUsed(problems);
    return plan;
  }

  /** What {@link #plan} found to be hardly meant so. */
  List<String> warnings() {
    return warnings;
  }

  /** Changes the pod as planned. */
  void apply() {
    volumes.apply();
    variables.apply();
  }
}
