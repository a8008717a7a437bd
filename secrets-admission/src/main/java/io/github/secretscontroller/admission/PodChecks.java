package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.admission.InjectionRequest.AppVariable;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan.OnChange;
import io.github.secretscontroller.core.InjectionPlan.Signal;
import io.github.secretscontroller.core.SecretFile;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What in a pod's spec, or in the cluster, stands in the way of its secrets. */
final class PodChecks {

  private final InjectorConfig config;
  private final JsonNode spec;
  private final Problems problems;

  PodChecks(InjectorConfig config, JsonNode spec, Problems problems) {
    this.config = config;
    this.spec = spec;
    this.problems = problems;
  }

  /** What doesn't depend on what the pod asks for. */
  void checkPlatform() {
    boolean windows =
        PodTree.text(spec.path("os"), "name").equals("windows")
            || PodTree.text(spec.path("nodeSelector"), "kubernetes.io/os").equals("windows");
    if (windows) {
      problems.impossible(
          "it is for Windows, where there are no memory volumes and the fetcher doesn't run;"
              + " remove the annotations, or run it on Linux");
    }
    if (!config.allowHostNamespaces()) {
      for (String field : List.of("hostNetwork", "hostPID", "hostIPC")) {
        if (spec.path(field).asBoolean()) {
          problems.forbidden(
              "it has "
                  + field
                  + ", and the operator doesn't inject secrets into pods that share a namespace"
                  + " with their node; remove "
                  + field
                  + ", or ask for allowHostNamespaces");
        }
      }
    }
  }

  /** What the request needs of the pod. */
  void check(InjectionRequest injection, Mode mode) {
    checkNames(mode);
    checkContainers(injection.containers());
    checkResources(injection);
    for (ObjectNode container : AppContainers.receivers(spec, injection.containers())) {
      for (AppMount mount : injection.mounts()) {
        AppContainers.obstacle(container, mount, spec).ifPresent(problems::impossible);
      }
      for (AppVariable variable : injection.environment()) {
        AppContainers.obstacle(container, variable).ifPresent(problems::impossible);
      }
    }
    checkEnvironmentFiles(injection.environment());
    checkHealthPort(mode);
    checkOnChange(injection, mode);
  }

  /** What is possible, but hardly meant so. */
  static List<String> warnings(InjectionRequest injection, Mode mode, PodUser user, JsonNode spec) {
    boolean group = spec.path("securityContext").path("fsGroup").isIntegralNumber();
    List<String> warnings = new ArrayList<>();
    for (SecretFile file : injection.plan().files()) {
      int readers = group ? 0044 : 0004;
      if (!user.isShared() && (file.mode() & readers) == 0) {
        warnings.add(
            "file \""
                + file.path()
                + "\" has mode "
                + String.format("%04o", file.mode())
                + " and belongs to user "
                + user.user()
                + ", as whom the pod's containers don't all run; set runAsUser in the pod's"
                + " securityContext, or let others read it");
      }
    }
    // Where a pod asks for init itself, its annotations contradict each other, and were told so.
    if (injection.mode() == null
        && mode == Mode.INIT
        && !injection.plan().onChange().equals(OnChange.NOTHING)) {
      warnings.add(
          PodWide.ON_CHANGE
              + " has no effect in mode init, which reads secrets once and is what the pod gets"
              + " here; set "
              + PodWide.MODE
              + " to sidecar");
    }
    return warnings;
  }

  private void checkNames(Mode mode) {
    PodTree.find(spec, "volumes", "name", FetcherContainer.VOLUME)
        .filter(volume -> !PodTree.text(volume.path("emptyDir"), "medium").equals("Memory"))
        .ifPresent(
            volume ->
                problems.impossible(
                    "its volume "
                        + FetcherContainer.VOLUME
                        + " is not an emptyDir with medium Memory; rename it, since secrets go into"
                        + " a volume of that name"));
    for (String list : List.of("initContainers", "containers")) {
      for (ObjectNode container : PodTree.objects(spec, list)) {
        String name = PodTree.text(container, "name");
        if (FetcherContainer.isOurName(name)
            && !(FetcherRepair.isOurs(container)
                && FetcherPlacement.isExpected(mode, spec, list, name))) {
          problems.impossible(
              "it has a container "
                  + name
                  + " of its own; remove or rename it, since the injected container has that name");
        }
      }
    }
  }

  private void checkContainers(Set<String> chosen) {
    if (chosen.isEmpty()) {
      return;
    }
    List<String> names = AppContainers.names(spec);
    for (String name : new TreeSet<>(chosen)) {
      if (!names.contains(name)) {
        problems.impossible(
            "annotation "
                + PodWide.CONTAINERS
                + " names \""
                + name
                + "\", which the pod doesn't have; its containers are "
                + String.join(", ", names)
                + NearMiss.of(name, names)
                    .map(meant -> " (did you mean " + meant + "?)")
                    .orElse(""));
      }
    }
  }

  private void checkResources(InjectionRequest injection) {
    injection
        .resources()
        .forEach(
            (resource, asked) -> {
              String annotation = Annotations.PREFIX + "resources." + resource;
              String most = config.resources().maximum().get(resource);
              if (Quantity.of(asked).isEmpty()) {
                problems.impossible(
                    "annotation "
                        + annotation
                        + " is \""
                        + asked
                        + "\", which is no quantity such as 50m or 64Mi");
              } else if (most != null && Quantity.isMore(asked, most)) {
                problems.forbidden(
                    "annotation "
                        + annotation
                        + " asks for "
                        + asked
                        + ", more than the operator's maximum of "
                        + most
                        + "; ask for less");
              }
            });
  }

  private void checkEnvironmentFiles(List<AppVariable> environment) {
    if (!environment.isEmpty() && !config.environmentFiles()) {
      problems.impossible(
          "annotation "
              + environment.get(0).annotation()
              + " asks for an environment variable, which needs nodes that know fileKeyRef"
              + " (Kubernetes 1.35, or 1.34 with feature gate EnvFiles), and the operator didn't"
              + " switch on environmentFiles; read the secret from a file, or ask for that option");
    }
  }

  private void checkHealthPort(Mode mode) {
    if (mode == Mode.INIT) {
      return;
    }
    List<ObjectNode> running = PodTree.objects(spec, "containers");
    for (ObjectNode container : PodTree.objects(spec, "initContainers")) {
      // A native sidecar.
      if (PodTree.text(container, "restartPolicy").equals("Always")) {
        running.add(container);
      }
    }
    running.removeIf(container -> FetcherContainer.isOurName(PodTree.text(container, "name")));
    for (ObjectNode container : running) {
      for (ObjectNode port : PodTree.objects(container, "ports")) {
        if (port.path("containerPort").asInt() == config.healthPort()) {
          problems.impossible(
              "container "
                  + PodTree.text(container, "name")
                  + " has port "
                  + config.healthPort()
                  + ", at which the sidecar answers probes; choose another, or ask the operator to"
                  + " change healthPort");
        }
      }
    }
  }

  private void checkOnChange(InjectionRequest injection, Mode mode) {
    if (mode != Mode.INIT && injection.plan().onChange() instanceof Signal) {
      checkSignal(AppContainers.regular(spec, injection.containers()));
    }
  }

  /** A process may signal those of its own user only: the fetcher has no capability to do more. */
  private void checkSignal(List<ObjectNode> containers) {
    String because = "annotation " + PodWide.ON_CHANGE + " asks for a signal, which ";
    if (spec.path("hostPID").asBoolean()) {
      problems.impossible(because + "a pod with hostPID can't have; remove hostPID");
    }
    if (spec.path("shareProcessNamespace").isBoolean()
        && !spec.path("shareProcessNamespace").booleanValue()) {
      problems.impossible(
          because + "needs shareProcessNamespace, and the pod says false; remove that line");
    }
    if (!PodUser.of(spec, containers).isShared()) {
      List<String> users = new ArrayList<>();
      for (ObjectNode container : containers) {
        users.add(
            PodTree.text(container, "name")
                + " as "
                + PodUser.of(spec, container, "runAsUser")
                    .map(String::valueOf)
                    .orElse("its image"));
      }
      problems.impossible(
          because
              + "only a process of the same user can send; set one runAsUser, other than 0, for all"
              + " containers with secrets (now "
              + String.join(", ", users)
              + ")");
    }
  }
}
