package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

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

  private final ArrayNode patch = JsonNodeFactory.instance.arrayNode();

  private JsonDiff() {}

  /** The operations that turn {@code before} into {@code after}; empty if they are equal. */
  static ArrayNode diff(JsonNode before, JsonNode after) {
    JsonDiff diff = new JsonDiff();
    diff.compare(before, after, "");
    return diff.patch;
  }

  private void compare(JsonNode before, JsonNode after, String path) {
    if (before.equals(after)) {
      return;
    }
    if (before instanceof ObjectNode from && after instanceof ObjectNode to) {
      compareObjects(from, to, path);
    } else if (before instanceof ArrayNode from && after instanceof ArrayNode to) {
      compareArrays(from, to, path);
    } else {
      operation("replace", path).set("value", after);
    }
  }

  private void compareObjects(ObjectNode before, ObjectNode after, String path) {
    before
        .fieldNames()
        .forEachRemaining(
            name -> {
              if (!after.has(name)) {
                operation("remove", path + pointer(name));
              }
            });
    for (Map.Entry<String, JsonNode> field : after.properties()) {
      String fieldPath = path + pointer(field.getKey());
      JsonNode old = before.get(field.getKey());
      if (old == null) {
        operation("add", fieldPath).set("value", field.getValue());
      } else {
        compare(old, field.getValue(), fieldPath);
      }
    }
  }

  private void compareArrays(ArrayNode before, ArrayNode after, String path) {
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
        compare(before.get(old + i), after.get(position + i), path + "/" + index++);
      }
      for (int i = changed; i < removed; i++) {
        operation("remove", path + "/" + index);
      }
      for (int i = changed; i < added; i++) {
        operation("add", path + "/" + index++).set("value", after.get(position + i));
      }
      old += removed;
      position = next;
      if (old < before.size()) {
        compare(before.get(old++), after.get(position++), path + "/" + index++);
      }
    }
  }

  /** For each old element the index of its counterpart, in rising order, or -1. */
  private static int[] match(ArrayNode before, ArrayNode after) {
    Map<Object, Integer> numbers = new HashMap<>();
    int[] from = identities(before, numbers);
    int[] to = identities(after, numbers);
    int[] match = new int[from.length];
    Arrays.fill(match, -1);
    int start = 0;
    while (start < from.length && start < to.length && from[start] == to[start]) {
      match[start] = start;
      start++;
    }
    int fromEnd = from.length;
    int toEnd = to.length;
    while (fromEnd > start && toEnd > start && from[fromEnd - 1] == to[toEnd - 1]) {
      match[--fromEnd] = --toEnd;
    }
    if ((long) (fromEnd - start) * (toEnd - start) <= MOST_PAIRS) {
      matchLongest(from, to, start, fromEnd, toEnd, match);
    } else {
      matchGreedily(from, to, start, fromEnd, toEnd, match);
    }
    return match;
  }

  /** The longest common subsequence, by the textbook's table. */
  private static void matchLongest(
      int[] from, int[] to, int start, int fromEnd, int toEnd, int[] match) {
    int rows = fromEnd - start;
    int columns = toEnd - start;
    int[][] length = new int[rows + 1][columns + 1];
    for (int r = rows - 1; r >= 0; r--) {
      for (int c = columns - 1; c >= 0; c--) {
        length[r][c] =
            from[start + r] == to[start + c]
                ? length[r + 1][c + 1] + 1
                : Math.max(length[r + 1][c], length[r][c + 1]);
      }
    }
    int r = 0;
    int c = 0;
    while (r < rows && c < columns) {
      if (from[start + r] == to[start + c]) {
        match[start + r++] = start + c++;
      } else if (length[r + 1][c] >= length[r][c + 1]) {
        r++;
      } else {
        c++;
      }
    }
  }

  private static void matchGreedily(
      int[] from, int[] to, int start, int fromEnd, int toEnd, int[] match) {
    Map<Integer, Integer> last = new HashMap<>();
    for (int c = start; c < toEnd; c++) {
      last.put(to[c], c);
    }
    int free = start;
    for (int r = start; r < fromEnd; r++) {
      Integer candidate = last.get(from[r]);
      if (candidate != null && candidate >= free) {
        match[r] = candidate;
        free = candidate + 1;
      }
    }
  }

  private static int[] identities(ArrayNode elements, Map<Object, Integer> numbers) {
    int[] identities = new int[elements.size()];
    for (int i = 0; i < identities.length; i++) {
      Integer fresh = numbers.size();
      Integer known = numbers.putIfAbsent(identity(elements.get(i)), fresh);
      identities[i] = known == null ? fresh : known;
    }
    return identities;
  }

  private static Object identity(JsonNode element) {
    for (String key : new String[] {"mountPath", "name"}) {
      JsonNode value = element.get(key);
      if (value != null && value.isTextual()) {
        return Map.entry(key, value.textValue());
      }
    }
    return element;
  }

  private ObjectNode operation(String operation, String path) {
    return patch.addObject().put("op", operation).put("path", path);
  }

  /** One segment of a JSON Pointer (RFC 6901, section 3). */
  private static String pointer(String name) {
    return "/" + name.replace("~", "~0").replace("/", "~1");
  }
}
