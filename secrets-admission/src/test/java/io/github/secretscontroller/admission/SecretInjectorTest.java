package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import io.github.secretscontroller.core.InjectionPlan;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1Pod;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The secret injector")
class SecretInjectorTest {

  private static final AdmissionHandler HANDLER = Pods.handler();

  static List<String> injected() {
    return Pods.RECORDED.stream()
        .filter(name -> !name.equals("pod-unannotated-create"))
        .filter(name -> !name.equals("pod-tmp-already-mounted-create"))
        .filter(name -> !name.equals("pod-of-daemonset-hostnetwork-create"))
        .toList();
  }

  private static ObjectNode admitted(String recorded) {
    return Pods.admitted(HANDLER, Pods.recordedPod(recorded));
  }

  private static List<String> names(ObjectNode pod, String list) {
    return PodTree.objects(pod.get("spec"), list).stream()
        .map(element -> PodTree.text(element, "name"))
        .toList();
  }

  @Nested
  @DisplayName("adds to a recorded pod")
  class Adds {

    @ParameterizedTest
    @MethodSource("io.github.secretscontroller.admission.SecretInjectorTest#injected")
    @DisplayName("a memory volume, a first init container, and mounts")
    void whatIsAdded(String recorded) {
      ObjectNode before = Pods.recordedPod(recorded);
      ObjectNode after = admitted(recorded);
      assertThat(names(after, "initContainers").get(0)).isEqualTo("secrets-init-container");
      assertThat(names(after, "initContainers"))
          .endsWith(names(before, "initContainers").toArray(String[]::new));
      assertThat(PodTree.find(after.get("spec"), "volumes", "name", "secret-vol"))
          .hasValueSatisfying(
              volume ->
                  assertThat(volume.get("emptyDir").get("medium").textValue()).isEqualTo("Memory"));
      for (String list : List.of("containers", "initContainers")) {
        assertThat(PodTree.objects(after.get("spec"), list))
            .allSatisfy(container -> assertThat(Pods.secretMounts(container)).isNotEmpty());
      }
    }

    @ParameterizedTest
    @MethodSource("io.github.secretscontroller.admission.SecretInjectorTest#injected")
    @DisplayName("by add operations only")
    void onlyAdds(String recorded) {
      ArrayNode patch = Pods.patch(Pods.respond(HANDLER, Pods.recorded(recorded)));
      assertThat(patch)
          .isNotEmpty()
          .allSatisfy(operation -> assertThat(operation.get("op").textValue()).isEqualTo("add"));
    }

    @ParameterizedTest
    @MethodSource("io.github.secretscontroller.admission.SecretInjectorTest#injected")
    @DisplayName("what the Kubernetes model knows, in the types that it knows")
    void typed(String recorded) throws Exception {
      String after = admitted(recorded).toString();
      JsonElement element = JsonParser.parseString(after);
      V1Pod.validateJsonElement(element);
      V1Pod pod = JSON.deserialize(after, V1Pod.class);
      // What the typed model doesn't know is lost on the way back; nothing of ours may be.
      ObjectNode back = Pods.json(JSON.serialize(pod));
      dropEmpty(back);
      assertThat(Pods.fetcher(back)).isEqualTo(Pods.fetcher(Pods.json(after)));
      assertThat(PodTree.find(back.get("spec"), "volumes", "name", "secret-vol"))
          .isEqualTo(PodTree.find(Pods.json(after).get("spec"), "volumes", "name", "secret-vol"));
    }

    /** The client's serialiser writes empty lists and maps where nothing was. */
    private void dropEmpty(JsonNode node) {
      node.forEach(this::dropEmpty);
      if (node instanceof ObjectNode object) {
        object.removeIf(child -> child.isContainerNode() && child.isEmpty());
      }
    }

    @Test
    @DisplayName("nothing a second time")
    void idempotent() {
      for (String recorded : injected()) {
        ObjectNode once = admitted(recorded);
        assertThat(Pods.patch(Pods.respond(HANDLER, Pods.review(once)))).isEmpty();
      }
    }

    @Test
    @DisplayName("a plan with the reference, in which no $ is left for kubelet to expand")
    void plan() {
      ObjectNode pod =
          Pods.admitted(
              HANDLER,
              Pods.annotated(
                  Map.of(
                      "secrets.k8s.aws/secret-arn",
                      Pods.ARN,
                      "secrets.k8s.aws/secret-filename",
                      "$(HOME)/$$")));
      assertThat(Pods.plan(pod).files().get(0).path()).isEqualTo("$(HOME)/$$");
      assertThat(Pods.env(Pods.fetcher(pod), "SECRETS_PLAN")).doesNotContain("$");
    }

    @Test
    @DisplayName("the mark and the plan's digest, for people and the audit log")
    void marks() {
      JsonNode response = Pods.respond(HANDLER, Pods.recorded("pod-of-deployment-create"));
      ObjectNode pod =
          Pods.apply(Pods.patch(response), Pods.recordedPod("pod-of-deployment-create"));
      JsonNode annotations = pod.get("metadata").get("annotations");
      assertThat(annotations.get("secrets.k8s.aws/status").textValue()).isEqualTo("injected");
      assertThat(annotations.get("secrets.k8s.aws/plan-digest").textValue())
          .matches("sha256:[0-9a-f]{64}")
          .isEqualTo(response.get("auditAnnotations").get("plan-digest").textValue());
      assertThat(response.get("auditAnnotations").get("secrets").textValue()).isEqualTo("1");
    }
  }

  @Nested
  @DisplayName("makes a container that")
  class Container {

    @Test
    @DisplayName("meets the Pod Security Standard restricted")
    void restricted() {
      JsonNode security = Pods.fetcher(admitted("pod-of-deployment-create")).get("securityContext");
      assertThat(security)
          .isEqualTo(
              Pods.json(
                  """
                  {"runAsNonRoot":true,"runAsUser":65532,"runAsGroup":65532,
                   "allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,
                   "capabilities":{"drop":["ALL"]},"seccompProfile":{"type":"RuntimeDefault"}}
                  """));
    }

    @Test
    @DisplayName("runs as the pod's user and group")
    void podUser() {
      JsonNode security =
          Pods.fetcher(admitted("pod-with-init-containers-create")).get("securityContext");
      assertThat(security.get("runAsUser").intValue()).isEqualTo(1000);
      assertThat(security.get("runAsGroup").intValue()).isEqualTo(3000);
    }

    @Test
    @DisplayName("runs as the user that all application containers have in common")
    void commonUser() {
      ObjectNode pod = Pods.recordedPod("pod-mount-path-and-filename-create");
      for (int i = 0; i < 2; i++) {
        Pods.container(pod, i).putObject("securityContext").put("runAsUser", 1234);
      }
      assertThat(user(pod)).isEqualTo(1234);
      ((ObjectNode) Pods.container(pod, 1).get("securityContext")).put("runAsUser", 4321);
      assertThat(user(pod)).isEqualTo(65532);
    }

    @Test
    @DisplayName("never runs as root, even if the pod does")
    void neverRoot() {
      ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
      ((ObjectNode) pod.get("spec")).putObject("securityContext").put("runAsUser", 0);
      assertThat(user(pod)).isEqualTo(65532);
    }

    private int user(ObjectNode pod) {
      return Pods.fetcher(Pods.admitted(HANDLER, pod))
          .get("securityContext")
          .get("runAsUser")
          .intValue();
    }

    @Test
    @DisplayName("gives files to the group of a pod with an fsGroup, and to nobody else")
    void fsGroup() {
      assertThat(Pods.plan(admitted("pod-with-init-containers-create")).files().get(0).mode())
          .isEqualTo(0440);
    }

    @Test
    @DisplayName("has the operator's image, environment and resources")
    void operator() {
      InjectorConfig config =
          InjectorConfig.builder()
              .fetcherImage("example/fetcher@sha256:00")
              .imagePullPolicy("Always")
              .env("HTTPS_PROXY", "http://proxy:3128")
              .requests(Map.of("cpu", "10m"))
              .limits(Map.of("cpu", "1"))
              .volumeSizeLimit("1Mi")
              .tmpSizeLimit("2Mi")
              .build();
      ObjectNode pod =
          Pods.admitted(Pods.handler(config), Pods.recordedPod("pod-of-deployment-create"));
      ObjectNode fetcher = Pods.fetcher(pod);
      assertThat(fetcher.get("image").textValue()).isEqualTo("example/fetcher@sha256:00");
      assertThat(fetcher.get("imagePullPolicy").textValue()).isEqualTo("Always");
      assertThat(Pods.env(fetcher, "HTTPS_PROXY")).isEqualTo("http://proxy:3128");
      assertThat(fetcher.get("resources"))
          .isEqualTo(Pods.json("{\"requests\":{\"cpu\":\"10m\"},\"limits\":{\"cpu\":\"1\"}}"));
      assertThat(
              PodTree.find(pod.get("spec"), "volumes", "name", "secret-vol")
                  .orElseThrow()
                  .get("emptyDir")
                  .get("sizeLimit")
                  .textValue())
          .isEqualTo("2Mi");
    }

    @Test
    @DisplayName("mounts the volume at a path of its own, not at /tmp")
    void ownPath() {
      assertThat(Pods.secretMounts(Pods.fetcher(admitted("pod-of-deployment-create"))))
          .containsExactly(InjectionPlan.VOLUME_MOUNT_PATH);
    }
  }

  @Nested
  @DisplayName("gives its container the pod's AWS identity")
  class Identity {

    @Test
    @DisplayName("if the IRSA webhook ran first: role, token file, region and token volume")
    void irsaFirst() {
      ObjectNode fetcher = Pods.fetcher(admitted("pod-irsa-already-injected-create"));
      assertThat(Pods.env(fetcher, "AWS_ROLE_ARN"))
          .isEqualTo("arn:aws:iam::123456789012:role/webserver-secrets-role");
      assertThat(Pods.env(fetcher, "AWS_WEB_IDENTITY_TOKEN_FILE"))
          .isEqualTo("/var/run/secrets/eks.amazonaws.com/serviceaccount/token");
      assertThat(Pods.env(fetcher, "AWS_REGION")).isEqualTo("us-east-1");
      assertThat(Pods.env(fetcher, "AWS_STS_REGIONAL_ENDPOINTS")).isEqualTo("regional");
      assertThat(PodTree.find(fetcher, "volumeMounts", "name", "aws-iam-token"))
          .hasValueSatisfying(
              mount ->
                  assertThat(mount)
                      .isEqualTo(
                          Pods.json(
                              """
                              {"name":"aws-iam-token","readOnly":true,
                               "mountPath":"/var/run/secrets/eks.amazonaws.com/serviceaccount"}
                              """)));
    }

    @Test
    @DisplayName("if EKS Pod Identity ran first")
    void podIdentity() {
      ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
      ObjectNode web = Pods.container(pod, 0);
      String directory = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount";
      env(web, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
      env(web, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", directory + "/eks-pod-identity-token");
      PodTree.arrayOf(web, "volumeMounts")
          .addObject()
          .put("name", "eks-pod-identity-token")
          .put("mountPath", directory)
          .put("readOnly", true);
      tokenVolume(pod, "eks-pod-identity-token");
      ObjectNode fetcher = Pods.fetcher(Pods.admitted(HANDLER, pod));
      assertThat(Pods.env(fetcher, "AWS_CONTAINER_CREDENTIALS_FULL_URI"))
          .isEqualTo("http://169.254.170.23/v1/credentials");
      assertThat(PodTree.find(fetcher, "volumeMounts", "mountPath", directory)).isPresent();
    }

    @Test
    @DisplayName("if the identity webhook ran after us and saw our container: nothing to do")
    void identityLater() {
      ObjectNode pod = admitted("pod-of-deployment-create");
      ObjectNode fetcher = Pods.fetcher(pod);
      env(fetcher, "AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r");
      env(fetcher, "AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/eks/token");
      assertThat(Pods.patch(Pods.respond(HANDLER, Pods.review(pod)))).isEmpty();
    }

    @Test
    @DisplayName("if it reached the application only after we had run")
    void arrivedLater() {
      ObjectNode injected = admitted("pod-of-deployment-create");
      ObjectNode irsa = Pods.recordedPod("pod-irsa-already-injected-create");
      ObjectNode source = Pods.container(irsa, 0);
      PodTree.arrayOf((ObjectNode) injected.get("spec"), "volumes")
          .add(PodTree.find(irsa.get("spec"), "volumes", "name", "aws-iam-token").orElseThrow());
      Pods.container(injected, 0).set("env", source.get("env"));
      PodTree.arrayOf(Pods.container(injected, 0), "volumeMounts")
          .add(source.get("volumeMounts").get(0));
      ObjectNode again = Pods.admitted(HANDLER, injected);
      assertThat(Pods.env(Pods.fetcher(again), "AWS_ROLE_ARN")).contains("webserver-secrets-role");
    }

    @Test
    @DisplayName("but no static key, and nothing without the token's mount")
    void nothingElse() {
      ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
      env(Pods.container(pod, 0), "AWS_ACCESS_KEY_ID", "AKIA");
      env(Pods.container(pod, 0), "AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere/token");
      assertThat(Pods.fetcher(Pods.admitted(HANDLER, pod)).get("env"))
          .extracting(variable -> variable.get("name").textValue())
          .containsExactly("SECRETS_PLAN");
    }

    private void tokenVolume(ObjectNode pod, String name) {
      PodTree.arrayOf((ObjectNode) pod.get("spec"), "volumes")
          .addObject()
          .put("name", name)
          .putObject("projected")
          .putArray("sources")
          .addObject()
          .putObject("serviceAccountToken")
          .put("audience", "pods.eks.amazonaws.com")
          .put("path", name);
    }

    private void env(ObjectNode container, String name, String value) {
      PodTree.arrayOf(container, "env").addObject().put("name", name).put("value", value);
    }
  }

  @Nested
  @DisplayName("converges: on a pod that it has injected already")
  class Converges {

    @Test
    @DisplayName("a container that another webhook added gets its mount")
    void containerAdded() {
      ObjectNode pod = admitted("pod-of-deployment-create");
      PodTree.arrayOf((ObjectNode) pod.get("spec"), "containers").addObject().put("name", "mesh");
      ArrayNode patch = Pods.patch(Pods.respond(HANDLER, Pods.review(pod)));
      assertThat(patch.toString())
          .isEqualTo(
              "[{\"op\":\"add\",\"path\":\"/spec/containers/1/volumeMounts\",\"value\":"
                  + "[{\"name\":\"secret-vol\",\"mountPath\":\"/tmp\"}]}]");
    }

    @Test
    @DisplayName("an init container put before ours gets no mount, since it runs too early")
    void initContainerBefore() {
      ObjectNode pod = admitted("pod-of-deployment-create");
      ((ArrayNode) pod.get("spec").get("initContainers"))
          .insert(0, pod.objectNode().put("name", "first"));
      assertThat(Pods.patch(Pods.respond(HANDLER, Pods.review(pod)))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"volumes", "initContainers"})
    @DisplayName("what somebody took away comes back, whatever the status annotation says")
    void removed(String list) {
      ObjectNode injected = admitted("pod-without-volumes-create");
      ObjectNode damaged = injected.deepCopy();
      ((ObjectNode) damaged.get("spec")).remove(list);
      assertThat(Pods.admitted(HANDLER, damaged)).isEqualTo(injected);
    }

    @Test
    @DisplayName("a forged mark doesn't keep it from injecting")
    void forgedMark() {
      ObjectNode pod =
          Pods.annotated(
              Map.of("secrets.k8s.aws/secret-arn", Pods.ARN, "secrets.k8s.aws/status", "injected"));
      assertThat(Pods.secretMounts(Pods.container(Pods.admitted(HANDLER, pod), 0)))
          .containsExactly("/tmp");
    }

    @Test
    @DisplayName("a forged plan is replaced by the one that the annotations ask for")
    void forgedPlan() {
      ObjectNode injected = admitted("pod-of-deployment-create");
      ObjectNode forged = injected.deepCopy();
      ((ObjectNode) Pods.fetcher(forged).get("env").get(0)).put("value", "{}");
      assertThat(Pods.admitted(HANDLER, forged)).isEqualTo(injected);
    }

    @Test
    @DisplayName(
        "an image that a registry mirror's webhook rewrote stays, if the operator knows it")
    void rewrittenImage() {
      ObjectNode pod = admitted("pod-of-deployment-create");
      Pods.fetcher(pod).put("image", "mirror.example/secrets-fetcher:1");
      AdmissionHandler handler =
          Pods.handler(Pods.config().imageMirrors(List.of("mirror.example/*")).build());
      assertThat(Pods.patch(Pods.respond(handler, Pods.review(pod)))).isEmpty();
      assertThat(Pods.admitted(HANDLER, pod)).isEqualTo(admitted("pod-of-deployment-create"));
    }
  }

  @Nested
  @DisplayName("refuses a pod")
  class Refuses {

    @Test
    @DisplayName("with a mount at the same path")
    void mountTaken() {
      assertThat(Pods.refusal(HANDLER, Pods.recordedPod("pod-tmp-already-mounted-create")))
          .isEqualTo(
              "pod default/tmp-taken can't get its secrets: container web mounts its volume"
                  + " scratch at /tmp, and the secrets go to /tmp; set annotation"
                  + " secrets.k8s.aws/mount-path to another path, or move that mount");
    }

    @Test
    @DisplayName("with more secrets than fit into the fetcher's environment")
    void planTooLong() {
      String secrets =
          IntStream.range(0, 250)
              .mapToObj(i -> Pods.ARN + ":/secrets/" + "x".repeat(250) + "/" + "y".repeat(250) + i)
              .collect(Collectors.joining(","));
      assertThat(
              Pods.refusal(HANDLER, Pods.annotated(Map.of("secrets.k8s.aws/secret-arn", secrets))))
          .matches(
              ".* can't get its secrets: the plan of 250 files takes \\d+ bytes, more than the"
                  + " 98304 that fit into an environment variable; name fewer secrets in one pod");
    }

    @Test
    @DisplayName("with a mount below the read-only mount of its secrets")
    void mountBelow() {
      ObjectNode pod =
          Pods.annotated(
              Map.of(
                  "secrets.k8s.aws/secret-arn",
                  Pods.ARN,
                  "secrets.k8s.aws/mount-path",
                  "/etc/app"));
      mount(pod, "conf", "/etc/app/conf.d", true);
      assertThat(Pods.refusal(HANDLER, pod)).contains("conf at /etc/app/conf.d, which could not");
    }

    @Test
    @DisplayName("with its secrets below a read-only mount")
    void mountAbove() {
      ObjectNode pod =
          Pods.annotated(
              Map.of(
                  "secrets.k8s.aws/secret-arn",
                  Pods.ARN,
                  "secrets.k8s.aws/mount-path",
                  "/etc/app"));
      mount(pod, "conf", "/etc", true);
      assertThat(Pods.refusal(HANDLER, pod)).contains("conf at /etc, which is read-only");
    }

    @ParameterizedTest
    @ValueSource(strings = {"configMap", "secret", "projected", "downwardAPI", "image"})
    @DisplayName("with its secrets below a volume that is read-only by its nature")
    void mountAboveByNature(String kind) {
      ObjectNode pod =
          Pods.annotated(
              Map.of(
                  "secrets.k8s.aws/secret-arn",
                  Pods.ARN,
                  "secrets.k8s.aws/mount-path",
                  "/etc/app/secrets"));
      ObjectNode volume =
          PodTree.arrayOf((ObjectNode) pod.get("spec"), "volumes").addObject().put("name", "conf");
      volume.putObject(kind);
      mount(pod, "conf", "/etc/app", false);
      assertThat(Pods.refusal(HANDLER, pod)).contains("conf at /etc/app, which is read-only");
      volume.remove(kind);
      volume.putObject("emptyDir");
      Pods.admitted(HANDLER, pod);
    }

    @Test
    @DisplayName("but not one with a mount below the legacy /tmp")
    void mountBelowTmp() {
      ObjectNode pod = Pods.annotated(Map.of("secrets.k8s.aws/secret-arn", Pods.ARN));
      mount(pod, "cache", "/tmp/cache", false);
      assertThat(Pods.secretMounts(Pods.container(Pods.admitted(HANDLER, pod), 0)))
          .containsExactly("/tmp");
    }

    @Test
    @DisplayName("with a volume secret-vol that is no memory")
    void volumeTaken() {
      ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
      PodTree.arrayOf((ObjectNode) pod.get("spec"), "volumes")
          .addObject()
          .put("name", "secret-vol")
          .putObject("hostPath")
          .put("path", "/etc");
      assertThat(Pods.refusal(HANDLER, pod)).contains("its volume secret-vol", "rename it");
    }

    @Test
    @DisplayName("but uses a memory volume secret-vol that is there")
    void volumeReused() {
      ObjectNode pod = Pods.recordedPod("pod-without-volumes-create");
      PodTree.arrayOf((ObjectNode) pod.get("spec"), "volumes")
          .addObject()
          .put("name", "secret-vol")
          .putObject("emptyDir")
          .put("medium", "Memory");
      assertThat(names(Pods.admitted(HANDLER, pod), "volumes")).containsExactly("secret-vol");
    }

    @ParameterizedTest
    @ValueSource(strings = {"containers", "initContainers"})
    @DisplayName("with a container of our name that isn't ours")
    void nameTaken(String list) {
      ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
      PodTree.arrayOf((ObjectNode) pod.get("spec"), list)
          .addObject()
          .put("name", "secrets-init-container");
      assertThat(Pods.refusal(HANDLER, pod))
          .contains("it has a container secrets-init-container of its own; remove or rename it");
    }

    private void mount(ObjectNode pod, String name, String path, boolean readOnly) {
      PodTree.arrayOf(Pods.container(pod, 0), "volumeMounts")
          .addObject()
          .put("name", name)
          .put("mountPath", path)
          .put("readOnly", readOnly);
    }
  }

  @Test
  @DisplayName("tells why it leaves an annotated pod of an excluded namespace alone")
  void excludedNamespace() {
    AdmissionHandler handler =
        Pods.handler(Pods.config().excludedNamespaces(List.of("default")).build());
    JsonNode response = Pods.respond(handler, Pods.recorded("pod-of-deployment-create"));
    assertThat(response.has("patch")).isFalse();
    assertThat(Pods.warnings(response))
        .containsExactly("nothing is injected, since the operator excluded namespace default");
  }

  @Test
  @DisplayName("answers the first and the thousandth unannotated pod alike: with nothing")
  void unannotated() {
    JsonNode response = Pods.respond(HANDLER, Pods.recorded("pod-unannotated-create"));
    assertThat(response.toString())
        .isEqualTo("{\"uid\":" + response.get("uid") + ",\"allowed\":true}");
  }
}
