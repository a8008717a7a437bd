package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.HttpPost;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The fetcher runs")
class FetcherModesTest {

  private static ObjectNode web() {
    return Pods.recordedPod("pod-with-init-containers-create");
  }

  private static ObjectNode job() {
    return Pods.recordedPod("pod-of-job-create");
  }

  private static List<String> names(ObjectNode pod, String list) {
    return PodTree.objects(pod.get("spec"), list).stream()
        .map(container -> PodTree.text(container, "name"))
        .toList();
  }

  private static ObjectNode sidecar(ObjectNode pod, String list) {
    return PodTree.find(pod.get("spec"), list, "name", "secrets-sidecar-container").orElseThrow();
  }

  private static List<String> args(ObjectNode container) {
    return container.get("args").valueStream().map(JsonNode::asText).toList();
  }

  @Test
  @DisplayName("in mode init once, before the pod's own init containers, without probes")
  void init() {
    ObjectNode pod = Asking.of(Mode.INIT).admitted(web());
    assertThat(names(pod, "initContainers"))
        .containsExactly("secrets-init-container", "migrate", "warm");
    ObjectNode fetcher = Pods.fetcher(pod);
    assertThat(args(fetcher)).containsExactly("init");
    assertThat(fetcher.has("restartPolicy")).isFalse();
    assertThat(fetcher.has("startupProbe")).isFalse();
    assertThat(PodTree.find(fetcher, "env", "name", "SECRETS_HEALTH_PORT")).isEmpty();
  }

  @Nested
  @DisplayName("as a native sidecar")
  class NativeSidecar {

    @Test
    @DisplayName("that starts first, and stays")
    void first() {
      ObjectNode pod = Asking.of(Mode.SIDECAR).admitted(web());
      assertThat(names(pod, "initContainers"))
          .containsExactly("secrets-sidecar-container", "migrate", "warm");
      assertThat(names(pod, "containers")).containsExactly("web");
      ObjectNode sidecar = sidecar(pod, "initContainers");
      assertThat(args(sidecar)).containsExactly("sidecar");
      assertThat(sidecar.get("restartPolicy").textValue()).isEqualTo("Always");
      assertThat(Pods.env(sidecar, "SECRETS_HEALTH_PORT")).isEqualTo("18321");
    }

    @Test
    @DisplayName("whose start-up probe holds the application back until the first fetch")
    void startupProbe() {
      ObjectNode sidecar = sidecar(Asking.of(Mode.SIDECAR).admitted(web()), "initContainers");
      assertThat(sidecar.get("startupProbe"))
          .isEqualTo(
              Pods.json(
                  """
                  {"httpGet":{"path":"/startup","port":18321,"scheme":"HTTP"},"timeoutSeconds":2,
                   "periodSeconds":1,"successThreshold":1,"failureThreshold":120}
                  """));
    }

    @Test
    @DisplayName("that makes the pod unready only if the operator wants stale secrets to")
    void readiness() {
      assertThat(
              sidecar(Asking.of(Mode.SIDECAR).admitted(web()), "initContainers")
                  .has("readinessProbe"))
          .isFalse();
      ObjectNode pod =
          Asking.of(Mode.SIDECAR)
              .config(
                  Pods.config()
                      .healthPort(9999)
                      .refresh(new Refresh(Duration.ofMinutes(1), Duration.ofHours(1), true)))
              .admitted(web());
      JsonNode probe = sidecar(pod, "initContainers").get("readinessProbe");
      assertThat(probe.get("httpGet").get("path").textValue()).isEqualTo("/ready");
      assertThat(probe.get("httpGet").get("port").intValue()).isEqualTo(9999);
    }

    @ParameterizedTest
    @ValueSource(strings = {"Never", "OnFailure"})
    @DisplayName("after an init container in a pod that should end, which it would never fail")
    void job(String restartPolicy) {
      ObjectNode job = FetcherModesTest.job();
      ((ObjectNode) job.get("spec")).put("restartPolicy", restartPolicy);
      ObjectNode pod = Asking.of(Mode.SIDECAR).admitted(job);
      assertThat(names(pod, "initContainers"))
          .containsExactly("secrets-init-container", "secrets-sidecar-container");
      assertThat(Pods.fetcher(pod).has("restartPolicy")).isFalse();
      assertThat(args(Pods.fetcher(pod))).containsExactly("init");
      assertThat(Pods.env(sidecar(pod, "initContainers"), "SECRETS_PLAN"))
          .isEqualTo(Pods.env(Pods.fetcher(pod), "SECRETS_PLAN"));
    }

    @Test
    @DisplayName("but not before Kubernetes 1.29: the refusal names what works there")
    void oldCluster() {
      InjectorConfig.Builder old = Pods.config().kubernetesVersion("v1.28.9-eks-036c24b");
      assertThat(Asking.of(Mode.SIDECAR).config(old).refusal(web()))
          .isEqualTo(
              "pod default/web can't get its secrets: annotation secrets.k8s.aws/mode is"
                  + " \"sidecar\", a native sidecar needs Kubernetes 1.29 or newer, and this cluster"
                  + " has 1.28; set it to init+sidecar");
      assertThat(Asking.of(Mode.SIDECAR).config(old).refusal(FetcherModesTest.job()))
          .endsWith("set it to init, since init+sidecar would never let the pod end");
    }

    @Test
    @DisplayName("from the moment on when a client tells that the cluster was upgraded")
    void upgradedCluster() {
      String[] version = {"1.28"};
      InjectorConfig.Builder config = Pods.config().kubernetesVersion(() -> version[0]);
      assertThat(Asking.of(Mode.SIDECAR).config(config).refusal(web())).contains("has 1.28");
      version[0] = "1.29";
      assertThat(names(Asking.of(Mode.SIDECAR).config(config).admitted(web()), "initContainers"))
          .startsWith("secrets-sidecar-container");
    }

    @Test
    @DisplayName("never while a client can't tell the version, nor is any pod changed by halves")
    void unknownVersion() {
      AdmissionHandler handler =
          Pods.handler(
              Pods.config()
                  .kubernetesVersion(
                      () -> {
                        throw new IllegalStateException("the API server says SENSITIVE");
                      })
                  .build());
      ObjectNode sidecar =
          Pods.annotated(
              Map.of("secrets.k8s.aws/secret.db", "prod/db", "secrets.k8s.aws/mode", "sidecar"));
      JsonNode response = Pods.respond(handler, Pods.review(sidecar));
      assertThat(response.path("allowed").asBoolean()).isFalse();
      assertThat(response.path("status").path("code").asInt()).isEqualTo(500);
      assertThat(response.has("patch")).isFalse();
      assertThat(Pods.message(response)).doesNotContain("SENSITIVE");

      ObjectNode init = Pods.annotated(Map.of("secrets.k8s.aws/secret.db", "prod/db"));
      assertThat(names(Pods.admitted(handler, init), "initContainers"))
          .contains("secrets-init-container");
    }
  }

  @Nested
  @DisplayName("as init+sidecar")
  class InitAndSidecar {

    @Test
    @DisplayName("first as an init container, then as an ordinary one beside the application")
    void both() {
      ObjectNode pod = Asking.of(Mode.INIT_AND_SIDECAR).admitted(web());
      assertThat(names(pod, "initContainers"))
          .containsExactly("secrets-init-container", "migrate", "warm");
      assertThat(names(pod, "containers")).containsExactly("web", "secrets-sidecar-container");
      ObjectNode sidecar = sidecar(pod, "containers");
      assertThat(args(sidecar)).containsExactly("sidecar");
      assertThat(sidecar.has("restartPolicy")).isFalse();
      assertThat(sidecar.has("startupProbe")).isFalse();
      assertThat(Pods.secretMounts(sidecar)).containsExactly(InjectionPlan.VOLUME_MOUNT_PATH);
    }

    @Test
    @DisplayName("but not in a Job, which it would never let complete")
    void job() {
      assertThat(Asking.of(Mode.INIT_AND_SIDECAR).refusal(FetcherModesTest.job()))
          .endsWith(
              "annotation secrets.k8s.aws/mode is \"init+sidecar\", which would never let a pod with"
                  + " restartPolicy Never end; set it to sidecar");
    }
  }

  @Nested
  @DisplayName("by the operator's default")
  class Default {

    @ParameterizedTest
    @CsvSource({
      "init,         1.35, false, init",
      "sidecar,      1.35, false, sidecar",
      "sidecar,      1.35, true,  init sidecar",
      "sidecar,      1.28, false, init + sidecar",
      "sidecar,      1.28, true,  init",
      "init+sidecar, 1.28, false, init + sidecar",
      "init+sidecar, 1.28, true,  init",
    })
    @DisplayName("or as close to it as the pod and the cluster can have it")
    void closest(String mode, String version, boolean job, String expected) {
      ObjectNode pod =
          Asking.of(null)
              .config(Pods.config().defaultMode(mode).kubernetesVersion(version))
              .admitted(job ? job() : Pods.recordedPod("pod-without-volumes-create"));
      String found = String.join(" ", names(pod, "initContainers"));
      if (names(pod, "containers").contains("secrets-sidecar-container")) {
        found += " + secrets-sidecar-container";
      }
      assertThat(found.replace("secrets-", "").replace("-container", "")).isEqualTo(expected);
    }

    @Test
    @DisplayName("but once where single files are mounted, which never see an update")
    void singleFiles() {
      InjectorConfig.Builder sidecar = Pods.config().defaultMode("sidecar");
      ObjectNode pod =
          Pods.admitted(
              Pods.handler(sidecar.build()), Pods.recordedPod("pod-multi-secret-dialect-create"));
      assertThat(names(pod, "initContainers")).containsExactly("secrets-init-container");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Mode.class,
      names = {"SIDECAR", "INIT_AND_SIDECAR"})
  @DisplayName("not as a sidecar where single files are mounted")
  void subPath(Mode mode) {
    assertThat(Asking.of(mode).mount("/etc/db/password", "etc/db/password").refusal(web()))
        .contains("mounts single files, which never see an update; use mode init");
  }

  @Test
  @DisplayName("once by default, with a warning if something is to be done when secrets change")
  void onChangeInInit() {
    assertThat(
            Asking.of(null)
                .onChange(new HttpPost(URI.create("http://127.0.0.1:80/reload")))
                .warnings(web()))
        .containsExactly(
            "secrets.k8s.aws/on-change has no effect in mode init, which reads secrets once and is"
                + " what the pod gets here; set secrets.k8s.aws/mode to sidecar");
  }

  @Test
  @DisplayName("not on a port that a container of the pod has")
  void healthPort() {
    ObjectNode pod = web();
    PodTree.arrayOf(Pods.container(pod, 0), "ports").addObject().put("containerPort", 18321);
    assertThat(Asking.of(Mode.SIDECAR).refusal(pod))
        .contains("container web has port 18321, at which the sidecar answers probes");
    Asking.of(Mode.INIT).admitted(pod);
  }

  @Test
  @DisplayName(
      "not on a port of a native sidecar either, but on one of an init container that ends")
  void healthPortOfNativeSidecar() {
    ObjectNode pod = web();
    ObjectNode migrate =
        PodTree.find(pod.get("spec"), "initContainers", "name", "migrate").orElseThrow();
    PodTree.arrayOf(migrate, "ports").addObject().put("containerPort", 18321);
    Asking.of(Mode.SIDECAR).admitted(pod);
    migrate.put("restartPolicy", "Always");
    assertThat(Asking.of(Mode.SIDECAR).refusal(pod))
        .contains("container migrate has port 18321, at which the sidecar answers probes");
  }

  @Test
  @DisplayName("in the node's network with its port declared, so that the scheduler knows it")
  void hostNetwork() {
    ObjectNode daemon = Pods.recordedPod("pod-of-daemonset-hostnetwork-create");
    InjectorConfig.Builder config = Pods.config().allowHostNamespaces(true);
    assertThat(
            sidecar(Asking.of(Mode.SIDECAR).config(config).admitted(daemon), "initContainers")
                .get("ports")
                .toString())
        .isEqualTo(
            "[{\"name\":\"secrets-health\",\"containerPort\":18321,\"hostPort\":18321,"
                + "\"protocol\":\"TCP\"}]");
    assertThat(sidecar(Asking.of(Mode.SIDECAR).admitted(web()), "initContainers").has("ports"))
        .isFalse();
  }

  @Nested
  @DisplayName("with a plan that has")
  class Plan {

    private InjectionPlan plan(Asking asking) {
      ObjectNode pod = asking.admitted(web());
      return InjectionPlan.parse(Pods.env(sidecar(pod, "initContainers"), "SECRETS_PLAN"));
    }

    private InjectorConfig.Builder config() {
      return Pods.config()
          .refresh(new Refresh(Duration.ofMinutes(20), Duration.ofHours(1), true))
          .defaultRegion("eu-west-1");
    }

    @Test
    @DisplayName("the operator's refresh interval and region where the pod names none")
    void defaults() {
      InjectionPlan plan = plan(Asking.of(Mode.SIDECAR).config(config()));
      assertThat(plan.refresh())
          .isEqualTo(new Refresh(Duration.ofMinutes(20), Duration.ofHours(1), true));
      assertThat(plan.region()).isEqualTo("eu-west-1");
    }

    @Test
    @DisplayName("the pod's interval, even if it is what nobody said")
    void interval() {
      InjectionPlan plan =
          plan(
              Asking.of(Mode.SIDECAR)
                  .config(config())
                  .annotation("secrets.k8s.aws/refresh-interval", "5m"));
      assertThat(plan.refresh())
          .isEqualTo(new Refresh(Duration.ofMinutes(5), Duration.ofHours(1), true));
    }

    @Test
    @DisplayName("no bound for staleness that is shorter than the interval")
    void longInterval() {
      InjectionPlan plan =
          plan(
              Asking.of(Mode.SIDECAR)
                  .config(
                      Pods.config()
                          .refresh(
                              new Refresh(Duration.ofMinutes(1), Duration.ofMinutes(2), false)))
                  .annotation("secrets.k8s.aws/refresh-interval", "5m"));
      assertThat(plan.refresh().staleness()).isEqualTo(Duration.ofMinutes(15));
    }
  }

  @Nested
  @DisplayName("with resources that")
  class Resources {

    @Test
    @DisplayName("the pod asks for, as request and as limit")
    void asked() {
      ObjectNode fetcher =
          Pods.fetcher(
              Asking.of(Mode.INIT)
                  .resources(Map.of("cpu", "200m", "memory", "96Mi"))
                  .admitted(web()));
      assertThat(fetcher.get("resources"))
          .isEqualTo(
              Pods.json(
                  """
                  {"requests":{"cpu":"200m","memory":"96Mi"},
                   "limits":{"cpu":"200m","memory":"96Mi"}}
                  """));
    }

    @Test
    @DisplayName("are the operator's where the pod says nothing")
    void partly() {
      ObjectNode fetcher =
          Pods.fetcher(Asking.of(Mode.INIT).resources(Map.of("memory", "96Mi")).admitted(web()));
      assertThat(fetcher.get("resources"))
          .isEqualTo(
              Pods.json(
                  """
                  {"requests":{"cpu":"50m","memory":"96Mi"},"limits":{"memory":"96Mi"}}
                  """));
    }

    @Test
    @DisplayName("stay within the operator's maximum")
    void maximum() {
      Asking asking =
          Asking.of(Mode.INIT)
              .config(Pods.config().maximum(Map.of("cpu", "500m", "memory", "256Mi")))
              .resources(Map.of("cpu", "0.6", "memory", "256Mi"));
      assertThat(asking.refused(web()).httpStatus()).isEqualTo(403);
      assertThat(asking.refusal(web()))
          .isEqualTo(
              "pod default/web can't get its secrets: annotation secrets.k8s.aws/resources.cpu asks"
                  + " for 0.6, more than the operator's maximum of 500m; ask for less");
    }
  }
}
