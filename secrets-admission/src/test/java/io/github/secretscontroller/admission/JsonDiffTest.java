package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The difference of two JSON trees")
class JsonDiffTest {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  @Test
  @DisplayName("is right where arrays are too long for the best match")
  void longArrays() {
    ObjectNode before = NODES.objectNode();
    ArrayNode from = before.putArray("a");
    ObjectNode after = NODES.objectNode();
    ArrayNode to = after.putArray("a");
    for (int i = 0; i < 900; i++) {
      from.add(i % 333);
      to.add((i * 31) % 400);
    }
    assertThat(Pods.apply(JsonDiff.diff(before, after), before)).isEqualTo(after);
  }

  @Test
  @DisplayName("is empty for equal trees")
  void equal() {
    ObjectNode pod = Pods.recordedPod("pod-of-deployment-create");
    assertThat(JsonDiff.diff(pod, pod.deepCopy())).isEmpty();
  }

  @Test
  @DisplayName("puts a container that comes first as one add at index 0")
  void insertedFirst() {
    ObjectNode before = Pods.json("{\"c\":[{\"name\":\"a\"},{\"name\":\"b\",\"x\":1}]}");
    ObjectNode after =
        Pods.json(
            "{\"c\":[{\"name\":\"new\"},{\"name\":\"a\",\"m\":[]},{\"name\":\"b\",\"x\":1}]}");
    assertThat(JsonDiff.diff(before, after).toString())
        .isEqualTo(
            "[{\"op\":\"add\",\"path\":\"/c/0\",\"value\":{\"name\":\"new\"}},"
                + "{\"op\":\"add\",\"path\":\"/c/1/m\",\"value\":[]}]");
  }

  @Test
  @DisplayName("escapes ~ and / in keys, and knows the empty key")
  void pointers() {
    ObjectNode before = NODES.objectNode();
    ObjectNode after = Pods.json("{\"a/b~c\":1,\"\":2,\"~1\":3}");
    assertThat(JsonDiff.diff(before, after))
        .extracting(operation -> operation.get("path").textValue())
        .containsExactly("/a~1b~0c", "/", "/~01");
  }
}
