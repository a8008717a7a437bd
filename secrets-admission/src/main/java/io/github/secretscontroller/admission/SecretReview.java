package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.jspecify.annotations.Nullable;

/**
 * An admission request about a Secret.
 *
 * @param name empty if the API server has yet to generate it
 * @param object as it is to be stored; {@code null} on DELETE
 * @param oldObject as it is stored; {@code null} on CREATE
 */
record SecretReview(
    String operation,
    String namespace,
    String name,
    boolean dryRun,
    @Nullable ObjectNode object,
    @Nullable ObjectNode oldObject) {

  /** Reads the {@code request} of an AdmissionReview. */
  static SecretReview of(JsonNode request) {
    ObjectNode object = objectOrNull(request.path("object"));
    String name = request.path("name").asText("");
    if (name.isEmpty() && object != null) {
      name = object.path("metadata").path("name").asText("");
    }
    return new SecretReview(
        request.path("operation").asText(""),
        request.path("namespace").asText(""),
        name,
        request.path("dryRun").asBoolean(),
        object,
        objectOrNull(request.path("oldObject")));
  }

  /** The object, or the one that is deleted. */
  JsonNode subject() {
    if (object != null) {
      return object;
    }
    return oldObject == null ? MissingNode.getInstance() : oldObject;
  }

  JsonNode old() {
    return oldObject == null ? MissingNode.getInstance() : oldObject;
  }

  String describe() {
    String generated = subject().path("metadata").path("generateName").asText("");
    return "Secret " + namespace + "/" + (name.isEmpty() ? generated + "*" : name);
  }

  private static @Nullable ObjectNode objectOrNull(JsonNode node) {
    return node instanceof ObjectNode object ? object : null;
  }
}
