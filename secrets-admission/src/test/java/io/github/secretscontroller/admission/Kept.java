package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What of a JSON tree is still there after a change that should only add to it. */
final class Kept {

  private Kept() {}

  /**
   * The first thing in {@code before} that isn't in {@code after}; null if all is. Elements of an
   * array keep their order, and {@code null} is what Kubernetes takes it for: nothing.
   */
  static @Nullable String lost(JsonNode before, JsonNode after) {
    if (before.isObject() && after.isObject()) {
      for (Map.Entry<String, JsonNode> field : before.properties()) {
        String lost = lost(field.getValue(), after.path(field.getKey()));
        if (lost != null) {
          return "/" + field.getKey() + lost;
        }
      }
      return null;
    }
    if (before.isArray() && after.isArray()) {
      int next = 0;
      for (int i = 0; i < before.size(); i++) {
        while (next < after.size() && lost(before.get(i), after.get(next)) != null) {
          next++;
        }
        if (next++ == after.size()) {
          return "/" + i + " is lost: " + before.get(i);
        }
      }
      return null;
    }
    return before.isNull() || before.equals(after) ? null : " is " + after + ", was " + before;
  }
}
