package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.Signal;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Injects into annotated Pods what brings them their secrets: a memory volume, a container that
 * fetches (first of the init containers, as a native sidecar, or both), and mounts in the Pod's own
 * containers. It reads no secret itself and needs no AWS permission.
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

  /** In the audit log of a pod that was injected, and of no other. */
  static final String AUDIT_DIGEST = "plan-digest";

  private static final String MIRROR = "kubernetes.io/config.mirror";

  private final InjectorConfig config;

  /** An injector with the operator's settings. */
  public SecretInjector(InjectorConfig config) {
    this.config = config;
  }

  @Override
  public boolean concerns(PodRequest request) {
    return concern(request.annotations());
  }

  private static boolean concern(Map<String, String> annotations) {
    return annotations.containsKey(NaseAnnotation.KEY) || Annotations.concern(annotations);
  }

  @Override
  public PodVerdict mutate(ObjectNode pod, PodRequest request) {
    return mutate(pod, request, new Problems());
  }

  /** The same; the reasons of a refusal are left in {@code problems}. */
  PodVerdict mutate(ObjectNode pod, PodRequest request, Problems problems) {
    Map<String, String> annotations = annotations(pod);
    if (!concern(annotations)
        || annotations.containsKey(MIRROR)
        || !(pod.get("spec") instanceof ObjectNode spec)) {
      return PodVerdict.allow();
    }
    boolean nase = annotations.containsKey(NaseAnnotation.KEY);
    Map<String, String> meant =
        nase && config.isNase() ? NaseAnnotation.translate(annotations) : annotations;
    Annotations.Reading reading = Annotations.read(meant, fileMode(spec));
    if (nase && !config.isNase()) {
      reading = reading.withWarning(NaseAnnotation.ignored());
    }
    return mutate(pod, request, meant, reading, problems);
  }

  /** The same for annotations that were read. */
  PodVerdict mutate(
      ObjectNode pod,
      PodRequest request,
      Map<String, String> annotations,
      Annotations.Reading reading,
      Problems problems) {
    ObjectNode spec = PodTree.objectOf(pod, "spec");
    if (config.excludes(request.namespace())) {
      return new PodVerdict.Allowed(
          List.of(
              "nothing is injected, since the operator excluded namespace " + request.namespace()),
          Map.of());
    }
    InjectionRequest injection = reading.request();
    PodWide podWide = reading.podWide();
    List<String> resolve = podWide == null ? List.of() : podWide.resolve();
    if (injection == null && resolve.isEmpty() && reading.problems().isEmpty()) {
      return new PodVerdict.Allowed(reading.warnings(), Map.of());
    }
    reading.problems().forEach(problems::impossible);
    PodChecks checks = new PodChecks(config, spec, problems);
    checks.checkPlatform();
    ResolvedSecrets secrets = new ResolvedSecrets(spec, resolve, config);
    List<ResolvedVolume> volumes = secrets.plan(problems);
    List<String> warnings = new ArrayList<>(reading.warnings());
    warnings.addAll(secrets.warnings());
    if (injection == null && podWide != null && !volumes.isEmpty()) {
      injection = InjectionRequest.resolving(podWide, volumes);
    } else if (injection == null) {
      return problems.isEmpty()
          ? new PodVerdict.Allowed(warnings, Map.of())
          : problems.refuse(request);
    }
    Mode mode = FetcherPlacement.choose(injection, config, spec, problems);
    checks.check(injection, mode);
    InjectionPlan plan =
        new PlanCompletion(config, request.namespace(), spec, annotations)
            .complete(injection.plan(), volumes, mode, problems);
    String planJson = json(plan, problems);
    if (!problems.isEmpty()) {
      return problems.refuse(request);
    }
    PodUser user = PodUser.of(spec, AppContainers.regular(spec, injection.containers()));
    warnings.addAll(PodChecks.warnings(injection, mode, user, spec));
    FetcherContainer maker =
        new FetcherContainer(config, plan, planJson, injection.resources(), spec);
    secrets.apply();
    FetcherPlacement.place(mode, spec, maker, user, config);
    inject(spec, injection, mode);
    return new PodVerdict.Allowed(warnings, mark(pod, plan, planJson));
  }

  private static String json(InjectionPlan plan, Problems problems) {
    try {
      return plan.toJson();
    } catch (IllegalArgumentException e) {
      problems.impossible(e.getMessage() + "; name fewer secrets in one pod");
      return "";
    }
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

  private void inject(ObjectNode spec, InjectionRequest injection, Mode mode) {
    if (PodTree.find(spec, "volumes", "name", FetcherContainer.VOLUME).isEmpty()) {
      PodTree.arrayOf(spec, "volumes")
          .add(
              FetcherContainer.volume(
                  injection.isWritable() ? config.tmpSizeLimit() : config.volumeSizeLimit()));
    }
    for (String name : config.imagePullSecrets()) {
      if (PodTree.find(spec, "imagePullSecrets", "name", name).isEmpty()) {
        PodTree.arrayOf(spec, "imagePullSecrets").addObject().put("name", name);
      }
    }
    if (mode != Mode.INIT && injection.plan().onChange() instanceof Signal) {
      spec.put("shareProcessNamespace", true);
    }
    for (ObjectNode container : AppContainers.receivers(spec, injection.containers())) {
      injection.mounts().forEach(mount -> AppContainers.add(container, mount));
      injection.environment().forEach(variable -> AppContainers.add(container, variable));
    }
  }

  /** Marks the pod for people, and tells the audit log. */
  private static Map<String, String> mark(ObjectNode pod, InjectionPlan plan, String planJson) {
    String digest = digest(planJson);
    ObjectNode marks = PodTree.objectOf(PodTree.objectOf(pod, "metadata"), "annotations");
    marks.put(Annotations.STATUS, "injected");
    marks.put(Annotations.PLAN_DIGEST, digest);
    return Map.of(AUDIT_DIGEST, digest, "secrets", Integer.toString(secrets(plan)));
  }

  /** How many secrets the plan names, whatever it selects of each. */
  private static int secrets(InjectionPlan plan) {
    Set<SecretReference> secrets = new HashSet<>();
    for (SecretFile file : plan.files()) {
      if (file.secret() != null) {
        secrets.add(file.secret().withSelector(null));
      }
    }
    return secrets.size();
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
