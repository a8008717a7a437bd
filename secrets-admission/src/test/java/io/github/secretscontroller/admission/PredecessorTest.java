package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("Compared with the original proof of concept, the injector")
class PredecessorTest {

  private static final AdmissionHandler HANDLER = Pods.handler();

  /**
   * What the proof of concept's own mutatePods returned, recorded with the image flag SIDE:IMG. The
   * one deliberate difference in where programs find the secret: /tmp/ is written /tmp.
   */
  @Nested
  @DisplayName("does what its recorded patches did")
  class Golden {

    private static final String CONTAINER =
        """
        {"image":"SIDE:IMG","name":"secrets-init-container","imagePullPolicy":"Always",
         "volumeMounts":[{"name":"secret-vol","mountPath":"/tmp"}],
         "env":[{"name":"SECRET_ARN","valueFrom":{"fieldRef":{"fieldPath":
           "metadata.annotations['secrets.k8s.aws/secret-arn']"}}}%s],"resources":{}}
        """;

    private static final String VOLUME =
        """
        {"op":"add","path":"/spec/volumes/-",
         "value":{"emptyDir":{"medium":"Memory"},"name":"secret-vol"}}
        """;

    private static String mount(int container, String path) {
      return "{\"op\":\"add\",\"path\":\"/spec/containers/%d/volumeMounts/-\",\"value\":"
              .formatted(container)
          + "{\"mountPath\":\"%s\",\"name\":\"secret-vol\"}}".formatted(path);
    }

    private static String containers(String path, String value) {
      return "{\"op\":\"add\",\"path\":\"%s\",\"value\":%s}".formatted(path, value);
    }

    @Test
    @DisplayName("A1: for a pod without init containers")
    void withoutInitContainers() {
      compare(
          Pods.annotated(Map.of("secrets.k8s.aws/secret-arn", Pods.ARN)),
          containers("/spec/initContainers", "[" + CONTAINER.formatted("") + "]"),
          VOLUME,
          mount(0, "/tmp/"));
    }

    @Test
    @DisplayName("A2: for a pod with init containers and two application containers")
    void withInitContainers() {
      ObjectNode pod = Pods.recordedPod("pod-with-init-containers-create");
      ObjectNode second = Pods.container(pod, 0).deepCopy().put("name", "second");
      PodTree.arrayOf((ObjectNode) pod.get("spec"), "containers").add(second);
      compare(
          pod,
          containers("/spec/initContainers/0", CONTAINER.formatted("")),
          VOLUME,
          mount(0, "/tmp/"),
          mount(1, "/tmp/"));
    }

    @Test
    @DisplayName("A3: with mount-path /my and secret-filename /sub/f")
    void withPathAndFilename() {
      compare(
          Pods.annotated(
              Map.of(
                  "secrets.k8s.aws/secret-arn", Pods.ARN,
                  "secrets.k8s.aws/mount-path", "/my",
                  "secrets.k8s.aws/secret-filename", "/sub/f")),
          containers(
              "/spec/initContainers",
              "["
                  + CONTAINER.formatted(",{\"name\":\"SECRET_FILENAME\",\"value\":\"/sub/f\"}")
                  + "]"),
          VOLUME,
          mount(0, "/my"));
    }

    private void compare(ObjectNode pod, String... operations) {
      ObjectNode then =
          Pods.json(Pods.apply("[" + String.join(",", operations) + "]", pod.toString()));
      ObjectNode now = Pods.admitted(HANDLER, pod);
      for (String list : List.of("volumes", "initContainers", "containers")) {
        assertThat(names(now, list)).isEqualTo(names(then, list));
      }
      ObjectNode volume = volume(now);
      ((ObjectNode) volume.get("emptyDir")).remove("sizeLimit");
      assertThat(volume).isEqualTo(volume(then));
      for (int i = 0; i < then.get("spec").get("containers").size(); i++) {
        assertThat(secretFile(now, i)).isEqualTo(secretFile(then, i));
      }
    }

    private List<String> names(ObjectNode pod, String list) {
      return PodTree.objects(pod.get("spec"), list).stream()
          .map(element -> PodTree.text(element, "name"))
          .toList();
    }

    private ObjectNode volume(ObjectNode pod) {
      return PodTree.find(pod.get("spec"), "volumes", "name", "secret-vol").orElseThrow();
    }

    /** Where the container's program finds the secret. */
    private String secretFile(ObjectNode pod, int container) {
      String directory =
          PodTree.normalise(Pods.secretMounts(Pods.container(pod, container)).get(0));
      ObjectNode fetcher = Pods.fetcher(pod);
      if (PodTree.find(fetcher, "env", "name", "SECRETS_PLAN").isPresent()) {
        return directory + "/" + Pods.plan(pod).files().get(0).path();
      }
      return PodTree.find(fetcher, "env", "name", "SECRET_FILENAME")
          .map(variable -> directory + PodTree.text(variable, "value"))
          .orElse(directory + "/secret");
    }
  }

  @Test
  @DisplayName("P1: gives valid patches whatever pods came before, from many threads")
  void noStateBetweenRequests() {
    List<String> pods =
        List.of("pod-of-deployment-create", "pod-with-init-containers-create", "pod-of-job-create");
    List<String> expected =
        pods.stream().map(pod -> Pods.respond(HANDLER, Pods.recorded(pod)).toString()).toList();
    IntStream.range(0, 300)
        .parallel()
        .forEach(
            i ->
                assertThat(Pods.respond(HANDLER, Pods.recorded(pods.get(i % 3))).toString())
                    .isEqualTo(expected.get(i % 3)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/a\",\"subPath\":\"b",
        "/x\"},{\"name\":\"AWS_ENDPOINT_URL\",\"value\":\"evil",
        "/back\\slash",
      })
  @DisplayName("P2: lets no annotation break out of its string")
  void noInjectionIntoThePatch(String value) {
    ObjectNode pod =
        Pods.admitted(
            HANDLER,
            Pods.annotated(
                Map.of(
                    "secrets.k8s.aws/secret-arn",
                    Pods.ARN,
                    "secrets.k8s.aws/secret-filename",
                    value)));
    assertThat(Pods.plan(pod).files().get(0).path()).isEqualTo(value.substring(1));
    assertThat(Pods.fetcher(pod).get("env")).hasSize(1);
    JsonNode mount =
        PodTree.find(Pods.container(pod, 0), "volumeMounts", "name", "secret-vol").orElseThrow();
    assertThat(mount.has("subPath")).isFalse();
  }

  @Test
  @DisplayName("P3: makes volumes and volumeMounts where a pod has none")
  void missingArrays() {
    ObjectNode before = Pods.recordedPod("pod-without-volumes-create");
    assertThat(before.get("spec").has("volumes")).isFalse();
    assertThat(Pods.container(before, 0).has("volumeMounts")).isFalse();
    ObjectNode after = Pods.admitted(HANDLER, before);
    assertThat(after.get("spec").get("volumes")).hasSize(1);
    assertThat(Pods.secretMounts(Pods.container(after, 0))).containsExactly("/tmp");
  }

  @Test
  @DisplayName("P4: leaves updates of a running pod alone")
  void noUpdates() {
    ObjectNode review = Pods.json(Pods.recorded("pod-of-deployment-create"));
    ((ObjectNode) review.get("request")).put("operation", "UPDATE");
    JsonNode response = Pods.respond(HANDLER, review.toString().getBytes(StandardCharsets.UTF_8));
    assertThat(response.get("allowed").booleanValue()).isTrue();
    assertThat(response.has("patch")).isFalse();
  }

  @Test
  @DisplayName("P5: explains a mount that collides instead of making an invalid pod")
  void collision() {
    assertThat(Pods.refusal(HANDLER, Pods.recordedPod("pod-tmp-already-mounted-create")))
        .contains("container web mounts its volume scratch at /tmp", "secrets.k8s.aws/mount-path");
  }

  @Test
  @DisplayName("P6: does in a dry run what it does otherwise, since it has no side effect")
  void dryRun() {
    byte[] dry = Pods.recorded("pod-dry-run-create");
    ObjectNode real = Pods.json(dry);
    ((ObjectNode) real.get("request")).put("dryRun", false);
    assertThat(Pods.respond(HANDLER, dry))
        .isEqualTo(Pods.respond(HANDLER, real.toString().getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  @DisplayName("P8: answers another resource as such, with its uid")
  void otherResource() {
    byte[] review = Pods.recorded("deployment-create");
    assertThat(Pods.respond(HANDLER, review).get("uid"))
        .isEqualTo(Pods.json(review).get("request").get("uid"));
  }

  @Test
  @DisplayName("P10: confines the file to the volume, x/b included")
  void confined() {
    ObjectNode pod =
        Pods.admitted(
            HANDLER,
            Pods.annotated(
                Map.of(
                    "secrets.k8s.aws/secret-arn",
                    Pods.ARN,
                    "secrets.k8s.aws/secret-filename",
                    "x/b")));
    assertThat(Pods.plan(pod).files().get(0).path()).isEqualTo("x/b");
  }

  @Test
  @DisplayName("P12: sets requests, limits, a size limit and a restricted security context")
  void hardened() {
    ObjectNode pod = Pods.admitted(HANDLER, Pods.recordedPod("pod-of-deployment-create"));
    JsonNode fetcher = Pods.fetcher(pod);
    assertThat(fetcher.get("securityContext").get("runAsNonRoot").booleanValue()).isTrue();
    assertThat(fetcher.get("resources").get("requests").has("cpu")).isTrue();
    assertThat(fetcher.get("resources").get("requests").has("memory")).isTrue();
    assertThat(fetcher.get("resources").get("limits").has("memory")).isTrue();
    assertThat(
            PodTree.find(pod.get("spec"), "volumes", "name", "secret-vol")
                .orElseThrow()
                .get("emptyDir")
                .has("sizeLimit"))
        .isTrue();
  }

  @Test
  @DisplayName("P13: mounts the secrets in the pod's own init containers too")
  void initContainers() {
    ObjectNode pod = Pods.admitted(HANDLER, Pods.recordedPod("pod-with-init-containers-create"));
    for (int i = 1; i < 3; i++) {
      assertThat(Pods.secretMounts(pod.get("spec").get("initContainers").get(i)))
          .containsExactly("/tmp");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"kube-system", "kube-public"})
  @DisplayName("P14: leaves the system's namespaces alone")
  void systemNamespaces(String namespace) {
    ObjectNode review = Pods.json(Pods.recorded("pod-of-deployment-create"));
    ((ObjectNode) review.get("request")).put("namespace", namespace);
    assertThat(
            Pods.respond(HANDLER, review.toString().getBytes(StandardCharsets.UTF_8)).has("patch"))
        .isFalse();
  }

  @Test
  @DisplayName("P15: speaks admission.k8s.io/v1 as well as v1beta1")
  void versions() {
    assertThat(Pods.respond(HANDLER, Pods.recorded("pod-of-deployment-create")).has("patch"))
        .isTrue();
    assertThat(Pods.respond(HANDLER, Pods.recorded("pod-review-v1beta1-create")).has("patch"))
        .isTrue();
  }

  @Test
  @DisplayName("P16: takes a secret by its name, at any version stage")
  void nameAndStage() {
    ObjectNode pod =
        Pods.admitted(
            HANDLER,
            Pods.annotated(Map.of("secrets.k8s.aws/secret-arn", "prod/db?stage=AWSPREVIOUS")));
    assertThat(Pods.plan(pod).files().get(0).secret().versionStage()).isEqualTo("AWSPREVIOUS");
  }
}
