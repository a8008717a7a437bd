package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.testkit.RecordedReviews;
import io.github.secretscontroller.core.InjectionPlan;
import jakarta.json.Json;
import jakarta.json.JsonPatch;
import jakarta.json.JsonReader;
import jakarta.json.JsonStructure;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/** Recorded reviews, pods made for one test, and patches applied by a library of others. */
final class Pods {

  static final String ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-password-hlRvvF";
  static final String IMAGE = "registry.example/secrets-fetcher:1";

  static final List<String> RECORDED = RecordedReviews.PODS;

  private static final JsonMapper MAPPER = new JsonMapper();

  private Pods() {}

  static InjectorConfig.Builder config() {
    return InjectorConfig.builder().fetcherImage(IMAGE);
  }

  static AdmissionHandler handler() {
    return handler(config().build());
  }

  static AdmissionHandler handler(InjectorConfig config) {
    return AdmissionHandler.builder().mutator(new SecretInjector(config)).build();
  }

  /** The bytes that a real API server sent. */
  static byte[] recorded(String name) {
    return RecordedReviews.bytes(name);
  }

  static ObjectNode json(byte[] bytes) {
    return json(new String(bytes, StandardCharsets.UTF_8));
  }

  static ObjectNode json(String text) {
    try {
      return (ObjectNode) MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The pod in a recorded review. */
  static ObjectNode recordedPod(String name) {
    return (ObjectNode) json(recorded(name)).get("request").get("object");
  }

  /** The recorded pod of a Deployment, with these annotations and no others. */
  static ObjectNode annotated(Map<String, String> annotations) {
    ObjectNode pod = recordedPod("pod-of-deployment-create");
    return annotate(pod, annotations);
  }

  static ObjectNode annotate(ObjectNode pod, Map<String, String> annotations) {
    ObjectNode map = ((ObjectNode) pod.get("metadata")).putObject("annotations");
    annotations.forEach(map::put);
    return pod;
  }

  /** The review with which the API server would send this pod in namespace {@code default}. */
  static byte[] review(ObjectNode pod) {
    ObjectNode review = json(recorded("pod-of-deployment-create"));
    ((ObjectNode) review.get("request")).set("object", pod);
    return review.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** The handler's {@code response}. */
  static JsonNode respond(AdmissionHandler handler, byte[] review) {
    AdmissionReply reply = handler.handle(review);
    if (reply.httpStatus() != 200) {
      throw new AssertionError(new String(reply.body(), StandardCharsets.UTF_8));
    }
    return json(reply.body()).get("response");
  }

  /** What is stored: the pod with the returned patch applied. */
  static ObjectNode admitted(AdmissionHandler handler, ObjectNode pod) {
    JsonNode response = respond(handler, review(pod));
    if (!response.get("allowed").booleanValue()) {
      throw new AssertionError("refused: " + message(response));
    }
    return apply(patch(response), pod);
  }

  /** The sentence with which the pod is refused. */
  static String refusal(AdmissionHandler handler, ObjectNode pod) {
    JsonNode response = respond(handler, review(pod));
    if (response.get("allowed").booleanValue() || response.has("patch")) {
      throw new AssertionError("not refused");
    }
    return message(response);
  }

  static String message(JsonNode response) {
    return response.path("status").path("message").asText();
  }

  static List<String> warnings(JsonNode response) {
    return response.path("warnings").valueStream().map(JsonNode::asText).toList();
  }

  static ArrayNode patch(JsonNode response) {
    if (!response.has("patch")) {
      return new JsonMapper().createArrayNode();
    }
    byte[] patch = Base64.getDecoder().decode(response.get("patch").textValue());
    try {
      return (ArrayNode) MAPPER.readTree(patch);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Applies a patch with Eclipse Parsson, which shares no code with ours. */
  static ObjectNode apply(ArrayNode patch, ObjectNode before) {
    return json(apply(patch.toString(), before.toString()));
  }

  static String apply(String patch, String before) {
    try (JsonReader patchReader = Json.createReader(new StringReader(patch));
        JsonReader reader = Json.createReader(new StringReader(before))) {
      JsonPatch independent = Json.createPatch(patchReader.readArray());
      JsonStructure after = independent.apply(reader.read());
      return after.toString();
    }
  }

  static ObjectNode fetcher(ObjectNode pod) {
    return PodTree.find(pod.get("spec"), "initContainers", "name", "secrets-init-container")
        .orElseThrow();
  }

  static String env(ObjectNode container, String name) {
    return PodTree.text(PodTree.find(container, "env", "name", name).orElseThrow(), "value");
  }

  static InjectionPlan plan(ObjectNode pod) {
    return InjectionPlan.parse(env(fetcher(pod), "SECRETS_PLAN"));
  }

  /** The mount paths of the volume in a container, in their order. */
  static List<String> secretMounts(JsonNode container) {
    return PodTree.objects(container, "volumeMounts").stream()
        .filter(mount -> PodTree.text(mount, "name").equals("secret-vol"))
        .map(mount -> PodTree.text(mount, "mountPath"))
        .toList();
  }

  static ObjectNode container(ObjectNode pod, int index) {
    return (ObjectNode) pod.get("spec").get("containers").get(index);
  }
}
