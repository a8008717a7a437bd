package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.ResolvedVolume;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A pod's variables from keys of native Secrets ({@code secretKeyRef}). Kubelet would hand over the
 * reference, so each becomes a {@code fileKeyRef}: kubelet fills one projected volume with the
 * references of all such keys, each in the file {@code SECRET/KEY}, and from that the fetcher
 * writes, into a memory volume, the files that kubelet reads the values from.
 */
final class ReferenceVariables {

  /** The memory volume, and what kubelet fills. */
  static final String VOLUME = FetcherContainer.VOLUME + "-env";

  static final String REFERENCES = ReferenceVolumes.name(VOLUME, -1);

  /** What the API server defaults to; spelled out, so that the volume comes back as it was. */
  private static final int DEFAULT_MODE = 0644;

  private final ObjectNode spec;
  private final ResolvedNames names;
  private final InjectorConfig config;

  /** Whether each key may be missing, by Secret and key. */
  private final Map<Key, Boolean> optionalByKey = new TreeMap<>();

  private final List<ObjectNode> converted = new ArrayList<>();

  ReferenceVariables(ObjectNode spec, ResolvedNames names, InjectorConfig config) {
    this.spec = spec;
    this.names = names;
    this.config = config;
  }

  private record Key(String secret, String key) implements Comparable<Key> {

    String path() {
      return secret + "/" + key;
    }

    @Override
    public int compareTo(Key other) {
      return path().compareTo(other.path());
    }
  }

  /** The volume with the variables' files, if there are any; warnings and problems are added. */
  Optional<ResolvedVolume> plan(Problems problems, List<String> warnings) {
    readReferences();
    List<ObjectNode> after = AppContainers.receivers(spec, Set.of());
    for (String list : List.of("initContainers", "containers")) {
      for (ObjectNode container : PodTree.objects(spec, list)) {
        if (!FetcherContainer.isOurName(PodTree.text(container, "name"))) {
          boolean before = after.stream().noneMatch(each -> PodTree.isOneNode(each, container));
          plan(container, before, problems, warnings);
        }
      }
    }
    if (optionalByKey.isEmpty()) {
      return Optional.empty();
    }
    PodTree.find(spec, "volumes", "name", VOLUME)
        .filter(volume -> !ReferenceVolumes.isMemory(volume))
        .ifPresent(
            volume ->
                problems.impossible(
                    "its volume "
                        + VOLUME
                        + " is not an emptyDir with medium Memory; rename it, since the values of"
                        + " variables go into a volume of that name"));
    return Optional.of(new ResolvedVolume(VOLUME, List.of(names.part()), true));
  }

  /** Puts the volumes in place, and the variables. */
  void apply() {
    if (optionalByKey.isEmpty()) {
      return;
    }
    ObjectNode references = volume(REFERENCES);
    ObjectNode filled = PodTree.newObject().put("defaultMode", DEFAULT_MODE);
    addSources(filled.putArray("sources"));
    if (!filled.equals(references.get("projected"))) {
      references.removeAll();
      references.put("name", REFERENCES).set("projected", filled);
    }
    ObjectNode values = volume(VOLUME);
    if (!ReferenceVolumes.isMemory(values)) {
      ReferenceVolumes.fill(values, config.volumeSizeLimit());
    }
    for (ObjectNode variable : converted) {
      JsonNode before = variable.path("valueFrom").path("secretKeyRef");
      Key key = new Key(PodTree.text(before, "name"), PodTree.text(before, "key"));
      variable
          .putObject("valueFrom")
          .putObject("fileKeyRef")
          .put("volumeName", VOLUME)
          .put("path", key.path())
          .put("key", ResolvedVolume.ENVIRONMENT_KEY)
          .put("optional", before.path("optional").asBoolean());
    }
  }

  private ObjectNode volume(String name) {
    return PodTree.find(spec, "volumes", "name", name)
        .orElseGet(() -> PodTree.arrayOf(spec, "volumes").addObject().put("name", name));
  }

  /** One source for the keys of a Secret that must be there, and one for those that needn't. */
  private void addSources(ArrayNode sources) {
    Set<String> secrets = new TreeSet<>();
    optionalByKey.keySet().forEach(key -> secrets.add(key.secret()));
    for (String secret : secrets) {
      for (boolean optional : List.of(false, true)) {
        List<Key> keys =
            optionalByKey.keySet().stream()
                .filter(key -> key.secret().equals(secret))
                .filter(key -> optional == Boolean.TRUE.equals(optionalByKey.get(key)))
                .toList();
        if (!keys.isEmpty()) {
          ObjectNode source = sources.addObject().putObject("secret").put("name", secret);
          ArrayNode items = source.putArray("items");
          keys.forEach(key -> items.addObject().put("key", key.key()).put("path", key.path()));
          source.put("optional", optional);
        }
      }
    }
  }

  /** What was put there before. */
  private void readReferences() {
    PodTree.find(spec, "volumes", "name", REFERENCES)
        .ifPresent(
            volume -> {
              for (ObjectNode source : PodTree.objects(volume.path("projected"), "sources")) {
                JsonNode secret = source.path("secret");
                names
                    .of(secret)
                    .ifPresent(
                        name ->
                            PodTree.objects(secret, "items")
                                .forEach(
                                    item ->
                                        add(
                                            new Key(name, PodTree.text(item, "key")),
                                            secret.path("optional").asBoolean())));
              }
            });
  }

  /** A key that one variable can't do without must be there for all. */
  private void add(Key key, boolean optional) {
    optionalByKey.merge(key, optional, Boolean::logicalAnd);
  }

  private void plan(
      ObjectNode container, boolean before, Problems problems, List<String> warnings) {
    String which = "container " + PodTree.text(container, "name");
    for (ObjectNode all : PodTree.objects(container, "envFrom")) {
      names
          .of(all.path("secretRef"))
          .ifPresent(
              secret ->
                  leave(
                      which
                          + " has all keys of Secret "
                          + secret
                          + " as variables (envFrom), and nobody knows them when the pod is created",
                      "name each key that it needs in env, or mount the Secret as a volume, and"
                          + " read the files",
                      problems,
                      warnings));
    }
    for (ObjectNode variable : PodTree.objects(container, "env")) {
      JsonNode reference = variable.path("valueFrom").path("secretKeyRef");
      String key = PodTree.text(reference, "key");
      Optional<String> secret = names.of(reference);
      if (secret.isEmpty() || key.isEmpty()) {
        continue;
      }
      String what =
          which
              + " has variable "
              + PodTree.text(variable, "name")
              + " from Secret "
              + secret.get();
      if (!config.environmentFiles()) {
        leave(
            what
                + ", and would get the reference: its value needs nodes that know fileKeyRef"
                + " (Kubernetes 1.35, or 1.34 with feature gate EnvFiles), and the operator didn't"
                + " switch on environmentFiles",
            "mount the Secret as a volume, and read the file, or ask for that option",
            problems,
            warnings);
      } else if (before) {
        leave(
            what + ", and starts before the fetcher, which writes the values",
            "move it behind " + FetcherContainer.INIT_NAME + ", or do without the variable there",
            problems,
            warnings);
      } else {
        add(new Key(secret.get(), key), reference.path("optional").asBoolean());
        converted.add(variable);
      }
    }
  }

  /**
   * What can't be resolved: refused where a native Secret was named; with {@code *} it may be a
   * plain one, for which all is well.
   */
  private void leave(String what, String fix, Problems problems, List<String> warnings) {
    if (names.isEvery()) {
      warnings.add(
          what + "; that stays as it is, so of a native Secret it gets references: " + fix);
    } else {
      problems.impossible(what + "; " + fix);
    }
  }
}
