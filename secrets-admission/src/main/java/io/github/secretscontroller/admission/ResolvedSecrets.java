package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.ResolvedVolume;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * The native Secrets that a pod mounts and wants resolved. The volume that kubelet fills with their
 * references goes to the fetcher by another name; under its own name the pod's containers get a
 * memory volume, so their mounts stay as they are.
 *
 * <p>Told from the spec alone, so that a pod that was changed before is recognised as such.
 */
final class ResolvedSecrets {

  private static final String SUFFIX = "-references";
  private static final int LONGEST_NAME = 63;
  private static final String EVERY = "*";

  private final ObjectNode spec;
  private final Set<String> names;
  private final Set<String> found = new TreeSet<>();

  /**
   * The Secrets of one pod.
   *
   * @param names what the annotation says
   */
  ResolvedSecrets(ObjectNode spec, List<String> names) {
    this.spec = spec;
    this.names = new TreeSet<>(names);
  }

  /** Where kubelet's volume is mounted in the fetcher, and where the other one. */
  static void mount(ObjectNode fetcher, InjectionPlan plan) {
    for (ResolvedVolume volume : plan.resolve()) {
      PodTree.arrayOf(fetcher, "volumeMounts")
          .addObject()
          .put("name", volume.volume() + SUFFIX)
          .put("mountPath", InjectionPlan.RESOLVE_MOUNT_PATH + "/references/" + volume.volume())
          .put("readOnly", true);
      PodTree.arrayOf(fetcher, "volumeMounts")
          .addObject()
          .put("name", volume.volume())
          .put("mountPath", InjectionPlan.RESOLVE_MOUNT_PATH + "/resolved/" + volume.volume());
    }
  }

  /** The volumes to resolve; what stands in the way becomes a problem. */
  List<ResolvedVolume> volumes(Problems problems) {
    if (names.isEmpty()) {
      return List.of();
    }
    List<ResolvedVolume> volumes = new ArrayList<>();
    for (ObjectNode volume : PodTree.objects(spec, "volumes")) {
      if (concerns(volume)) {
        String name = PodTree.text(volume, "name");
        if (isReferences(volume)) {
          name = name.substring(0, name.length() - SUFFIX.length());
        } else if (name.length() + SUFFIX.length() > LONGEST_NAME) {
          problems.impossible(
              "its volume "
                  + name
                  + " is resolved, and needs a name of "
                  + (LONGEST_NAME - SUFFIX.length())
                  + " characters at most; rename it");
          continue;
        }
        requireResolvable(name, volume, problems);
        volumes.add(new ResolvedVolume(name, isMixed(volume)));
      }
    }
    requireNoVariables(problems);
    for (String name : names) {
      if (!name.equals(EVERY) && !found.contains(name)) {
        problems.impossible(
            "annotation "
                + PodWide.RESOLVE
                + " names Secret "
                + name
                + ", which no volume of the pod mounts; mount it, or remove the name");
      }
    }
    return volumes;
  }

  /** Puts the memory volumes in place. */
  void apply(List<ResolvedVolume> volumes, String sizeLimit) {
    for (ResolvedVolume resolved : volumes) {
      String name = resolved.volume();
      PodTree.find(spec, "volumes", "name", name)
          .filter(this::concerns)
          .ifPresent(
              volume -> {
                PodTree.arrayOf(spec, "volumes").add(volume.deepCopy().put("name", name + SUFFIX));
                volume.removeAll();
                volume.put("name", name);
                volume.putObject("emptyDir").put("medium", "Memory").put("sizeLimit", sizeLimit);
              });
      // As with any Secret's volume.
      for (String list : List.of("initContainers", "containers")) {
        for (ObjectNode container : PodTree.objects(spec, list)) {
          if (!FetcherContainer.isOurName(PodTree.text(container, "name"))) {
            PodTree.objects(container, "volumeMounts").stream()
                .filter(mount -> PodTree.text(mount, "name").equals(name))
                .forEach(mount -> mount.put("readOnly", true));
          }
        }
      }
    }
  }

  private boolean concerns(ObjectNode volume) {
    boolean concerned = isNamed(PodTree.text(volume.path("secret"), "secretName"));
    for (ObjectNode source : PodTree.objects(volume.path("projected"), "sources")) {
      concerned |= isNamed(PodTree.text(source.path("secret"), "name"));
    }
    return concerned;
  }

  private boolean isNamed(String secret) {
    if (secret.isEmpty() || !(names.contains(EVERY) || names.contains(secret))) {
      return false;
    }
    found.add(secret);
    return true;
  }

  /** Whether it is one that we renamed: then a memory volume has its old name. */
  private boolean isReferences(ObjectNode volume) {
    String name = PodTree.text(volume, "name");
    return name.endsWith(SUFFIX)
        && PodTree.find(spec, "volumes", "name", name.substring(0, name.length() - SUFFIX.length()))
            .filter(other -> PodTree.text(other.path("emptyDir"), "medium").equals("Memory"))
            .isPresent();
  }

  /** Whether other files than references may be in it. */
  private boolean isMixed(ObjectNode volume) {
    boolean others = names.contains(EVERY);
    for (ObjectNode source : PodTree.objects(volume.path("projected"), "sources")) {
      others |= !isNamed(PodTree.text(source.path("secret"), "name"));
    }
    return others;
  }

  private static void requireResolvable(String name, ObjectNode volume, Problems problems) {
    for (ObjectNode source : PodTree.objects(volume.path("projected"), "sources")) {
      if (source.has("serviceAccountToken")) {
        problems.impossible(
            "its volume "
                + name
                + " is resolved, but projects a ServiceAccount's token as well, which is replaced"
                + " every hour; project that into a volume of its own");
      }
    }
  }

  /** A variable would have the reference: kubelet reads the Secret by itself. */
  private void requireNoVariables(Problems problems) {
    for (String list : List.of("initContainers", "containers")) {
      for (ObjectNode container : PodTree.objects(spec, list)) {
        String which = "container " + PodTree.text(container, "name");
        for (ObjectNode all : PodTree.objects(container, "envFrom")) {
          refuseVariable(
              which
                  + " has all keys of Secret %s as variables (envFrom), and nobody knows them"
                  + " when the pod is created",
              all.path("secretRef"),
              problems);
        }
        for (ObjectNode variable : PodTree.objects(container, "env")) {
          refuseVariable(
              which
                  + " has variable "
                  + PodTree.text(variable, "name")
                  + " from Secret %s, and would get the reference",
              variable.path("valueFrom").path("secretKeyRef"),
              problems);
        }
      }
    }
  }

  private void refuseVariable(String what, JsonNode reference, Problems problems) {
    String secret = PodTree.text(reference, "name");
    // "*" means volumes: another Secret's variables may well be plain.
    if (!secret.isEmpty() && names.contains(secret)) {
      found.add(secret);
      problems.impossible(
          String.format(what, secret) + "; mount the Secret as a volume, and read the file");
    }
  }
}
