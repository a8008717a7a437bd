package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

@Label("The difference of two JSON trees")
class JsonDiffPropertiesTest {

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  @Property(tries = 2000)
  @Label("turns the one into the other, says an independent implementation of RFC 6902")
  void turnsBeforeIntoAfter(
      @ForAll("objects") ObjectNode before, @ForAll("objects") ObjectNode after) {
    ArrayNode patch = JsonDiff.diff(before, after);
    assertThat(Pods.apply(patch, before)).isEqualTo(after);
  }

  @Property(tries = 1000)
  @Label("is right for arrays with equal, moved, inserted and removed elements")
  void arrays(@ForAll("arrays") List<String> before, @ForAll("arrays") List<String> after) {
    ObjectNode from = NODES.objectNode();
    before.forEach(from.putArray("a")::add);
    ObjectNode to = NODES.objectNode();
    after.forEach(to.putArray("a")::add);
    assertThat(Pods.apply(JsonDiff.diff(from, to), from)).isEqualTo(to);
  }

  @Property(tries = 300)
  @Label("only adds where elements were only inserted")
  void onlyAdds(@ForAll("arrays") List<String> before, @ForAll("arrays") List<String> inserted) {
    ArrayNode from = NODES.arrayNode();
    before.forEach(from::add);
    ArrayNode to = from.deepCopy();
    for (int i = 0; i < inserted.size(); i++) {
      to.insert((i * 7) % (to.size() + 1), inserted.get(i));
    }
    assertThat(JsonDiff.diff(from, to))
        .allSatisfy(operation -> assertThat(operation.get("op").textValue()).isEqualTo("add"))
        .hasSize(inserted.size());
  }

  @Provide
  Arbitrary<List<String>> arrays() {
    return Arbitraries.of("a", "b", "c", "d").list().ofMaxSize(12);
  }

  @Provide
  Arbitrary<ObjectNode> objects() {
    return object(tree(3));
  }

  private static Arbitrary<JsonNode> tree(int depth) {
    Arbitrary<JsonNode> scalar =
        Arbitraries.oneOf(
            Arbitraries.of("", "x", "a/b", "~", "\u00e9\ud83d\ude80").map(NODES::textNode),
            Arbitraries.integers().between(-2, 2).map(NODES::numberNode),
            Arbitraries.of(NODES.booleanNode(true), NODES.booleanNode(false), NODES.nullNode()));
    if (depth == 0) {
      return scalar;
    }
    Arbitrary<JsonNode> child = tree(depth - 1);
    Arbitrary<JsonNode> array =
        child.list().ofMaxSize(5).map(children -> NODES.arrayNode().addAll(children));
    return Arbitraries.oneOf(scalar, array, object(child).map(o -> o));
  }

  private static Arbitrary<ObjectNode> object(Arbitrary<JsonNode> child) {
    Arbitrary<String> keys =
        Arbitraries.of("name", "mountPath", "a", "a/b", "~", "~1", "", "\u00e9", "0", "-");
    return Arbitraries.maps(keys, child)
        .ofMaxSize(5)
        .map(
            fields -> {
              ObjectNode object = NODES.objectNode();
              for (Map.Entry<String, JsonNode> field : fields.entrySet()) {
                object.set(field.getKey(), field.getValue());
              }
              return object;
            });
  }
}
