package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.ResolvedVolume.Part;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A pod's volumes of native Secrets. The one that kubelet fills with references goes to the fetcher
 * by another name; under its own name the pod's containers get a memory volume, so their mounts
 * stay as they are.
 *
 * <p>A projected volume may have other sources besides, say a ConfigMap, of which no file may be
 * taken for a reference, whatever it looks like. So it is cut into one volume for each run of
 * sources of one kind, in their order: where two have a file of one name, the later one counts.
 */
final class ReferenceVolumes {

  private static final String SUFFIX = "-references";
  private static final Pattern RENAMED = Pattern.compile("(.+)" + SUFFIX + "(-[0-9]+)?");
  private static final int LONGEST_NAME = 63;

  /** Sources whose files are replaced every hour or so, and must not get old. */
  private static final List<String> SHORT_LIVED = List.of("serviceAccountToken", "podCertificate");

  private static final int OTHERS = 0007;
  private static final int OTHERS_WRITE = 0002;
  private static final int OTHERS_READ = 0004;
  private static final int OPENED = OTHERS_READ | OTHERS_WRITE;

  private final ObjectNode spec;
  private final ResolvedNames names;
  private final String sizeLimit;
  private final Set<String> planned = new HashSet<>();

  ReferenceVolumes(ObjectNode spec, ResolvedNames names, String sizeLimit) {
    this.spec = spec;
    this.names = names;
    this.sizeLimit = sizeLimit;
  }

  /**
   * What the volume with references is called.
   *
   * @param part which part of it; negative if there is only one
   */
  static String name(String volume, int part) {
    return volume + SUFFIX + (part < 0 ? "" : "-" + part);
  }

  /** The volumes to resolve; what stands in the way becomes a problem. */
  List<ResolvedVolume> plan(Problems problems) {
    Map<String, List<Part>> parts = new LinkedHashMap<>();
    for (ObjectNode volume : PodTree.objects(spec, "volumes")) {
      String name = PodTree.text(volume, "name");
      String before = nameBefore(name);
      if (name.equals(ReferenceVariables.REFERENCES)) {
        // Of variables.
        continue;
      }
      if (before != null) {
        parts.computeIfAbsent(before, key -> new ArrayList<>()).addAll(kinds(volume));
      } else if (concerns(volume)) {
        requireResolvable(name, volume, problems);
        parts.put(name, kinds(volume));
      }
    }
    List<ResolvedVolume> plan = new ArrayList<>();
    parts.forEach(
        (name, kinds) -> {
          if (kinds.stream().anyMatch(kind -> kind != Part.VERBATIM)) {
            add(plan, name, kinds, problems);
          }
        });
    plan.forEach(volume -> planned.add(volume.volume()));
    return plan;
  }

  private static void add(
      List<ResolvedVolume> plan, String name, List<Part> kinds, Problems problems) {
    if (name.equals(ReferenceVariables.VOLUME)) {
      problems.impossible(
          "its volume " + name + " is resolved; rename it, since the webhook has one of that name");
      return;
    }
    try {
      plan.add(new ResolvedVolume(name, kinds, false));
    } catch (IllegalArgumentException noName) {
      // Nobody has checked the pod's names before.
      problems.impossible(noName.getMessage() + "; correct the manifest");
    }
  }

  /** Puts the memory volumes of the plan in place. */
  void apply() {
    List<String> resolved = new ArrayList<>();
    for (ObjectNode volume : PodTree.objects(spec, "volumes")) {
      String name = PodTree.text(volume, "name");
      String before = nameBefore(name);
      if (before != null) {
        // Somebody's own volumes may be named like a pair of ours.
        if (planned.contains(before)) {
          resolved.add(before);
        }
      } else if (planned.contains(name) && concerns(volume)) {
        resolved.add(name);
        split(volume).forEach(PodTree.arrayOf(spec, "volumes")::add);
        volume.removeAll();
        volume.put("name", name);
        fill(volume, sizeLimit);
      }
    }
    // As with any Secret's volume.
    for (String list : List.of("initContainers", "containers")) {
      for (ObjectNode container : PodTree.objects(spec, list)) {
        if (!FetcherContainer.isOurName(PodTree.text(container, "name"))) {
          PodTree.objects(container, "volumeMounts").stream()
              .filter(mount -> resolved.contains(PodTree.text(mount, "name")))
              .forEach(mount -> mount.put("readOnly", true));
        }
      }
    }
  }

  static void fill(ObjectNode volume, String sizeLimit) {
    volume.putObject("emptyDir").put("medium", "Memory").put("sizeLimit", sizeLimit);
  }

  static boolean isMemory(JsonNode volume) {
    return PodTree.text(volume.path("emptyDir"), "medium").equals("Memory");
  }

  private boolean concerns(ObjectNode volume) {
    boolean concerned = names.cover(PodTree.text(volume.path("secret"), "secretName"));
    for (ObjectNode source : PodTree.objects(volume.path("projected"), "sources")) {
      concerned |= kind(source) != Part.VERBATIM;
    }
    return concerned;
  }

  private Part kind(ObjectNode source) {
    return names.of(source.path("secret")).isPresent() ? names.part() : Part.VERBATIM;
  }

  /** The name that a volume had before we renamed it: a memory volume has that now. */
  private @Nullable String nameBefore(String name) {
    Matcher renamed = RENAMED.matcher(name);
    return renamed.matches()
            && PodTree.find(spec, "volumes", "name", renamed.group(1))
                .filter(ReferenceVolumes::isMemory)
                .isPresent()
        ? renamed.group(1)
        : null;
  }

  /** One for each run of sources of the same kind. */
  private List<Part> kinds(ObjectNode volume) {
    List<Part> kinds = new ArrayList<>();
    for (ObjectNode source : PodTree.objects(volume.path("projected"), "sources")) {
      Part kind = kind(source);
      if (kinds.isEmpty() || kinds.get(kinds.size() - 1) != kind) {
        kinds.add(kind);
      }
    }
    boolean covered = names.cover(PodTree.text(volume.path("secret"), "secretName"));
    return kinds.isEmpty() ? List.of(covered ? names.part() : Part.VERBATIM) : kinds;
  }

  /** The volumes for the fetcher. */
  private List<ObjectNode> split(ObjectNode volume) {
    String name = PodTree.text(volume, "name");
    if (kinds(volume).size() == 1) {
      ObjectNode whole = volume.deepCopy().put("name", name(name, -1));
      openModes(whole);
      return List.of(whole);
    }
    List<ObjectNode> parts = new ArrayList<>();
    Part last = null;
    ArrayNode sources = spec.arrayNode();
    for (ObjectNode source : PodTree.objects(volume.path("projected"), "sources")) {
      Part kind = kind(source);
      if (kind != last) {
        ObjectNode part = volume.deepCopy().put("name", name(name, parts.size()));
        sources = ((ObjectNode) part.get("projected")).putArray("sources");
        parts.add(part);
        last = kind;
      }
      sources.add(source.deepCopy());
    }
    parts.forEach(ReferenceVolumes::openModes);
    return parts;
  }

  /**
   * Lets the fetcher read what only root could, as it never is root. For others to read and write
   * stands for nothing for others at all: so the fetcher gives its files the modes that were meant.
   */
  private static void openModes(ObjectNode volume) {
    for (String kind : List.of("secret", "projected")) {
      if (volume.get(kind) instanceof ObjectNode filled) {
        openMode(filled, "defaultMode");
        openItems(filled);
        for (ObjectNode source : PodTree.objects(filled, "sources")) {
          for (JsonNode each : source) {
            openItems(each);
          }
        }
      }
    }
  }

  private static void openItems(JsonNode source) {
    PodTree.objects(source, "items").forEach(item -> openMode(item, "mode"));
  }

  private static void openMode(ObjectNode owner, String field) {
    JsonNode mode = owner.path(field);
    if (mode.isIntegralNumber()) {
      int kept = mode.intValue() & ~OTHERS_WRITE;
      owner.put(field, (kept & OTHERS_READ) == 0 ? (kept & ~OTHERS) | OPENED : kept);
    }
  }

  private void requireResolvable(String name, ObjectNode volume, Problems problems) {
    int parts = kinds(volume).size();
    String longest = name(name, parts == 1 ? -1 : parts - 1);
    if (longest.length() > LONGEST_NAME) {
      problems.impossible(
          "its volume "
              + name
              + " is resolved, and needs a name of "
              + (LONGEST_NAME - longest.length() + name.length())
              + " characters at most; rename it");
    }
    for (int i = parts == 1 ? -1 : 0; i < (parts == 1 ? 0 : parts); i++) {
      if (PodTree.find(spec, "volumes", "name", name(name, i)).isPresent()) {
        problems.impossible(
            "its volume "
                + name
                + " is resolved, and the fetcher gets it as "
                + name(name, i)
                + ", a name that another volume has; rename that one");
      }
    }
    for (ObjectNode source : PodTree.objects(volume.path("projected"), "sources")) {
      for (String kind : SHORT_LIVED) {
        if (source.has(kind)) {
          problems.impossible(
              "its volume "
                  + name
                  + " is resolved, but projects "
                  + (kind.equals("podCertificate")
                      ? "the pod's certificate as well, which is replaced when it gets old"
                      : "a ServiceAccount's token as well, which is replaced every hour")
                  + "; project that into a volume of its own");
        }
      }
    }
  }
}
