package io.github.secretscontroller.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The review of a workload")
class WorkloadReviewTest {

  private static final String BAD_PATH = "relative/path";

  /**
   * The recorded review of a Deployment as if it were about another kind, with these annotations.
   */
  private static ObjectNode review(String kind, String operation, Map<String, String> annotations) {
    Workload workload = Workload.ofKind(kind).orElseThrow();
    ObjectNode review = Pods.json(Pods.recorded("deployment-create"));
    ObjectNode request = (ObjectNode) review.get("request");
    request.put("operation", operation);
    ((ObjectNode) request.get("resource"))
        .put("group", workload.name().endsWith("JOB") ? "batch" : "apps")
        .put("resource", kind.toLowerCase(Locale.ROOT) + "s");
    ObjectNode object = (ObjectNode) request.get("object");
    object.put("kind", kind);
    ObjectNode template = (ObjectNode) object.get("spec").get("template");
    Pods.annotate(template, annotations);
    if (workload == Workload.CRON_JOB) {
      ObjectNode spec = object.putObject("spec");
      spec.putObject("jobTemplate").putObject("spec").set("template", template);
    }
    return review;
  }

  private static JsonNode respond(AdmissionHandler handler, ObjectNode review) {
    return Pods.respond(handler, review.toString().getBytes(UTF_8));
  }

  @ParameterizedTest
  @CsvSource({
    "Deployment, CREATE",
    "Deployment, UPDATE",
    "ReplicaSet, CREATE",
    "StatefulSet, UPDATE",
    "DaemonSet, CREATE",
    "Job, CREATE",
    "CronJob, CREATE",
    "CronJob, UPDATE",
  })
  @DisplayName("allows it unchanged, and warns of pods that will be refused")
  void warns(String kind, String operation) {
    ObjectNode review =
        review(
            kind,
            operation,
            Map.of(Annotations.SECRET_ARN, Pods.ARN, Annotations.MOUNT_PATH, BAD_PATH));
    JsonNode response = respond(Pods.handler(), review);
    assertThat(response.get("allowed").booleanValue()).isTrue();
    assertThat(response.has("patch")).isFalse();
    assertThat(Pods.warnings(response))
        .singleElement()
        .asString()
        .startsWith("will be refused: pod of " + kind + " webserver in namespace default")
        .contains(Annotations.MOUNT_PATH, BAD_PATH);
  }

  @Test
  @DisplayName("passes on what a pod would be warned of, such as a mistyped annotation")
  void passesOn() {
    ObjectNode review =
        review(
            "Deployment",
            "CREATE",
            Map.of(Annotations.SECRET_ARN, Pods.ARN, Annotations.PREFIX + "mount-pth", "/x"));
    JsonNode response = respond(Pods.handler(), review);
    assertThat(response.get("allowed").booleanValue()).isTrue();
    assertThat(Pods.warnings(response)).anySatisfy(w -> assertThat(w).contains("mount-pth"));
  }

  @Test
  @DisplayName("has nothing to say where all is well, or where nothing is asked for")
  void silent() {
    for (Map<String, String> annotations :
        List.of(Map.of(Annotations.SECRET_ARN, Pods.ARN), Map.<String, String>of())) {
      JsonNode response = respond(Pods.handler(), review("Deployment", "CREATE", annotations));
      assertThat(response.get("allowed").booleanValue()).isTrue();
      assertThat(response.has("warnings")).isFalse();
      assertThat(response.has("auditAnnotations")).isFalse();
    }
  }

  @Test
  @DisplayName("shows mutators a pod that is created in a dry run, as its controller would make it")
  void shows() {
    AtomicReference<PodRequest> asked = new AtomicReference<>();
    AtomicReference<ObjectNode> seen = new AtomicReference<>();
    PodMutator mutator =
        (pod, request) -> {
          asked.set(request);
          seen.set(pod.deepCopy());
          pod.removeAll();
          return PodVerdict.allow();
        };
    respond(
        AdmissionHandler.builder().mutator(mutator).build(),
        review("CronJob", "UPDATE", Map.of("a", "b")));
    PodRequest request = asked.get();
    assertThat(request.dryRun()).isTrue();
    assertThat(request.operation()).isEqualTo("CREATE");
    assertThat(request.namespace()).isEqualTo("default");
    assertThat(request.annotations()).containsExactly(Map.entry("a", "b"));
    assertThat(request.describePod()).isEqualTo("pod of CronJob webserver in namespace default");
    ObjectNode pod = seen.get();
    assertThat(pod.get("kind").textValue()).isEqualTo("Pod");
    assertThat(pod.at("/metadata/ownerReferences/0/kind").textValue()).isEqualTo("Job");
    assertThat(pod.at("/spec/containers/0/name").textValue()).isEqualTo("webserver");
  }

  @Test
  @DisplayName("is left out for what has a controller itself, which can't read warnings")
  void controlled() {
    ObjectNode review =
        review("ReplicaSet", "CREATE", Map.of(Annotations.SECRET_ARN, "not an arn!"));
    ObjectNode metadata = (ObjectNode) review.at("/request/object/metadata");
    metadata
        .putArray("ownerReferences")
        .addObject()
        .put("kind", "Deployment")
        .put("name", "webserver")
        .put("controller", true);
    assertThat(respond(Pods.handler(), review).has("warnings")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "operation, DELETE",
    "operation, CONNECT",
    "subResource, scale",
    "subResource, status"
  })
  @DisplayName("is left out for other operations and for sub-resources")
  void leftOut(String field, String value) {
    ObjectNode review =
        review("Deployment", "CREATE", Map.of(Annotations.SECRET_ARN, "not an arn!"));
    ((ObjectNode) review.get("request")).put(field, value);
    JsonNode response = respond(Pods.handler(), review);
    assertThat(response.get("allowed").booleanValue()).isTrue();
    assertThat(response.has("warnings")).isFalse();
  }

  @Test
  @DisplayName("survives a manifest without a template, or with one of another shape")
  void odd() {
    for (String spec : List.of("{}", "{\"template\":null}", "{\"template\":{}}", "[]")) {
      ObjectNode review = review("Deployment", "CREATE", Map.of());
      ObjectNode object = (ObjectNode) review.at("/request/object");
      object.set("spec", Pods.json("{\"s\":" + spec + "}").get("s"));
      assertThat(respond(Pods.handler(), review).get("allowed").booleanValue()).isTrue();
    }
  }

  @Test
  @DisplayName("allows it with a warning if a mutator throws")
  void mutatorThrows() {
    PodMutator broken =
        (pod, request) -> {
          throw new IllegalStateException("quotes hunter2");
        };
    JsonNode response =
        respond(
            AdmissionHandler.builder().mutator(broken).build(),
            review("Deployment", "CREATE", Map.of()));
    assertThat(response.get("allowed").booleanValue()).isTrue();
    assertThat(Pods.warnings(response))
        .singleElement()
        .asString()
        .contains("were not checked", "java.lang.IllegalStateException")
        .doesNotContain("hunter2");
  }
}
