package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;

/**
 * What a tree was like before it was edited. Mutators may edit anything, but they edit little: so
 * this notes which nodes were where, which is cheaper than a copy of them all, and {@link #restore}
 * makes only those anew that were edited.
 */
final class PodSnapshot {

  private static final Object END = new Object();

  /**
   * All nodes, a parent before its children: a scalar as it is, an array followed by its elements
   * and {@link #END}, an object followed by the name and value of each field and {@link #END}.
   */
  private Object[] noted = new Object[1024];

  private int size;
  private int next;

  private PodSnapshot() {}

  /** Notes what {@code tree} is like now. */
  static PodSnapshot of(JsonNode tree) {
    PodSnapshot snapshot = new PodSnapshot();
    snapshot.note(tree);
    return snapshot;
  }

  private void note(JsonNode node) {
    add(node);
    if (node instanceof ObjectNode object) {
      for (Map.Entry<String, JsonNode> field : object.properties()) {
        add(field.getKey());
        note(field.getValue());
      }
      add(END);
    } else if (node instanceof ArrayNode array) {
      for (int i = 0; i < array.size(); i++) {
        note(array.get(i));
      }
      add(END);
    }
  }

  private void add(Object part) {
    if (size == noted.length) {
      noted = Arrays.copyOf(noted, 2 * size);
    }
    noted[size++] = part;
  }

  /** The tree as it was. What wasn't edited since is shared with the tree as it is. */
  JsonNode restore() {
    next = 0;
    return restoreNext();
  }

  private JsonNode restoreNext() {
    JsonNode node = (JsonNode) noted[next++];
    if (node instanceof ObjectNode object) {
      return restore(object);
    }
    return node instanceof ArrayNode array ? restore(array) : node;
  }

  private ObjectNode restore(ObjectNode now) {
    Iterator<Map.Entry<String, JsonNode>> fields = now.properties().iterator();
    ObjectNode before = null;
    int same = 0;
    for (; noted[next] != END; same++) {
      String name = (String) noted[next++];
      JsonNode value = restoreNext();
      if (before == null && !isNext(fields, name, value)) {
        before = first(same, now);
      }
      if (before != null) {
        before.set(name, value);
      }
    }
    next++;
    if (before == null && fields.hasNext()) {
      return first(same, now);
    }
    return before == null ? now : before;
  }

  private static boolean isNext(
      Iterator<Map.Entry<String, JsonNode>> fields, String name, JsonNode value) {
    if (!fields.hasNext()) {
      return false;
    }
    Map.Entry<String, JsonNode> field = fields.next();
    return PodTree.isOneNode(field.getValue(), value) && field.getKey().equals(name);
  }

  /** An object with only the first fields of another. */
  private static ObjectNode first(int count, ObjectNode of) {
    ObjectNode object = of.objectNode();
    Iterator<Map.Entry<String, JsonNode>> fields = of.properties().iterator();
    for (int i = 0; i < count; i++) {
      Map.Entry<String, JsonNode> field = fields.next();
      object.set(field.getKey(), field.getValue());
    }
    return object;
  }

  private ArrayNode restore(ArrayNode now) {
    ArrayNode before = null;
    int same = 0;
    for (; noted[next] != END; same++) {
      JsonNode element = restoreNext();
      if (before == null && (same >= now.size() || !PodTree.isOneNode(now.get(same), element))) {
        before = first(same, now);
      }
      if (before != null) {
        before.add(element);
      }
    }
    next++;
    if (before == null && same < now.size()) {
      return first(same, now);
    }
    return before == null ? now : before;
  }

  /** An array with only the first elements of another. */
  private static ArrayNode first(int count, ArrayNode of) {
    ArrayNode array = of.arrayNode();
    for (int i = 0; i < count; i++) {
      array.add(of.get(i));
    }
    return array;
  }
}
