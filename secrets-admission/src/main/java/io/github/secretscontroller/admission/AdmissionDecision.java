package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The answer to one AdmissionReview, before it becomes JSON.
 *
 * @param status the HTTP status of a refusal; 200 if the object is allowed
 * @param message the refusal's sentence; empty if the object is allowed
 * @param patch JSON Patch operations; empty if nothing changes
 * @param addedContainers how many containers the patch adds, for metrics
 */
record AdmissionDecision(
    int status,
    String message,
    ArrayNode patch,
    List<String> warnings,
    Map<String, String> auditAnnotations,
    int addedContainers) {

  private static final JsonFactory FACTORY = new JsonFactory();
  private static final ObjectWriter PATCHES = new JsonMapper().writerFor(ArrayNode.class);
  private static final ArrayNode NO_PATCH = JsonNodeFactory.instance.arrayNode(0);

  static final AdmissionDecision UNCHANGED = allow(List.of(), Map.of());

  static AdmissionDecision allow(List<String> warnings, Map<String, String> auditAnnotations) {
    return new AdmissionDecision(200, "", NO_PATCH, warnings, auditAnnotations, 0);
  }

  static AdmissionDecision refuse(int status, String message, List<String> warnings) {
    return new AdmissionDecision(status, message, NO_PATCH, warnings, Map.of(), 0);
  }

  /** The same, with a patch. */
  AdmissionDecision with(ArrayNode patch, int addedContainers) {
    return new AdmissionDecision(
        status, message, patch, warnings, auditAnnotations, addedContainers);
  }

  boolean allowed() {
    return status == 200;
  }

  /** The AdmissionReview that answers {@code review}: same apiVersion, same uid. */
  byte[] toJson(AdmissionReview review) {
    byte[] encodedPatch = encodedPatch();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(512 + encodedPatch.length);
    try (JsonGenerator json = FACTORY.createGenerator(bytes)) {
      json.writeStartObject();
      json.writeStringField("kind", "AdmissionReview");
      json.writeStringField("apiVersion", review.apiVersion());
      json.writeObjectFieldStart("response");
      json.writeStringField("uid", review.uid());
      json.writeBooleanField("allowed", allowed());
      if (!allowed()) {
        json.writeObjectFieldStart("status");
        json.writeNumberField("code", status);
        json.writeStringField("reason", reason());
        json.writeStringField("message", message);
        json.writeEndObject();
      }
      if (!patch.isEmpty()) {
        json.writeStringField("patchType", "JSONPatch");
        json.writeFieldName("patch");
        json.writeRawUTF8String(encodedPatch, 0, encodedPatch.length);
      }
      if (!warnings.isEmpty()) {
        json.writeArrayFieldStart("warnings");
        for (String warning : warnings) {
          json.writeString(oneLine(warning));
        }
        json.writeEndArray();
      }
      if (!auditAnnotations.isEmpty()) {
        json.writeObjectFieldStart("auditAnnotations");
        for (Map.Entry<String, String> entry : new TreeMap<>(auditAnnotations).entrySet()) {
          json.writeStringField(entry.getKey(), entry.getValue());
        }
        json.writeEndObject();
      }
      json.writeEndObject();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return bytes.toByteArray();
  }

  private byte[] encodedPatch() {
    try {
      return patch.isEmpty()
          ? new byte[0]
          : Base64.getEncoder().encode(PATCHES.writeValueAsBytes(patch));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
  }

  /** The machine-readable reasons of a Kubernetes Status (metav1.StatusReason). */
  private String reason() {
    return switch (status) {
      case 400 -> "BadRequest";
      case 403 -> "Forbidden";
      case 500 -> "InternalError";
      case 503 -> "ServiceUnavailable";
      case 504 -> "Timeout";
      default -> "Invalid";
    };
  }

  /** The API server drops a warning with control characters, since it becomes an HTTP header. */
  private static String oneLine(String warning) {
    return warning.chars().anyMatch(Character::isISOControl)
        ? warning.replaceAll("\\p{Cntrl}", " ")
        : warning;
  }
}
