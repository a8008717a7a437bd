package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ContainerNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

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

  @Property(tries = 2000)
  @Label("can be made from a snapshot, which gives the tree back as it was, whatever was edited")
  void snapshot(
      @ForAll("objects") ObjectNode tree,
      @ForAll("objects") ObjectNode other,
      @ForAll @Size(max = 6) List<@IntRange(max = 999) Integer> edits) {
    ObjectNode copy = tree.deepCopy();
    PodSnapshot snapshot = PodSnapshot.of(tree);
    edits.forEach(edit -> edit(tree, edit, other));
    assertThat(snapshot.restore()).isEqualTo(copy);
    assertThat(snapshot.restore().toString()).as("in the same order").isEqualTo(copy.toString());
  }

  @Property(tries = 300)
  @Label("doesn't look at what wasn't edited, since a snapshot shares it")
  void shares(@ForAll("objects") ObjectNode tree, @ForAll("objects") ObjectNode other) {
    ObjectNode root = NODES.objectNode();
    root.set("kept", tree);
    root.set("edited", other);
    PodSnapshot snapshot = PodSnapshot.of(root);
    assertThat(snapshot.restore()).isSameAs(root);
    other.put("new", 1);
    assertThat(snapshot.restore().get("kept")).isSameAs(tree);
  }

  /** One of several edits at one of the tree's containers. */
  private static void edit(ObjectNode tree, int edit, JsonNode other) {
    List<ContainerNode<?>> containers = new ArrayList<>();
    addContainers(tree, containers);
    ContainerNode<?> chosen = containers.get(edit % containers.size());
    int kind = edit / containers.size() % 5;
    if (chosen instanceof ObjectNode object) {
      switch (kind) {
        case 0 -> object.set("new", other.deepCopy());
        case 1 -> object.remove(List.of("a", "name"));
        case 2 -> object.removeAll();
        case 3 -> object.set("a", object.get("name"));
        default -> object.put("name", edit);
      }
    } else if (chosen instanceof ArrayNode array) {
      switch (kind) {
        case 0 -> array.add(other.deepCopy());
        case 1 -> array.insert(0, edit);
        case 2 -> array.removeAll();
        case 3 -> array.remove(0);
        default -> array.addAll(array.deepCopy());
      }
    }
  }

  private static void addContainers(JsonNode node, List<ContainerNode<?>> containers) {
    if (node instanceof ContainerNode<?> container) {
      containers.add(container);
      container.forEach(child -> addContainers(child, containers));
    }
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
