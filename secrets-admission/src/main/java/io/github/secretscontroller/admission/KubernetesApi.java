package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kubernetes.client.custom.V1Patch;
import io.kubernetes.client.openapi.ApiClient;
import io.kubernetes.client.openapi.ApiException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import okhttp3.Response;
import okhttp3.ResponseBody;
import org.jspecify.annotations.Nullable;

/**
 * Objects of the Kubernetes API as JSON trees. The client's typed models refuse an object with a
 * field that they don't know, which a newer API server may send at any time.
 */
final class KubernetesApi {

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final int ATTEMPTS = 5;
  private static final int LONGEST_REASON = 300;

  private final ApiClient client;

  KubernetesApi(ApiClient client) {
    this.client = client;
  }

  /** The object, or null if the API server says that there is none. */
  @Nullable ObjectNode get(String path) {
    try {
      return call("GET", path, null, "application/json");
    } catch (ClusterException e) {
      if (e.status() == 404) {
        return null;
      }
      throw e;
    }
  }

  /** Creates an object; false if there is one already. */
  boolean create(String path, ObjectNode object) {
    try {
      call("POST", path, object, "application/json");
      return true;
    } catch (ClusterException e) {
      if (e.status() == 409) {
        return false;
      }
      throw e;
    }
  }

  /**
   * Reads an object, and writes it if there is something to change; starts again if somebody else
   * wrote in between.
   *
   * @param change from the object to the operations of a JSON Patch; none if it is all right
   * @return the object as it is stored now, or null if there is none
   */
  @Nullable ObjectNode update(String path, Function<ObjectNode, ArrayNode> change) {
    ObjectNode object = get(path);
    for (int attempt = 1; object != null; attempt++) {
      ArrayNode operations = change.apply(object);
      if (operations.isEmpty()) {
        return object;
      }
      String version = object.at("/metadata/resourceVersion").asText();
      operations
          .insertObject(0)
          .put("op", "test")
          .put("path", "/metadata/resourceVersion")
          .put("value", version);
      try {
        return call("PATCH", path, operations, "application/json-patch+json");
      } catch (ClusterException e) {
        // A failed test is reported as 422, as is an object that the API server doesn't like.
        boolean mayBeLost = e.status() == 409 || e.status() == 422;
        object = mayBeLost ? get(path) : object;
        boolean lost =
            object != null && !object.at("/metadata/resourceVersion").asText().equals(version);
        if (!lost || attempt == ATTEMPTS) {
          throw e;
        }
      }
    }
    return null;
  }

  static ArrayNode noOperations() {
    return JSON.createArrayNode();
  }

  private ObjectNode call(String method, String path, @Nullable JsonNode body, String type) {
    // A patch is the client's one type for JSON that it sends as it is.
    Object sent = body == null ? null : new V1Patch(body.toString());
    try (Response response =
        client
            .buildCall(
                client.getBasePath(),
                path,
                method,
                new ArrayList<>(),
                new ArrayList<>(),
                sent,
                // The client adds its own credentials to them.
                new HashMap<>(Map.of("Accept", "application/json", "Content-Type", type)),
                new HashMap<>(),
                new HashMap<>(),
                new String[] {"BearerToken"},
                null)
            .execute()) {
      ResponseBody answer = response.body();
      String text = answer == null ? "" : answer.string();
      if (response.code() == 404 && method.equals("GET") && !saysThatItIsNotThere(path, text)) {
        throw new ClusterException(
            0,
            client.getBasePath()
                + " answers GET "
                + path
                + " with HTTP 404, but not as an API server does for what isn't there; is this the"
                + " cluster's API server?");
      }
      if (!response.isSuccessful()) {
        throw new ClusterException(response.code(), reason(method, path, response.code(), text));
      }
      if (JSON.readTree(text) instanceof ObjectNode object) {
        return object;
      }
      throw new ClusterException(
          response.code(), "the API server's answer to " + method + " " + path + " is no object");
    } catch (JsonProcessingException e) {
      // Without the cause, which quotes the answer.
      throw new ClusterException(
          0, "the API server's answer to " + method + " " + path + " is no JSON");
    } catch (ApiException | IOException e) {
      throw new ClusterException(
          0, "the API server at " + client.getBasePath() + " can't be reached (" + e + ")");
    }
  }

  /** A proxy, or the server of something else, has a 404 for many a reason. */
  private static boolean saysThatItIsNotThere(String path, String text) {
    String[] segments = path.split("/", -1);
    try {
      JsonNode status = JSON.readTree(text);
      return status.path("kind").asText().equals("Status")
          && status.path("reason").asText().equals("NotFound")
          && status.at("/details/kind").asText().equals(segments[segments.length - 2])
          && status.at("/details/name").asText().equals(segments[segments.length - 1]);
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  private static String reason(String method, String path, int status, String text) {
    String said = "";
    // Only a denial is repeated: it names who may not do what, and never the object's content.
    if (status == 403) {
      try {
        said = JSON.readTree(text).path("message").asText();
      } catch (JsonProcessingException e) {
        said = "";
      }
    }
    return "the API server refuses "
        + method
        + " "
        + path
        + " (HTTP "
        + status
        + (said.isEmpty() ? "" : ": " + said.substring(0, Math.min(said.length(), LONGEST_REASON)))
        + ")";
  }
}
