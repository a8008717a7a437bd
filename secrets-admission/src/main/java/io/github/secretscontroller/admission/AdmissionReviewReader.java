package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import io.github.secretscontroller.admission.AdmissionReview.ObjectFacts;
import io.github.secretscontroller.admission.AdmissionReview.Resource;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads an AdmissionReview with Jackson's streaming API, so that a pod that concerns nobody costs
 * no tree. Fields that are not needed are skipped, and a field that comes twice counts as it last
 * came, like in a tree.
 *
 * <p>Its errors never quote the body, which may hold somebody's secret.
 *
 * @see <a
 *     href="https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request">AdmissionReview</a>
 */
final class AdmissionReviewReader {

  static final String V1 = "admission.k8s.io/v1";
  static final String V1BETA1 = "admission.k8s.io/v1beta1";

  private static final JsonFactory FACTORY =
      new JsonFactoryBuilder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();

  private final JsonParser json;

  private @Nullable String kind;
  private @Nullable String apiVersion;
  private boolean hasRequest;

  private String uid = "";
  private Resource resource = new Resource("", "", "");
  private String subResource = "";
  private String operation = "";
  private String namespace = "";
  private @Nullable String requestName;
  private boolean dryRun;
  private String userName = "";

  private int objectStart = -1;
  private int objectEnd = -1;
  private @Nullable String name;
  private @Nullable String generateName;
  private @Nullable String owner;
  private Map<String, String> annotations = Map.of();

  private AdmissionReviewReader(JsonParser json) {
    this.json = json;
  }

  /**
   * Reads a whole body.
   *
   * @throws MalformedReviewException if it is no AdmissionReview with a request
   */
  static AdmissionReview read(byte[] body) throws MalformedReviewException {
    try (JsonParser json = FACTORY.createParser(body)) {
      return new AdmissionReviewReader(json).read();
    } catch (JsonProcessingException e) {
      throw notJson(e.getLocation());
    } catch (IOException | IllegalStateException e) {
      // Jackson's guard against colliding field names is an IllegalStateException.
      throw new MalformedReviewException("the body can't be read as JSON");
    }
  }

  private AdmissionReview read() throws IOException, MalformedReviewException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw new MalformedReviewException("the body is not a JSON object");
    }
    if (json.currentTokenLocation().getByteOffset() < 0) {
      throw new MalformedReviewException("the body is not in UTF-8");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "kind" -> kind = text("kind");
        case "apiVersion" -> apiVersion = text("apiVersion");
        case "request" -> readRequest();
        default -> json.skipChildren();
      }
    }
    if (json.nextToken() != null) {
      throw new MalformedReviewException("something follows the JSON object");
    }
    if (!"AdmissionReview".equals(kind)) {
      throw new MalformedReviewException("\"kind\" must be \"AdmissionReview\"");
    }
    String version = apiVersion;
    if (version == null || !(version.equals(V1) || version.equals(V1BETA1))) {
      throw new MalformedReviewException(
          "\"apiVersion\" must be \"" + V1 + "\" or \"" + V1BETA1 + "\"");
    }
    if (!hasRequest) {
      throw new MalformedReviewException("\"request\" is missing");
    }
    if (uid.isEmpty()) {
      throw new MalformedReviewException("\"request.uid\" is missing");
    }
    AdmissionReview review =
        new AdmissionReview(
            version,
            uid,
            resource,
            subResource,
            operation,
            namespace,
            dryRun,
            userName,
            new ObjectFacts(name == null ? requestName : name, generateName, owner, annotations),
            objectStart,
            objectEnd);
    if (review.createsPod() && !review.hasObject()) {
      throw new MalformedReviewException("\"request.object\" is missing");
    }
    return review;
  }

  private void readRequest() throws IOException, MalformedReviewException {
    hasRequest = false;
    if (json.currentToken() == JsonToken.VALUE_NULL) {
      return;
    }
    requireObject("request");
    hasRequest = true;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "uid" -> uid = textOrEmpty("request.uid");
        case "resource" -> readResource();
        case "subResource" -> subResource = textOrEmpty("request.subResource");
        case "operation" -> operation = textOrEmpty("request.operation");
        case "namespace" -> namespace = textOrEmpty("request.namespace");
        case "name" -> requestName = emptyToNull(textOrEmpty("request.name"));
        case "dryRun" -> dryRun = json.currentToken() == JsonToken.VALUE_TRUE;
        case "userInfo" -> readUserInfo();
        case "object" -> readObject();
        default -> json.skipChildren();
      }
    }
  }

  private void readResource() throws IOException, MalformedReviewException {
    requireObject("request.resource");
    String group = "";
    String version = "";
    String plural = "";
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "group" -> group = textOrEmpty("request.resource.group");
        case "version" -> version = textOrEmpty("request.resource.version");
        case "resource" -> plural = textOrEmpty("request.resource.resource");
        default -> json.skipChildren();
      }
    }
    resource = new Resource(group, version, plural);
  }

  private void readUserInfo() throws IOException, MalformedReviewException {
    requireObject("request.userInfo");
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      if (field.equals("username")) {
        userName = textOrEmpty("request.userInfo.username");
      } else {
        json.skipChildren();
      }
    }
  }

  private void readObject() throws IOException, MalformedReviewException {
    objectStart = -1;
    clearMetadata();
    if (json.currentToken() == JsonToken.VALUE_NULL) {
      return;
    }
    requireObject("request.object");
    objectStart = (int) json.currentTokenLocation().getByteOffset();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      if (field.equals("metadata")) {
        readMetadata();
      } else {
        json.skipChildren();
      }
    }
    objectEnd = (int) json.currentLocation().getByteOffset();
  }

  private void clearMetadata() {
    name = null;
    generateName = null;
    owner = null;
    annotations = Map.of();
  }

  private void readMetadata() throws IOException, MalformedReviewException {
    requireObject("request.object.metadata");
    clearMetadata();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "name" -> name = emptyToNull(textOrEmpty("request.object.metadata.name"));
        case "generateName" ->
            generateName = emptyToNull(textOrEmpty("request.object.metadata.generateName"));
        case "annotations" -> readAnnotations();
        case "ownerReferences" -> readOwners();
        default -> json.skipChildren();
      }
    }
  }

  private void readAnnotations() throws IOException, MalformedReviewException {
    annotations = Map.of();
    if (json.currentToken() == JsonToken.VALUE_NULL) {
      return;
    }
    requireObject("request.object.metadata.annotations");
    Map<String, String> read = new HashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String key = json.currentName();
      json.nextToken();
      read.put(key, text("each value of request.object.metadata.annotations"));
    }
    annotations = read;
  }

  /** Keeps the controller, of which there is at most one. */
  private void readOwners() throws IOException, MalformedReviewException {
    owner = null;
    if (json.currentToken() != JsonToken.START_ARRAY) {
      return;
    }
    while (json.nextToken() != JsonToken.END_ARRAY) {
      requireObject("each of request.object.metadata.ownerReferences");
      String ownerKind = "";
      String ownerName = "";
      boolean controller = false;
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String field = json.currentName();
        json.nextToken();
        switch (field) {
          case "kind" -> ownerKind = textOrEmpty("an owner's kind");
          case "name" -> ownerName = textOrEmpty("an owner's name");
          case "controller" -> controller = json.currentToken() == JsonToken.VALUE_TRUE;
          default -> json.skipChildren();
        }
      }
      if (controller) {
        owner = ownerKind + " " + ownerName;
      }
    }
  }

  private void requireObject(String what) throws MalformedReviewException {
    if (json.currentToken() != JsonToken.START_OBJECT) {
      throw new MalformedReviewException("\"" + what + "\" is not an object");
    }
  }

  private String textOrEmpty(String what) throws IOException, MalformedReviewException {
    return json.currentToken() == JsonToken.VALUE_NULL ? "" : text(what);
  }

  private String text(String what) throws IOException, MalformedReviewException {
    if (json.currentToken() != JsonToken.VALUE_STRING) {
      throw new MalformedReviewException("\"" + what + "\" is not a string");
    }
    return json.getText();
  }

  private static @Nullable String emptyToNull(String text) {
    return text.isEmpty() ? null : text;
  }

  private static MalformedReviewException notJson(@Nullable JsonLocation at) {
    return new MalformedReviewException(
        at == null
            ? "the body is not valid JSON"
            : "the body is not valid JSON at line "
                + at.getLineNr()
                + ", column "
                + at.getColumnNr());
  }

  /** The body is no AdmissionReview; the message says why without quoting it. */
  static final class MalformedReviewException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String reason;

    MalformedReviewException(String reason) {
      super(reason);
      this.reason = "not an AdmissionReview: " + reason;
    }

    String reason() {
      return reason;
    }
  }
}
