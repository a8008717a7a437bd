package io.github.secretscontroller.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.flipkart.zjsonpatch.JsonDiff;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionReply;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import io.github.secretscontroller.admission.testkit.RecordedReviews;
import io.kubernetes.client.openapi.JSON;
import io.kubernetes.client.openapi.models.V1Container;
import io.kubernetes.client.openapi.models.V1EmptyDirVolumeSource;
import io.kubernetes.client.openapi.models.V1EnvVar;
import io.kubernetes.client.openapi.models.V1Pod;
import io.kubernetes.client.openapi.models.V1Volume;
import io.kubernetes.client.openapi.models.V1VolumeMount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One admission review from its bytes to the answer's bytes, beside parsing the same bytes into a
 * Jackson tree, and beside what everybody else does: the Kubernetes client's model, and a diff.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 12, time = 1)
@Measurement(iterations = 5, time = 1)
public class AdmissionHandling {

  private static final ObjectMapper MAPPER = new ObjectMapper();
  private static final int SMALL = 4096;
  private static final int LARGE = 100 * 1024;
  private static final int MANY_CONTAINERS = 40;

  /** Which pod is reviewed. */
  @Param({"unannotated-4k", "annotated-4k", "annotated-100k"})
  public String pod;

  private byte[] body;
  private AdmissionHandler handler;
  private String plan;

  /** Makes the pod from a recorded one, and checks that both ways inject. */
  @Setup
  public void setUp() throws IOException {
    body = body(pod);
    handler =
        AdmissionHandler.builder()
            .mutator(
                new SecretInjector(InjectorConfig.builder().fetcherImage("example/f:1").build()))
            .build();
    plan = "{\"version\":1,\"files\":[]}";
    boolean patched =
        new String(handler.handle(body).body(), StandardCharsets.UTF_8).contains("patch");
    if (patched == pod.startsWith("unannotated") || !typedModel().contains("patch")) {
      throw new IllegalStateException("not what is to be measured");
    }
  }

  private static byte[] body(String pod) throws IOException {
    ObjectNode review =
        (ObjectNode) MAPPER.readTree(RecordedReviews.bytes("pod-of-deployment-create"));
    ObjectNode object = (ObjectNode) review.at("/request/object");
    if (pod.startsWith("unannotated")) {
      ((ObjectNode) object.get("metadata")).remove("annotations");
    }
    ArrayNode containers = (ArrayNode) object.at("/spec/containers");
    if (pod.endsWith("100k")) {
      for (int i = containers.size(); i < MANY_CONTAINERS; i++) {
        containers.add(containers.get(0).deepCopy());
        ((ObjectNode) containers.get(i)).put("name", "container-" + i);
      }
    }
    int size = pod.endsWith("100k") ? LARGE : SMALL;
    for (int i = 0; ; i++) {
      ((ObjectNode) containers.get(i % containers.size()))
          .withArray("env")
          .addObject()
          .put("name", "VARIABLE_" + i)
          .put("value", "some value of usual length");
      byte[] bytes = MAPPER.writeValueAsBytes(review);
      if (bytes.length >= size) {
        return bytes;
      }
    }
  }

  /** Ours. */
  @Benchmark
  public AdmissionReply handler() {
    return handler.handle(body);
  }

  /** The practical floor: the bytes as a tree, and nothing done with it. */
  @Benchmark
  public JsonNode tree() throws IOException {
    return MAPPER.readTree(body);
  }

  /**
   * The client's model, changed as the injector changes the pod, and a diff of before and after.
   */
  @Benchmark
  public String typedModel() throws JsonProcessingException {
    JsonObject review =
        JsonParser.parseString(new String(body, StandardCharsets.UTF_8)).getAsJsonObject();
    JsonObject request = review.getAsJsonObject("request");
    V1Pod typed = JSON.getGson().fromJson(request.get("object"), V1Pod.class);
    JsonNode before = MAPPER.readTree(JSON.serialize(typed));
    inject(typed);
    JsonNode after = MAPPER.readTree(JSON.serialize(typed));
    String patch = JsonDiff.asJson(before, after).toString();
    JsonObject response = new JsonObject();
    response.add("uid", request.get("uid"));
    response.addProperty("allowed", true);
    response.addProperty("patchType", "JSONPatch");
    response.addProperty(
        "patch", Base64.getEncoder().encodeToString(patch.getBytes(StandardCharsets.UTF_8)));
    JsonObject answer = new JsonObject();
    answer.add("kind", review.get("kind"));
    answer.add("apiVersion", review.get("apiVersion"));
    answer.add("response", response);
    return answer.toString();
  }

  private void inject(V1Pod typed) {
    typed
        .getSpec()
        .addVolumesItem(
            new V1Volume()
                .name("secret-vol")
                .emptyDir(new V1EmptyDirVolumeSource().medium("Memory")));
    V1VolumeMount mount = new V1VolumeMount().name("secret-vol").mountPath("/tmp");
    for (V1Container container : typed.getSpec().getContainers()) {
      container.addVolumeMountsItem(mount);
    }
    typed
        .getSpec()
        .addInitContainersItem(
            new V1Container()
                .name("secrets-init-container")
                .image("example/f:1")
                .addEnvItem(new V1EnvVar().name("SECRETS_PLAN").value(plan))
                .addVolumeMountsItem(mount));
  }
}
