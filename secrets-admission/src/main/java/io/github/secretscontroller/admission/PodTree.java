package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Reading and growing the JSON tree of a Pod, whatever is missing in it. */
final class PodTree {

  private PodTree() {}

  static ObjectNode newObject() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** The objects in an array, which may be missing. */
  static List<ObjectNode> objects(JsonNode parent, String field) {
    List<ObjectNode> objects = new ArrayList<>();
    for (JsonNode element : parent.path(field)) {
      if (element instanceof ObjectNode object) {
        objects.add(object);
      }
    }
    return objects;
  }

  /** The object in an array that has this value under {@code key}. */
  static Optional<ObjectNode> find(JsonNode parent, String field, String key, String value) {
    for (JsonNode element : parent.path(field)) {
      if (element instanceof ObjectNode object && text(object, key).equals(value)) {
        return Optional.of(object);
      }
    }
    return Optional.empty();
  }

  /** The array under {@code field}, made if it is missing. */
  static ArrayNode arrayOf(ObjectNode parent, String field) {
    return parent.get(field) instanceof ArrayNode array ? array : parent.putArray(field);
  }

  /** The object under {@code field}, made if it is missing. */
  static ObjectNode objectOf(ObjectNode parent, String field) {
    return parent.get(field) instanceof ObjectNode object ? object : parent.putObject(field);
  }

  /** Whether both are the very same node, which is quicker than to ask whether they are equal. */
  @SuppressWarnings("ReferenceEquality")
  static boolean isOneNode(@Nullable JsonNode one, @Nullable JsonNode other) {
    return one == other;
  }

  /** The text under {@code field}, empty if it is missing. */
  static String text(JsonNode parent, String field) {
    return parent.path(field).asText("");
  }

  /**
   * As whom a pod runs. An API server fills in both fields, but a manifest may have the old one
   * alone.
   */
  static String serviceAccount(JsonNode spec) {
    for (String field : List.of("serviceAccountName", "serviceAccount")) {
      String account = text(spec, field);
      if (!account.isEmpty()) {
        return account;
      }
    }
    return "default";
  }

  /** A mount path as it counts: without slashes at its end. */
  static String normalise(String mountPath) {
    int end = mountPath.length();
    while (end > 1 && mountPath.charAt(end - 1) == '/') {
      end--;
    }
    return mountPath.substring(0, end);
  }

  /** Whether {@code path} is {@code directory} or lies below it; both normalised. */
  static boolean isWithin(String path, String directory) {
    return path.startsWith(directory)
        && (path.length() == directory.length()
            || directory.endsWith("/")
            || path.charAt(directory.length()) == '/');
  }
}
