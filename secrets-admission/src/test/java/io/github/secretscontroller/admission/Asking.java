package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.gson.JsonParser;
import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.admission.InjectionRequest.AppVariable;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.OnChange;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretReference;
import io.kubernetes.client.openapi.models.V1Pod;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A pod that asks for something, whatever annotations say so: a test of the injector makes the
 * request that {@link Annotations} would have read.
 */
final class Asking {

  private final List<SecretFile> files = new ArrayList<>();
  private final List<AppMount> mounts = new ArrayList<>();
  private final List<AppVariable> variables = new ArrayList<>();
  private final Map<String, String> annotations = new HashMap<>();
  private Map<String, String> resources = Map.of();
  private Set<String> containers = Set.of();
  private OnChange onChange = OnChange.NOTHING;
  private @Nullable String failoverRegion;
  private @Nullable Mode mode;
  private InjectorConfig.Builder config = Pods.config();

  static Asking of(Mode mode) {
    Asking asking = new Asking();
    asking.mode = mode;
    return asking;
  }

  Asking config(InjectorConfig.Builder operators) {
    this.config = operators;
    return this;
  }

  Asking file(String secret, String path, int fileMode) {
    annotations.put(Annotations.SECRET_ARN, secret);
    files.add(SecretFile.of(SecretReference.parse(secret), path).withMode(fileMode));
    return this;
  }

  Asking mount(String path, @Nullable String subPath) {
    mounts.add(new AppMount(Annotations.MOUNT_PATH, path, subPath, true));
    return this;
  }

  Asking variable(String name, String key, boolean optional) {
    String path = "env/" + name;
    SecretReference db = SecretReference.parse("prod/db");
    files.add(SecretFile.of(db, path).withContent(new EnvironmentFile(Map.of(name, key))));
    variables.add(new AppVariable("secrets.k8s.aws/env.db", name, path, optional));
    return this;
  }

  Asking containers(String... names) {
    this.containers = Set.of(names);
    return this;
  }

  Asking resources(Map<String, String> quantityByResource) {
    this.resources = quantityByResource;
    return this;
  }

  Asking onChange(OnChange action) {
    this.onChange = action;
    return this;
  }

  Asking failoverRegion(String region) {
    this.failoverRegion = region;
    return annotation(PodWide.FAILOVER_REGION, region);
  }

  Asking annotation(String key, String value) {
    annotations.put(key, value);
    return this;
  }

  private PodVerdict mutate(ObjectNode pod) {
    if (files.isEmpty()) {
      file("prod/db", "db", 0444);
    }
    if (mounts.isEmpty()) {
      mount("/var/run/secrets/k8s.aws", null);
    }
    InjectionPlan plan =
        InjectionPlan.builder()
            .files(files)
            .failoverRegion(failoverRegion)
            .onChange(onChange)
            .build();
    InjectionRequest request =
        new InjectionRequest(plan, mounts, mode, containers, resources, variables);
    return new SecretInjector(config.build())
        .mutate(
            pod,
            request(pod),
            annotations,
            new Annotations.Reading(request, null, List.of(), List.of()),
            new Problems());
  }

  private PodRequest request(ObjectNode pod) {
    return new PodRequest(
        "uid",
        pod.path("metadata").path("namespace").asText("default"),
        "web",
        null,
        null,
        "CREATE",
        false,
        "somebody",
        annotations);
  }

  /**
   * What is stored. The change goes through the differ and a JSON Patch implementation of others,
   * and the result is a pod in the eyes of the typed model.
   */
  ObjectNode admitted(ObjectNode pod) {
    ObjectNode after = patched(pod);
    try {
      V1Pod.validateJsonElement(JsonParser.parseString(after.toString()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return after;
  }

  /** The same for a pod that has fields which no model knows. */
  ObjectNode patched(ObjectNode pod) {
    ObjectNode after = pod.deepCopy();
    if (mutate(after) instanceof PodVerdict.Refused refused) {
      throw new AssertionError("refused: " + refused.message());
    }
    ObjectNode patched = Pods.apply(JsonDiff.diff(pod, after), pod);
    if (!patched.equals(after)) {
      throw new AssertionError("the patch differs by " + JsonDiff.diff(patched, after));
    }
    return after;
  }

  List<String> warnings(ObjectNode pod) {
    return ((PodVerdict.Allowed) mutate(pod.deepCopy())).warnings();
  }

  PodVerdict.Refused refused(ObjectNode pod) {
    PodVerdict verdict = mutate(pod.deepCopy());
    if (verdict instanceof PodVerdict.Refused refused) {
      return refused;
    }
    throw new AssertionError("not refused");
  }

  String refusal(ObjectNode pod) {
    return refused(pod).message();
  }
}
