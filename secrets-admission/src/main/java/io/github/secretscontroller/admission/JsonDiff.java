package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Two JSON trees in, a small JSON Patch (RFC 6902) out. Deterministic: the same trees give the same
 * operations in the same order.
 *
 * <p>Elements of an array are matched as Kubernetes itself matches them, by {@code mountPath} or
 * {@code name}, and all others by equality. So a container that was inserted first is one {@code
 * add}, and a change inside of a container is a patch of that container only.
 */
final class JsonDiff {

  /** Beyond this many pairs of elements, matching is greedy: correct, but not the smallest. */
  private static final int MOST_PAIRS = 250_000;

  private static final String[] KEYS = {"mountPath", "name"};

  private final ArrayNode patch = JsonNodeFactory.instance.arrayNode();

  /** A JSON Pointer to where the comparison is. Most of the way needs no text of its own. */
  private final StringBuilder path = new StringBuilder();

  private JsonDiff() {}

  /** The operations that turn {@code before} into {@code after}; empty if they are equal. */
  static ArrayNode diff(JsonNode before, JsonNode after) {
    JsonDiff diff = new JsonDiff();
    diff.compare(before, after);
    return diff.patch;
  }

  /**
   * Shared subtrees cost nothing. In equal ones there is nothing to find, and that takes longer.
   */
  private void compare(JsonNode before, JsonNode after) {
    if (PodTree.isOneNode(before, after)) {
      return;
    }
    if (before instanceof ObjectNode from && after instanceof ObjectNode to) {
      compareObjects(from, to);
    } else if (before instanceof ArrayNode from && after instanceof ArrayNode to) {
      compareArrays(from, to);
    } else if (!before.equals(after)) {
      operation("replace").set("value", after);
    }
  }

  private void compareObjects(ObjectNode before, ObjectNode after) {
    int length = path.length();
    for (Map.Entry<String, JsonNode> field : before.properties()) {
      if (!after.has(field.getKey())) {
        goTo(field.getKey());
        operation("remove");
        path.setLength(length);
      }
    }
    for (Map.Entry<String, JsonNode> field : after.properties()) {
      JsonNode old = before.get(field.getKey());
      if (old == null) {
        goTo(field.getKey());
        operation("add").set("value", field.getValue());
        path.setLength(length);
      } else if (!PodTree.isOneNode(old, field.getValue())) {
        goTo(field.getKey());
        compare(old, field.getValue());
        path.setLength(length);
      }
    }
  }

  private void compareArrays(ArrayNode before, ArrayNode after) {
    int[] match = match(before, after);
    int index = 0; // of the element in the array as the operations so far have left it
    int old = 0;
    int position = 0;
    while (old < before.size() || position < after.size()) {
      // A run of elements without a counterpart on either side, then one matched pair.
      int removed = 0;
      while (old + removed < before.size() && match[old + removed] < 0) {
        removed++;
      }
      int next = old + removed < before.size() ? match[old + removed] : after.size();
      int added = next - position;
      int changed = Math.min(removed, added);
      for (int i = 0; i < changed; i++) {
        compareElements(before.get(old + i), after.get(position + i), index++);
      }
      for (int i = changed; i < removed; i++) {
        elementOperation("remove", index);
      }
      for (int i = changed; i < added; i++) {
        elementOperation("add", index++).set("value", after.get(position + i));
      }
      old += removed;
      position = next;
      if (old < before.size()) {
        compareElements(before.get(old++), after.get(position++), index++);
      }
    }
  }

  private void compareElements(JsonNode before, JsonNode after, int index) {
    if (!PodTree.isOneNode(before, after)) {
      int length = path.length();
      path.append('/').append(index);
      compare(before, after);
      path.setLength(length);
    }
  }

  private ObjectNode elementOperation(String operation, int index) {
    int length = path.length();
    path.append('/').append(index);
    ObjectNode added = operation(operation);
    path.setLength(length);
    return added;
  }

  /** For each old element the index of its counterpart, in rising order, or -1. */
  private static int[] match(ArrayNode before, ArrayNode after) {
    int[] match = new int[before.size()];
    Arrays.fill(match, -1);
    int fromEnd = before.size();
    int toEnd = after.size();
    int start = 0;
    while (start < fromEnd && start < toEnd && isSame(before.get(start), after.get(start))) {
      match[start] = start;
      start++;
    }
    while (fromEnd > start
        && toEnd > start
        && isSame(before.get(fromEnd - 1), after.get(toEnd - 1))) {
      match[--fromEnd] = --toEnd;
    }
    if (fromEnd > start && toEnd > start) {
      Map<Object, Integer> numbers = new HashMap<>();
      int[] from = identities(before, start, fromEnd, numbers);
      int[] to = identities(after, start, toEnd, numbers);
      if ((long) from.length * to.length <= MOST_PAIRS) {
        matchLongest(from, to, start, match);
      } else {
        matchGreedily(from, to, start, match);
      }
    }
    return match;
  }

  /** Whether two elements have the same {@link #identity}. */
  private static boolean isSame(JsonNode one, JsonNode other) {
    if (PodTree.isOneNode(one, other)) {
      return true;
    }
    String key = key(one);
    return key == null
        ? one.equals(other)
        : key.equals(key(other)) && one.get(key).equals(other.get(key));
  }

  /** The field that tells an element from others, if it has one. */
  private static @Nullable String key(JsonNode element) {
    for (String key : KEYS) {
      JsonNode value = element.get(key);
      if (value != null && value.isTextual()) {
        return key;
      }
    }
    return null;
  }

  /** The longest common subsequence, by the textbook's table. */
  private static void matchLongest(int[] from, int[] to, int start, int[] match) {
    int rows = from.length;
    int columns = to.length;
    int[][] length = new int[rows + 1][columns + 1];
    for (int r = rows - 1; r >= 0; r--) {
      for (int c = columns - 1; c >= 0; c--) {
        length[r][c] =
            from[r] == to[c]
                ? length[r + 1][c + 1] + 1
                : Math.max(length[r + 1][c], length[r][c + 1]);
      }
    }
    int r = 0;
    int c = 0;
    while (r < rows && c < columns) {
      if (from[r] == to[c]) {
        match[start + r++] = start + c++;
      } else if (length[r + 1][c] >= length[r][c + 1]) {
        r++;
      } else {
        c++;
      }
    }
  }

  private static void matchGreedily(int[] from, int[] to, int start, int[] match) {
    Map<Integer, Integer> last = new HashMap<>();
    for (int c = 0; c < to.length; c++) {
      last.put(to[c], c);
    }
    int free = 0;
    for (int r = 0; r < from.length; r++) {
      Integer candidate = last.get(from[r]);
      if (candidate != null && candidate >= free) {
        match[start + r] = start + candidate;
        free = candidate + 1;
      }
    }
  }

  /** Numbers for elements from {@code start} to {@code end}: equal ones for equal identities. */
  private static int[] identities(
      ArrayNode elements, int start, int end, Map<Object, Integer> numbers) {
    int[] identities = new int[end - start];
    for (int i = 0; i < identities.length; i++) {
      Integer fresh = numbers.size();
      Integer known = numbers.putIfAbsent(identity(elements.get(start + i)), fresh);
      identities[i] = known == null ? fresh : known;
    }
    return identities;
  }

  private static Object identity(JsonNode element) {
    String key = key(element);
    return key == null ? element : Map.entry(key, element.get(key));
  }

  private ObjectNode operation(String operation) {
    return patch.addObject().put("op", operation).put("path", path.toString());
  }

  /** Appends one segment of a JSON Pointer (RFC 6901, section 3). */
  private void goTo(String name) {
    path.append('/');
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      switch (c) {
        case '~' -> path.append("~0");
        case '/' -> path.append("~1");
        default -> path.append(c);
      }
    }
  }
}
