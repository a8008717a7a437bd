package io.github.secretscontroller.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.PodVerdict;
import java.util.Base64;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.constraints.IntRange;

/** Design points of the patch, from the request's bytes to the applied patch. */
@Label("The patch of a pod")
class AdmissionPatchPropertiesTest {

  private static final String BIG = "1.000000000000000000000000000000000000100";

  private final AdmissionHandler handler = Pods.handler();

  @Property(tries = 100)
  @Label("only adds, keeps every field and element that was there, and is empty the second time")
  void injection(@ForAll("pods") ObjectNode pod) {
    JsonNode response = Pods.respond(handler, Pods.review(pod));
    assertThat(response.get("allowed").booleanValue()).as(Pods.message(response)).isTrue();
    ArrayNode patch = Pods.patch(response);
    assertThat(patch)
        .isNotEmpty()
        .allSatisfy(operation -> assertThat(operation.get("op").textValue()).isEqualTo("add"));
    ObjectNode after = Pods.apply(patch, pod);
    assertThat(Kept.lost(pod, after)).isNull();
    assertThat(Pods.patch(Pods.respond(handler, Pods.review(after)))).isEmpty();
  }

  @Property(tries = 100)
  @Label("turns the pod into what the mutators made of it, whatever keys and values that has")
  void anyEdit(@ForAll("pods") ObjectNode before, @ForAll("pods") ObjectNode after) {
    AdmissionHandler replaces =
        AdmissionHandler.builder()
            .mutator(
                (pod, request) -> {
                  pod.removeAll();
                  pod.setAll(after.deepCopy());
                  return PodVerdict.allow();
                })
            .build();
    JsonNode response = Pods.respond(replaces, Pods.review(before));
    assertThat(Pods.apply(Pods.patch(response), before)).isEqualTo(Pods.json(after.toString()));
  }

  @Example
  @Label("keeps every digit of a number that a mutator copies")
  void digits() {
    byte[] review =
        new String(Pods.recorded("pod-of-deployment-create"), UTF_8)
            .replace("\"priority\":0", "\"priority\":" + BIG)
            .getBytes(UTF_8);
    AdmissionHandler copies =
        AdmissionHandler.builder()
            .mutator(
                (pod, request) -> {
                  pod.set("copied", pod.at("/spec/priority"));
                  return PodVerdict.allow();
                })
            .build();
    JsonNode response = Pods.respond(copies, review);
    assertThat(new String(Base64.getDecoder().decode(response.get("patch").asText()), UTF_8))
        .isEqualTo("[{\"op\":\"add\",\"path\":\"/copied\",\"value\":" + BIG + "}]");
  }

  @Provide
  Arbitrary<ObjectNode> pods() {
    Arbitrary<Integer> containers =
        Arbitraries.frequencyOf(
            Tuple.of(20, Arbitraries.integers().between(1, 4)),
            Tuple.of(1, Arbitraries.integers().between(200, 300)));
    Arbitrary<String> odd =
        Arbitraries.of("a/b", "~", "~1", "", "\u00e9\ud83d\ude80", "a b", "0", "-");
    Arbitrary<String> numbers = Arbitraries.of("0", "9007199254740993", "-0.5", "1.5e10");
    return Combinators.combine(
            containers, Arbitraries.integers().between(0, 3), odd, numbers, Arbitraries.integers())
        .as(AdmissionPatchPropertiesTest::pod);
  }

  private static ObjectNode pod(
      int containers, int initContainers, String oddKey, String number, int shape) {
    ObjectNode pod = Pods.annotated(Map.of(Annotations.SECRET_ARN, Pods.ARN));
    ObjectNode spec = (ObjectNode) pod.get("spec");
    ObjectNode app = Pods.container(pod, 0);
    ObjectNode fromTheFuture =
        Pods.json("{\"kept\":true,\"list\":[1,[],{}],\"number\":" + number + "}");
    fromTheFuture.put(oddKey, "x");
    pod.set(oddKey, fromTheFuture.deepCopy());
    spec.set(oddKey, fromTheFuture.deepCopy());
    app.set(oddKey, fromTheFuture.deepCopy());
    for (int i = 1; i < containers; i++) {
      ((ArrayNode) spec.get("containers")).add(app.deepCopy().put("name", "app-" + i));
    }
    for (int i = 0; i < initContainers; i++) {
      PodTree.arrayOf(spec, "initContainers").add(app.deepCopy().put("name", "init-" + i));
    }
    if ((shape & 1) == 0) {
      spec.remove("volumes");
      app.remove("volumeMounts");
    }
    if ((shape & 2) == 0) {
      spec.putArray("ephemeralContainers").addObject().put("name", "debug").put("image", "d");
    }
    if ((shape & 4) == 0) {
      ((ObjectNode) pod.get("metadata").get("annotations")).put("example.com/" + oddKey, oddKey);
    }
    return pod;
  }

  @Property(tries = 300)
  @Label("is made from the same facts that a JSON library reads, however they are written")
  void facts(
      @ForAll("texts") String key,
      @ForAll("texts") String value,
      @ForAll boolean dryRun,
      @ForAll @IntRange(max = 2) int style)
      throws Exception {
    ObjectNode review = Pods.json(Pods.recorded("pod-of-deployment-create"));
    ObjectNode request = (ObjectNode) review.get("request");
    request.put("dryRun", dryRun).put("namespace", value);
    ObjectNode metadata = (ObjectNode) request.at("/object/metadata");
    metadata.putObject("annotations").put(key, value).put("other", key);
    ((ObjectNode) request.get("object")).put(key + value, 1.5);
    AdmissionReview read = AdmissionReviewReader.read(written(review, style));
    assertThat(read.object().annotations())
        .containsExactlyInAnyOrderEntriesOf(
            key.equals("other") ? Map.of("other", key) : Map.of(key, value, "other", key));
    assertThat(read.namespace()).isEqualTo(value);
    assertThat(read.dryRun()).isEqualTo(dryRun);
    assertThat(read.tree(written(review, style))).hasToString(request.get("object").toString());
  }

  private static byte[] written(ObjectNode review, int style) throws Exception {
    JsonMapper mapper = new JsonMapper();
    return switch (style) {
      case 0 -> mapper.writeValueAsBytes(review);
      case 1 -> mapper.writerWithDefaultPrettyPrinter().writeValueAsBytes(review);
      default -> mapper.writer().with(JsonWriteFeature.ESCAPE_NON_ASCII).writeValueAsBytes(review);
    };
  }

  @Provide
  Arbitrary<String> texts() {
    return Arbitraries.oneOf(
        Arbitraries.strings().ascii().ofMaxLength(20),
        Arbitraries.of("\u00e9", "\ud83d\ude80", "\\\"\\", "\n\t\u0000", "}{][,:", "\u2028"));
  }
}
