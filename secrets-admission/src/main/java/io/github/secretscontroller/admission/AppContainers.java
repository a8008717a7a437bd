package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.admission.InjectionRequest.AppVariable;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The pod's own containers that get secrets: what they are given, and what stands in the way.
 * Ephemeral containers aren't among them; they come later, and mount what they like.
 */
final class AppContainers {

  /** The kinds of volumes that kubelet mounts read-only, whatever the mount says. */
  private static final List<String> ALWAYS_READ_ONLY =
      List.of("configMap", "secret", "projected", "downwardAPI", "image");

  private AppContainers() {}

  /** The names of all of the pod's own containers, in the order in which they start. */
  static List<String> names(JsonNode spec) {
    return Stream.of("initContainers", "containers")
        .flatMap(list -> PodTree.objects(spec, list).stream())
        .map(container -> PodTree.text(container, "name"))
        .filter(name -> !FetcherContainer.isOurName(name))
        .toList();
  }

  /** The chosen ones that start after ours, so that they find the secrets in place. */
  static List<ObjectNode> receivers(JsonNode spec, Set<String> chosen) {
    List<ObjectNode> receivers = new ArrayList<>();
    for (ObjectNode container : PodTree.objects(spec, "initContainers")) {
      if (FetcherContainer.isOurName(PodTree.text(container, "name"))) {
        receivers.clear();
      } else {
        receivers.add(container);
      }
    }
    receivers.removeIf(container -> !isChosen(container, chosen));
    receivers.addAll(regular(spec, chosen));
    return receivers;
  }

  /** The chosen ones that aren't init containers. */
  static List<ObjectNode> regular(JsonNode spec, Set<String> chosen) {
    List<ObjectNode> regular = PodTree.objects(spec, "containers");
    regular.removeIf(container -> !isChosen(container, chosen));
    return regular;
  }

  private static boolean isChosen(ObjectNode container, Set<String> chosen) {
    String name = PodTree.text(container, "name");
    return !FetcherContainer.isOurName(name) && (chosen.isEmpty() || chosen.contains(name));
  }

  /** Why a container can't have this mount, and what to do. */
  static Optional<String> obstacle(ObjectNode container, AppMount mount, JsonNode spec) {
    for (ObjectNode existing : PodTree.objects(container, "volumeMounts")) {
      String reason = isSame(existing, mount) ? null : collision(existing, mount, spec);
      if (reason != null) {
        return Optional.of(
            "container "
                + PodTree.text(container, "name")
                + " mounts its volume "
                + PodTree.text(existing, "name")
                + " at "
                + PodTree.normalise(PodTree.text(existing, "mountPath"))
                + reason
                + ", and the secrets go to "
                + mount.mountPath()
                + "; set annotation "
                + mount.annotation()
                + " to another path, or move that mount");
      }
    }
    return Optional.empty();
  }

  private static @Nullable String collision(ObjectNode existing, AppMount mount, JsonNode spec) {
    String path = PodTree.normalise(PodTree.text(existing, "mountPath"));
    if (path.equals(mount.mountPath())) {
      return "";
    }
    if (mount.readOnly() && mount.subPath() == null && PodTree.isWithin(path, mount.mountPath())) {
      return ", which could not be made inside of a read-only volume";
    }
    if (PodTree.isWithin(mount.mountPath(), path) && isReadOnly(existing, spec)) {
      return ", which is read-only, so that nothing can be mounted below it";
    }
    return null;
  }

  private static boolean isReadOnly(ObjectNode mount, JsonNode spec) {
    if (mount.path("readOnly").asBoolean()) {
      return true;
    }
    Optional<ObjectNode> volume =
        PodTree.find(spec, "volumes", "name", PodTree.text(mount, "name"));
    return volume.isPresent() && ALWAYS_READ_ONLY.stream().anyMatch(volume.get()::has);
  }

  /** Why a container can't have this variable, and what to do. */
  static Optional<String> obstacle(ObjectNode container, AppVariable variable) {
    return PodTree.find(container, "env", "name", variable.name())
        .filter(existing -> !existing.equals(reference(variable)))
        .map(
            existing ->
                "container "
                    + PodTree.text(container, "name")
                    + " has a variable "
                    + variable.name()
                    + " of its own; remove it, or give another name in annotation "
                    + variable.annotation());
  }

  /** Mounts the volume, unless that is done. */
  static void add(ObjectNode container, AppMount mount) {
    ArrayNode mounts = PodTree.arrayOf(container, "volumeMounts");
    for (JsonNode existing : mounts) {
      if (isSame(existing, mount)) {
        return;
      }
    }
    ObjectNode added = mounts.addObject();
    added.put("name", FetcherContainer.VOLUME).put("mountPath", mount.mountPath());
    if (mount.subPath() != null) {
      added.put("subPath", mount.subPath());
    }
    if (mount.readOnly()) {
      added.put("readOnly", true);
    }
  }

  /** Adds the variable, unless it is there. kubelet reads the file; no mount is needed for it. */
  static void add(ObjectNode container, AppVariable variable) {
    if (PodTree.find(container, "env", "name", variable.name()).isEmpty()) {
      PodTree.arrayOf(container, "env").add(reference(variable));
    }
  }

  private static ObjectNode reference(AppVariable variable) {
    ObjectNode env = PodTree.newObject().put("name", variable.name());
    ObjectNode reference = env.putObject("valueFrom").putObject("fileKeyRef");
    reference
        .put("volumeName", FetcherContainer.VOLUME)
        .put("path", variable.path())
        .put("key", variable.name())
        // Spelled out, as the API server would.
        .put("optional", variable.optional());
    return env;
  }

  private static boolean isSame(JsonNode existing, AppMount mount) {
    String subPath = mount.subPath() == null ? "" : mount.subPath();
    return PodTree.text(existing, "name").equals(FetcherContainer.VOLUME)
        && PodTree.normalise(PodTree.text(existing, "mountPath")).equals(mount.mountPath())
        && PodTree.text(existing, "subPath").equals(subPath);
  }
}
