package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan.Signal;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("Of a pod's containers")
class ChosenContainersTest {

  private static final InjectorConfig.Builder ENV_FILES = Pods.config().environmentFiles(true);

  /** Containers web and log; init containers migrate and warm. */
  private static ObjectNode pod() {
    ObjectNode pod = Pods.recordedPod("pod-with-init-containers-create");
    PodTree.arrayOf((ObjectNode) pod.get("spec"), "containers").addObject().put("name", "log");
    return pod;
  }

  private static ObjectNode container(ObjectNode pod, String name) {
    return PodTree.find(pod.get("spec"), "containers", "name", name)
        .or(() -> PodTree.find(pod.get("spec"), "initContainers", "name", name))
        .orElseThrow();
  }

  private static List<String> mounts(ObjectNode pod, String name) {
    return Pods.secretMounts(container(pod, name));
  }

  @Test
  @DisplayName("all get the secrets, init containers and sidecars of others included")
  void all() {
    ObjectNode pod = Asking.of(Mode.SIDECAR).admitted(pod());
    for (String name : List.of("migrate", "warm", "web", "log")) {
      assertThat(mounts(pod, name)).containsExactly("/var/run/secrets/k8s.aws");
    }
  }

  @Test
  @DisplayName("those that an annotation names get them, and no others")
  void chosen() {
    ObjectNode pod = Asking.of(Mode.INIT).containers("web", "migrate").admitted(pod());
    assertThat(mounts(pod, "web")).isNotEmpty();
    assertThat(mounts(pod, "migrate")).isNotEmpty();
    assertThat(mounts(pod, "log")).isEmpty();
    assertThat(mounts(pod, "warm")).isEmpty();
  }

  @Test
  @DisplayName("one that doesn't exist can't be named: the refusal lists those that do")
  void unknown() {
    assertThat(Asking.of(Mode.INIT).containers("wep", "web").refusal(pod()))
        .isEqualTo(
            "pod default/web can't get its secrets: annotation secrets.k8s.aws/containers names"
                + " \"wep\", which the pod doesn't have; its containers are migrate, warm, web, log"
                + " (did you mean web?)");
  }

  @Test
  @DisplayName("one that isn't named may have whatever it likes at our path")
  void unchosenCollision() {
    ObjectNode pod = pod();
    PodTree.arrayOf(container(pod, "log"), "volumeMounts")
        .addObject()
        .put("name", "cache")
        .put("mountPath", "/var/run/secrets/k8s.aws");
    Asking.of(Mode.INIT).containers("web").admitted(pod);
    assertThat(Asking.of(Mode.INIT).refusal(pod))
        .contains("container log mounts its volume cache at /var/run/secrets/k8s.aws, and the");
  }

  @Test
  @DisplayName("ephemeral ones are left alone")
  void ephemeral() {
    ObjectNode pod = pod();
    PodTree.arrayOf((ObjectNode) pod.get("spec"), "ephemeralContainers")
        .addObject()
        .put("name", "debug");
    ObjectNode after = Asking.of(Mode.INIT).admitted(pod);
    assertThat(after.get("spec").get("ephemeralContainers").toString())
        .isEqualTo("[{\"name\":\"debug\"}]");
  }

  @Nested
  @DisplayName("each gets environment variables")
  class Variables {

    @Test
    @DisplayName("that kubelet reads from a file in the volume")
    void fileKeyRef() {
      ObjectNode pod =
          Asking.of(Mode.INIT)
              .config(ENV_FILES)
              .containers("web", "migrate")
              .variable("DB_USER", "user", false)
              .admitted(pod());
      for (String name : List.of("web", "migrate")) {
        assertThat(PodTree.find(container(pod, name), "env", "name", "DB_USER"))
            .hasValue(
                Pods.json(
                    """
                    {"name":"DB_USER","valueFrom":{"fileKeyRef":{"volumeName":"secret-vol",
                     "path":"env/DB_USER","key":"DB_USER","optional":false}}}
                    """));
      }
      assertThat(PodTree.find(container(pod, "log"), "env", "name", "DB_USER")).isEmpty();
    }

    @Test
    @DisplayName("once, however often the pod is seen, and never a value of ours")
    void converges() {
      Asking asking = Asking.of(Mode.INIT).config(ENV_FILES).variable("DB_USER", "user", true);
      ObjectNode once = asking.admitted(pod());
      assertThat(asking.admitted(once)).isEqualTo(once);
    }

    @Test
    @DisplayName("but none in the place of one of its own")
    void taken() {
      ObjectNode pod = pod();
      PodTree.arrayOf(container(pod, "web"), "env")
          .addObject()
          .put("name", "DB_USER")
          .put("value", "x");
      assertThat(
              Asking.of(Mode.INIT)
                  .config(ENV_FILES)
                  .variable("DB_USER", "user", false)
                  .refusal(pod))
          .endsWith(
              "container web has a variable DB_USER of its own; remove it, or give another name in"
                  + " annotation secrets.k8s.aws/env.db");
    }

    @Test
    @DisplayName("only where the operator says that all nodes know how")
    void off() {
      assertThat(Asking.of(Mode.INIT).variable("DB_USER", "user", false).refusal(pod()))
          .contains(
              "annotation secrets.k8s.aws/env.db asks for an environment variable, which needs"
                  + " nodes that know fileKeyRef (Kubernetes 1.35, or 1.34 with feature gate"
                  + " EnvFiles)");
    }
  }

  @Nested
  @DisplayName("one can be sent a signal")
  class Signals {

    private static final Signal HUP = new Signal("HUP", "nginx");

    private Asking asking() {
      return Asking.of(Mode.SIDECAR).onChange(HUP);
    }

    @Test
    @DisplayName("by sharing the process namespace, and the user")
    void shared() {
      ObjectNode pod = asking().admitted(pod());
      assertThat(pod.get("spec").get("shareProcessNamespace").booleanValue()).isTrue();
      assertThat(asking().admitted(pod)).isEqualTo(pod);
      assertThat(Asking.of(Mode.SIDECAR).admitted(pod()).get("spec").has("shareProcessNamespace"))
          .isFalse();
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "    |      | web as its image, log as its image",
          "0   | 0    | web as 0, log as 0",
          "7   | 8    | web as 7, log as 8",
          "7   |      | web as 7, log as its image",
        })
    @DisplayName("unless users differ, or aren't stated, or are root")
    void users(Integer web, Integer log, String told) {
      ObjectNode pod = pod();
      ((ObjectNode) pod.get("spec").get("securityContext")).remove("runAsUser");
      run(pod, "web", web);
      run(pod, "log", log);
      assertThat(asking().refusal(pod))
          .endsWith(
              "set one runAsUser, other than 0, for all containers with secrets (now "
                  + told
                  + ")");
    }

    private void run(ObjectNode pod, String name, Integer user) {
      if (user != null) {
        PodTree.objectOf(container(pod, name), "securityContext").put("runAsUser", user);
      }
    }

    @Test
    @DisplayName("whatever user a container has that gets no secrets")
    void others() {
      ObjectNode pod = pod();
      run(pod, "log", 9);
      assertThat(asking().refusal(pod)).contains("web as 1000, log as 9");
      asking().containers("web").admitted(pod);
    }

    @Test
    @DisplayName("unless the pod shares its node's processes, or says not to share its own")
    void namespaces() {
      ObjectNode host = pod();
      ((ObjectNode) host.get("spec")).put("hostPID", true);
      assertThat(asking().config(Pods.config().allowHostNamespaces(true)).refusal(host))
          .contains("a pod with hostPID can't have");
      ObjectNode closed = pod();
      ((ObjectNode) closed.get("spec")).put("shareProcessNamespace", false);
      assertThat(asking().refusal(closed))
          .contains("needs shareProcessNamespace, and the pod says");
    }

    @Test
    @DisplayName("not where the fetcher is gone by then, so nothing is shared there")
    void init() {
      ObjectNode pod = Asking.of(Mode.INIT).onChange(HUP).admitted(pod());
      assertThat(pod.get("spec").has("shareProcessNamespace")).isFalse();
    }
  }

  @Nested
  @DisplayName("none can read a file")
  class Modes {

    @Test
    @DisplayName("for one user whom they don't share: that is a warning")
    void ownerOnly() {
      ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
      assertThat(Asking.of(Mode.INIT).file("prod/db", "db", 0400).warnings(pod))
          .containsExactly(
              "file \"db\" has mode 0400 and belongs to user 65532, as whom the pod's containers"
                  + " don't all run; set runAsUser in the pod's securityContext, or let others read"
                  + " it");
      assertThat(Asking.of(Mode.INIT).file("prod/db", "db", 0440).warnings(pod)).hasSize(1);
    }

    @Test
    @DisplayName("but with a common user, or the pod's fsGroup, they can")
    void shared() {
      assertThat(Asking.of(Mode.INIT).file("prod/db", "db", 0400).warnings(pod())).isEmpty();
      ObjectNode grouped = Pods.recordedPod("pod-of-deployment-create");
      PodTree.objectOf((ObjectNode) grouped.get("spec"), "securityContext").put("fsGroup", 1);
      assertThat(Asking.of(Mode.INIT).file("prod/db", "db", 0440).warnings(grouped)).isEmpty();
    }
  }
}
