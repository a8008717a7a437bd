package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.AdmissionReview.ObjectFacts;
import io.github.secretscontroller.admission.AdmissionReview.Resource;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads an AdmissionReview without a tree, which a pod that concerns nobody needn't have. Fields
 * that are not needed are skipped, and a field that comes twice counts as it last came, like in a
 * tree.
 *
 * <p>Its errors never quote the body, which may hold somebody's secret.
 *
 * @see <a
 *     href="https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request">AdmissionReview</a>
 */
final class AdmissionReviewReader {

  static final String V1 = "admission.k8s.io/v1";
  static final String V1BETA1 = "admission.k8s.io/v1beta1";

  private final JsonScanner json;

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

  private AdmissionReviewReader(JsonScanner json) {
    this.json = json;
  }

  /**
   * Reads a whole body.
   *
   * @throws MalformedReviewException if it is no AdmissionReview with a request
   */
  static AdmissionReview read(byte[] body) throws MalformedReviewException {
    return new AdmissionReviewReader(new JsonScanner(body)).read();
  }

  private AdmissionReview read() throws MalformedReviewException {
    if (!json.isAt('{')) {
      throw new MalformedReviewException("the body is not a JSON object");
    }
    json.enter();
    for (String field = json.nextField(); field != null; field = json.nextField()) {
      switch (field) {
        case "kind" -> kind = text("kind");
        case "apiVersion" -> apiVersion = text("apiVersion");
        case "request" -> readRequest();
        default -> json.skip();
      }
    }
    json.end();
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

  private void readRequest() throws MalformedReviewException {
    hasRequest = false;
    if (json.skipNull()) {
      return;
    }
    requireObject("request");
    hasRequest = true;
    for (String field = json.nextField(); field != null; field = json.nextField()) {
      switch (field) {
        case "uid" -> uid = textOrEmpty("request.uid");
        case "resource" -> readResource();
        case "subResource" -> subResource = textOrEmpty("request.subResource");
        case "operation" -> operation = textOrEmpty("request.operation");
        case "namespace" -> namespace = textOrEmpty("request.namespace");
        case "name" -> requestName = emptyToNull(textOrEmpty("request.name"));
        case "dryRun" -> dryRun = json.isTrue();
        case "userInfo" -> readUserInfo();
        case "object" -> readObject();
        default -> json.skip();
      }
    }
  }

  private void readResource() throws MalformedReviewException {
    requireObject("request.resource");
    String group = "";
    String version = "";
    String plural = "";
    for (String field = json.nextField(); field != null; field = json.nextField()) {
      switch (field) {
        case "group" -> group = textOrEmpty("request.resource.group");
        case "version" -> version = textOrEmpty("request.resource.version");
        case "resource" -> plural = textOrEmpty("request.resource.resource");
        default -> json.skip();
      }
    }
    resource = new Resource(group, version, plural);
  }

  private void readUserInfo() throws MalformedReviewException {
    requireObject("request.userInfo");
    for (String field = json.nextField(); field != null; field = json.nextField()) {
      if (field.equals("username")) {
        userName = textOrEmpty("request.userInfo.username");
      } else {
        json.skip();
      }
    }
  }

  private void readObject() throws MalformedReviewException {
    objectStart = -1;
    clearMetadata();
    if (json.skipNull()) {
      return;
    }
    int start = json.position();
    requireObject("request.object");
    objectStart = start;
    for (String field = json.nextField(); field != null; field = json.nextField()) {
      if (field.equals("metadata")) {
        readMetadata();
      } else {
        json.skip();
      }
    }
    objectEnd = json.position();
  }

  private void clearMetadata() {
    name = null;
    generateName = null;
    owner = null;
    annotations = Map.of();
  }

  private void readMetadata() throws MalformedReviewException {
    requireObject("request.object.metadata");
    clearMetadata();
    for (String field = json.nextField(); field != null; field = json.nextField()) {
      switch (field) {
        case "name" -> name = emptyToNull(textOrEmpty("request.object.metadata.name"));
        case "generateName" ->
            generateName = emptyToNull(textOrEmpty("request.object.metadata.generateName"));
        case "annotations" -> readAnnotations();
        case "ownerReferences" -> readOwners();
        default -> json.skip();
      }
    }
  }

  private void readAnnotations() throws MalformedReviewException {
    annotations = Map.of();
    if (json.skipNull()) {
      return;
    }
    requireObject("request.object.metadata.annotations");
    Map<String, String> read = new HashMap<>();
    for (String key = json.nextField(); key != null; key = json.nextField()) {
      read.put(key, text("each value of request.object.metadata.annotations"));
    }
    annotations = read;
  }

  /** Keeps the controller, of which there is at most one. */
  private void readOwners() throws MalformedReviewException {
    owner = null;
    if (!json.isAt('[')) {
      json.skip();
      return;
    }
    json.enter();
    while (json.nextElement()) {
      requireObject("each of request.object.metadata.ownerReferences");
      String ownerKind = "";
      String ownerName = "";
      boolean controller = false;
      for (String field = json.nextField(); field != null; field = json.nextField()) {
        switch (field) {
          case "kind" -> ownerKind = textOrEmpty("an owner's kind");
          case "name" -> ownerName = textOrEmpty("an owner's name");
          case "controller" -> controller = json.isTrue();
          default -> json.skip();
        }
      }
      if (controller) {
        owner = ownerKind + " " + ownerName;
      }
    }
  }

  private void requireObject(String what) throws MalformedReviewException {
    if (!json.isAt('{')) {
      json.skip();
      throw new MalformedReviewException("\"" + what + "\" is not an object");
    }
    json.enter();
  }

  private String textOrEmpty(String what) throws MalformedReviewException {
    return json.skipNull() ? "" : text(what);
  }

  private String text(String what) throws MalformedReviewException {
    if (!json.isAt('"')) {
      json.skip();
      throw new MalformedReviewException("\"" + what + "\" is not a string");
    }
    return json.string();
  }

  private static @Nullable String emptyToNull(String text) {
    return text.isEmpty() ? null : text;
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
