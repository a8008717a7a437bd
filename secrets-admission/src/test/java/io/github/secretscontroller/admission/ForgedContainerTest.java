package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("A container that somebody else wrote under our name")
class ForgedContainerTest {

  private static ObjectNode injected() {
    return Asking.of(Mode.INIT).admitted(Pods.recordedPod("pod-irsa-already-injected-create"));
  }

  /** The pod as the injector leaves it after somebody changed our container. */
  private static ObjectNode healed(Consumer<ObjectNode> change) {
    ObjectNode pod = injected();
    change.accept(Pods.fetcher(pod));
    assertThat(pod).isNotEqualTo(injected());
    return Asking.of(Mode.INIT).admitted(pod);
  }

  static Stream<Named<Consumer<ObjectNode>>> attempts() {
    return Stream.of(
        Named.of("an image", fetcher -> fetcher.put("image", "evil.example/fetcher:1")),
        Named.of("a command", fetcher -> fetcher.putArray("command").add("/bin/sh")),
        Named.of("arguments", fetcher -> fetcher.putArray("args").add("--help")),
        Named.of(
            "a variable of the JVM", fetcher -> env(fetcher, "JAVA_TOOL_OPTIONS", "-javaagent:x")),
        Named.of(
            "the node's identity",
            fetcher -> env(fetcher, "SECRETS_AWS_CREDENTIALS", "instance-metadata")),
        Named.of("an endpoint", fetcher -> env(fetcher, "AWS_ENDPOINT_URL", "http://evil.example")),
        Named.of(
            "a plan from a ConfigMap",
            fetcher -> {
              ObjectNode plan = (ObjectNode) fetcher.get("env").get(0);
              plan.remove("value");
              plan.putObject("valueFrom").putObject("configMapKeyRef").put("name", "a");
            }),
        Named.of(
            "variables from a ConfigMap",
            fetcher ->
                fetcher
                    .putArray("envFrom")
                    .addObject()
                    .putObject("configMapRef")
                    .put("name", "evil")),
        Named.of("files over those of the image", fetcher -> mount(fetcher, "/app")),
        Named.of(
            "another volume in the place of ours",
            fetcher ->
                ((ObjectNode) fetcher.get("volumeMounts").get(0)).put("name", "aws-iam-token")),
        Named.of(
            "a hook",
            fetcher ->
                fetcher
                    .putObject("lifecycle")
                    .putObject("postStart")
                    .putObject("exec")
                    .putArray("command")
                    .add("x")),
        Named.of(
            "privileges",
            fetcher -> ((ObjectNode) fetcher.get("securityContext")).put("privileged", true)),
        Named.of(
            "root", fetcher -> ((ObjectNode) fetcher.get("securityContext")).put("runAsUser", 0)),
        Named.of("no security context", fetcher -> fetcher.remove("securityContext")),
        Named.of(
            "a file of the node for its files, whose content goes into the pod's status",
            fetcher -> fetcher.put("terminationMessagePath", "/secrets-controller/volume/env/db")),
        Named.of(
            "rules that call a failed fetch a success",
            fetcher -> fetcher.putArray("restartPolicyRules").addObject().put("action", "Restart")),
        Named.of("a restart for ever", fetcher -> fetcher.put("restartPolicy", "Always")),
        Named.of(
            "more memory",
            fetcher ->
                ((ObjectNode) fetcher.get("resources").get("limits")).put("memory", "64Gi")));
  }

  private static void env(ObjectNode fetcher, String name, String value) {
    PodTree.arrayOf(fetcher, "env").addObject().put("name", name).put("value", value);
  }

  private static void mount(ObjectNode fetcher, String path) {
    PodTree.arrayOf(fetcher, "volumeMounts")
        .addObject()
        .put("name", "kube-api-access-5qg75")
        .put("mountPath", path);
  }

  @ParameterizedTest
  @MethodSource("attempts")
  @DisplayName("can't smuggle in")
  void smuggle(Consumer<ObjectNode> attempt) {
    assertThat(healed(attempt)).isEqualTo(injected());
  }

  @Test
  @DisplayName("can't get files in by way of an identity that the application seems to have")
  void identityAsVehicle() {
    ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
    ObjectNode web = Pods.container(pod, 0);
    env(web, "AWS_WEB_IDENTITY_TOKEN_FILE", "/app/token");
    PodTree.arrayOf((ObjectNode) pod.get("spec"), "volumes")
        .addObject()
        .put("name", "evil")
        .putObject("configMap")
        .put("name", "evil");
    PodTree.arrayOf(web, "volumeMounts").addObject().put("name", "evil").put("mountPath", "/app");
    ObjectNode fetcher = Pods.fetcher(Asking.of(Mode.INIT).admitted(pod));
    assertThat(PodTree.find(fetcher, "volumeMounts", "name", "evil")).isEmpty();
    assertThat(PodTree.find(fetcher, "env", "name", "AWS_WEB_IDENTITY_TOKEN_FILE")).isEmpty();
  }

  @Test
  @DisplayName("doesn't keep the secrets from the pod's own containers")
  void minimalForgery() {
    ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
    ObjectNode forged =
        PodTree.arrayOf((ObjectNode) pod.get("spec"), "initContainers")
            .addObject()
            .put("name", "secrets-init-container")
            .put("image", "evil.example/x");
    env(forged, "SECRETS_PLAN", "{}");
    ObjectNode after = Asking.of(Mode.INIT).admitted(pod);
    assertThat(Pods.fetcher(after).get("image").textValue()).isEqualTo(Pods.IMAGE);
    assertThat(Pods.secretMounts(Pods.container(after, 0))).isNotEmpty();
    assertThat(after.get("spec"))
        .isEqualTo(
            Asking.of(Mode.INIT)
                .admitted(Pods.recordedPod("pod-of-deployment-create"))
                .get("spec"));
  }

  @Nested
  @DisplayName("is refused")
  class Refused {

    private ObjectNode with(String list, String name, boolean plan) {
      ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
      ObjectNode forged =
          PodTree.arrayOf((ObjectNode) pod.get("spec"), list).addObject().put("name", name);
      if (plan) {
        env(forged, "SECRETS_PLAN", "{}");
      }
      return pod;
    }

    @Test
    @DisplayName("where the mode has none of that name")
    void otherMode() {
      for (boolean plan : List.of(true, false)) {
        assertThat(
                Asking.of(Mode.INIT)
                    .refusal(with("initContainers", "secrets-sidecar-container", plan)))
            .contains("it has a container secrets-sidecar-container of its own; remove or rename");
        assertThat(
                Asking.of(Mode.SIDECAR)
                    .refusal(with("containers", "secrets-sidecar-container", plan)))
            .contains("it has a container secrets-sidecar-container of its own");
        assertThat(
                Asking.of(Mode.SIDECAR)
                    .refusal(with("initContainers", "secrets-init-container", plan)))
            .contains("it has a container secrets-init-container of its own");
      }
    }

    @Test
    @DisplayName("if it isn't even like ours, such as one of the original injector")
    void original() {
      assertThat(
              Asking.of(Mode.INIT).refusal(with("initContainers", "secrets-init-container", false)))
          .contains("it has a container secrets-init-container of its own");
    }
  }

  @Nested
  @DisplayName("keeps what belongs there:")
  class Keeps {

    private void keeps(Consumer<ObjectNode> change) {
      ObjectNode pod = injected();
      change.accept(Pods.fetcher(pod));
      assertThat(Asking.of(Mode.INIT).patched(pod)).isEqualTo(pod);
    }

    @Test
    @DisplayName("a proxy")
    void proxy() {
      keeps(fetcher -> env(fetcher, "HTTPS_PROXY", "http://proxy.example:3128"));
    }

    @Test
    @DisplayName("the token that the API server mounts everywhere")
    void ownToken() {
      keeps(fetcher -> mount(fetcher, "/var/run/secrets/kubernetes.io/serviceaccount"));
    }

    @Test
    @DisplayName("mounts in another order")
    void order() {
      keeps(
          fetcher ->
              PodTree.arrayOf(fetcher, "volumeMounts")
                  .add(PodTree.arrayOf(fetcher, "volumeMounts").remove(0)));
    }

    @Test
    @DisplayName("the pull policy Always, which a cluster can insist on")
    void alwaysPull() {
      keeps(fetcher -> fetcher.put("imagePullPolicy", "Always"));
    }

    @Test
    @DisplayName("a limit that a LimitRange added, and quantities as the API server writes them")
    void resources() {
      keeps(fetcher -> ((ObjectNode) fetcher.get("resources").get("limits")).put("cpu", "2"));
      keeps(fetcher -> ((ObjectNode) fetcher.get("resources").get("requests")).put("cpu", "0.05"));
    }

    @Test
    @DisplayName("fields that nobody knows yet, and those that the API server defaults")
    void unknown() {
      keeps(fetcher -> fetcher.putObject("fieldFromTheFuture").put("kept", true));
      keeps(fetcher -> fetcher.put("terminationMessagePath", "/dev/termination-log"));
    }

    @Test
    @DisplayName("the identity that EKS's webhook gave it")
    void identity() {
      ObjectNode pod = Asking.of(Mode.INIT).admitted(Pods.recordedPod("pod-of-deployment-create"));
      ObjectNode irsa = injected();
      PodTree.arrayOf((ObjectNode) pod.get("spec"), "volumes")
          .add(PodTree.find(irsa.get("spec"), "volumes", "name", "aws-iam-token").orElseThrow());
      for (String field : List.of("env", "volumeMounts")) {
        Pods.fetcher(pod).set(field, Pods.fetcher(irsa).get(field));
      }
      assertThat(Asking.of(Mode.INIT).admitted(pod)).isEqualTo(pod);
    }
  }
}
