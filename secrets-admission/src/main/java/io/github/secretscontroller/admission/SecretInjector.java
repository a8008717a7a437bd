package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.core.InjectionPlan.SecretFile;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Injects into annotated Pods what brings them their secrets: a memory volume, a first init
 * container that fetches, and mounts in the Pod's own containers. It reads no secret itself and
 * needs no AWS permission.
 *
 * <p>Handling an injected Pod again changes nothing, unless something is missing, such as the mount
 * in a container that another webhook added. Whether something is missing is told from the Pod's
 * spec, not from the {@code status} annotation, which anybody could write. Mirror Pods and excluded
 * namespaces are left alone. A Pod that asks for something impossible is refused with all reasons
 * at once.
 *
 * <p>Thread-safe.
 */
public final class SecretInjector implements PodMutator {

  private static final String MIRROR = "kubernetes.io/config.mirror";

  private final InjectorConfig config;

  /** An injector with the operator's settings. */
  public SecretInjector(InjectorConfig config) {
    this.config = config;
  }

  @Override
  public boolean concerns(PodRequest request) {
    return Annotations.concern(request.annotations());
  }

  @Override
  public PodVerdict mutate(ObjectNode pod, PodRequest request) {
    Map<String, String> annotations = annotations(pod);
    if (!Annotations.concern(annotations)
        || annotations.containsKey(MIRROR)
        || !(pod.get("spec") instanceof ObjectNode spec)) {
      return PodVerdict.allow();
    }
    Annotations.Reading reading = Annotations.read(annotations, fileMode(spec));
    if (config.excludes(request.namespace())) {
      return new PodVerdict.Allowed(
          List.of(
              "nothing is injected, since the operator excluded namespace " + request.namespace()),
          Map.of());
    }
    if (!reading.problems().isEmpty()) {
      return refuse(request, reading.problems());
    }
    InjectionRequest injection = reading.request();
    if (injection == null) {
      return new PodVerdict.Allowed(reading.warnings(), Map.of());
    }
    List<String> problems = obstacles(spec, injection);
    if (!problems.isEmpty()) {
      return refuse(request, problems);
    }
    String planJson;
    try {
      planJson = injection.plan().toJson();
    } catch (IllegalArgumentException e) {
      return refuse(request, List.of(e.getMessage() + "; name fewer secrets in one pod"));
    }
    inject(spec, injection, planJson);
    String digest = digest(planJson);
    ObjectNode marks = PodTree.objectOf(PodTree.objectOf(pod, "metadata"), "annotations");
    marks.put(Annotations.STATUS, "injected");
    marks.put(Annotations.PLAN_DIGEST, digest);
    return new PodVerdict.Allowed(
        reading.warnings(),
        Map.of(
            "plan-digest",
            digest,
            "secrets",
            Long.toString(
                injection.plan().files().stream()
                    .map(SecretFile::secret)
                    .map(secret -> secret.withSelector(null))
                    .distinct()
                    .count())));
  }

  /** The tree's annotations, not the request's: a mutator before this one may have added some. */
  private static Map<String, String> annotations(ObjectNode pod) {
    Map<String, String> annotations = new HashMap<>();
    for (Map.Entry<String, JsonNode> entry :
        pod.path("metadata").path("annotations").properties()) {
      if (entry.getValue().isTextual()) {
        annotations.put(entry.getKey(), entry.getValue().textValue());
      }
    }
    return annotations;
  }

  /** Files of a pod with an fsGroup belong to that group, so others needn't read them. */
  private static int fileMode(ObjectNode spec) {
    return spec.path("securityContext").path("fsGroup").isIntegralNumber()
        ? 0440
        : SecretFile.DEFAULT_MODE;
  }

  /** What in the pod itself stands in the way. */
  private static List<String> obstacles(ObjectNode spec, InjectionRequest injection) {
    List<String> problems = new ArrayList<>();
    PodTree.find(spec, "volumes", "name", FetcherContainer.VOLUME)
        .filter(volume -> !isMemory(volume))
        .ifPresent(
            volume ->
                problems.add(
                    "its volume "
                        + FetcherContainer.VOLUME
                        + " is not an emptyDir with medium Memory; rename it, since secrets go into"
                        + " a volume of that name"));
    String name = FetcherContainer.INIT_NAME;
    boolean taken =
        PodTree.find(spec, "containers", "name", name).isPresent()
            || PodTree.find(spec, "initContainers", "name", name)
                .filter(container -> !FetcherContainer.isOurs(container))
                .isPresent();
    if (taken) {
      problems.add(
          "it has a container "
              + name
              + " of its own; remove or rename it, since the injected container has that name");
    }
    for (ObjectNode container : receivers(spec)) {
      for (AppMount mount : injection.mounts()) {
        collision(container, mount).ifPresent(problems::add);
      }
    }
    return problems;
  }

  private static boolean isMemory(ObjectNode volume) {
    return PodTree.text(volume.path("emptyDir"), "medium").equals("Memory");
  }

  private static Optional<String> collision(ObjectNode container, AppMount mount) {
    for (ObjectNode existing : PodTree.objects(container, "volumeMounts")) {
      String path = PodTree.normalise(PodTree.text(existing, "mountPath"));
      if (isSame(existing, mount)) {
        continue;
      }
      String reason = null;
      if (path.equals(mount.mountPath())) {
        reason = "";
      } else if (mount.readOnly()
          && mount.subPath() == null
          && PodTree.isWithin(path, mount.mountPath())) {
        reason = ", which could not be made inside of a read-only volume";
      } else if (existing.path("readOnly").asBoolean()
          && PodTree.isWithin(mount.mountPath(), path)) {
        reason = ", which is read-only, so that nothing can be mounted below it";
      }
      if (reason != null) {
        return Optional.of(
            "container "
                + PodTree.text(container, "name")
                + " mounts its volume "
                + PodTree.text(existing, "name")
                + " at "
                + path
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

  private void inject(ObjectNode spec, InjectionRequest injection, String planJson) {
    if (PodTree.find(spec, "volumes", "name", FetcherContainer.VOLUME).isEmpty()) {
      PodTree.arrayOf(spec, "volumes")
          .add(
              FetcherContainer.volume(
                  injection.isWritable() ? config.tmpSizeLimit() : config.volumeSizeLimit()));
    }
    ObjectNode fetcher =
        PodTree.find(spec, "initContainers", "name", FetcherContainer.INIT_NAME)
            .orElseGet(
                () -> {
                  ObjectNode created = FetcherContainer.create(config, planJson, spec);
                  PodTree.arrayOf(spec, "initContainers").insert(0, created);
                  return created;
                });
    FetcherContainer.repair(fetcher, planJson);
    PodIdentity.copy(spec, fetcher);
    for (ObjectNode container : receivers(spec)) {
      for (AppMount mount : injection.mounts()) {
        addMount(container, mount);
      }
    }
  }

  /** The containers that start after ours: they find the secrets in place. */
  private static List<ObjectNode> receivers(ObjectNode spec) {
    List<ObjectNode> receivers = new ArrayList<>();
    for (ObjectNode container : PodTree.objects(spec, "initContainers")) {
      if (PodTree.text(container, "name").equals(FetcherContainer.INIT_NAME)) {
        receivers.clear();
      } else {
        receivers.add(container);
      }
    }
    receivers.addAll(PodTree.objects(spec, "containers"));
    return receivers;
  }

  private static void addMount(ObjectNode container, AppMount mount) {
    boolean present =
        PodTree.objects(container, "volumeMounts").stream()
            .anyMatch(existing -> isSame(existing, mount));
    if (!present) {
      ObjectNode added =
          PodTree.arrayOf(container, "volumeMounts")
              .addObject()
              .put("name", FetcherContainer.VOLUME)
              .put("mountPath", mount.mountPath());
      if (mount.subPath() != null) {
        added.put("subPath", mount.subPath());
      }
      if (mount.readOnly()) {
        added.put("readOnly", true);
      }
    }
  }

  private static boolean isSame(ObjectNode existing, AppMount mount) {
    String subPath = mount.subPath() == null ? "" : mount.subPath();
    return PodTree.text(existing, "name").equals(FetcherContainer.VOLUME)
        && PodTree.normalise(PodTree.text(existing, "mountPath")).equals(mount.mountPath())
        && PodTree.text(existing, "subPath").equals(subPath);
  }

  private static PodVerdict refuse(PodRequest request, List<String> problems) {
    StringBuilder message = new StringBuilder(request.describePod());
    if (problems.size() == 1) {
      message.append(" can't get its secrets: ").append(problems.get(0));
    } else {
      message.append(" can't get its secrets for ").append(problems.size()).append(" reasons:");
      for (int i = 0; i < problems.size(); i++) {
        message.append(i == 0 ? " (" : "; (").append(i + 1).append(") ").append(problems.get(i));
      }
    }
    return PodVerdict.refuse(400, message.toString());
  }

  private static String digest(String planJson) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(planJson.getBytes(StandardCharsets.UTF_8));
      return "sha256:" + HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
