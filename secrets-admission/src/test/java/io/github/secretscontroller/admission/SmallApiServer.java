package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.kubernetes.client.openapi.ApiClient;
import jakarta.json.Json;
import jakarta.json.JsonException;
import java.io.IOException;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * As much of the Kubernetes API as a self-managed certificate needs, over HTTP: objects by path,
 * create, read, JSON Patch, resource versions, and denials as a real one words them.
 */
final class SmallApiServer implements AutoCloseable {

  static final String SECRET = "/api/v1/namespaces/hooks/secrets/webhook-ca";
  static final String CONFIGURATION =
      "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/secrets";

  private static final ObjectMapper JSON = new ObjectMapper();

  private final HttpServer server;
  private final ExecutorService executor = Executors.newFixedThreadPool(4);
  private final Map<String, ObjectNode> objects = new TreeMap<>();
  private final List<String> denied = new ArrayList<>();
  private final List<String> writes = new ArrayList<>();
  private Runnable beforeNextPatch = () -> {};
  private int version = 100;
  private boolean otherServer;

  SmallApiServer() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(executor);
    server.createContext("/", this::answer);
    server.start();
  }

  ApiClient client() {
    ApiClient client = new ApiClient();
    client.setBasePath("http://127.0.0.1:" + server.getAddress().getPort());
    client.setApiKeyPrefix("Bearer");
    client.setApiKey("token");
    return client;
  }

  synchronized void put(String path, String json) {
    try {
      ObjectNode object = (ObjectNode) JSON.readTree(json);
      object.withObject("/metadata").put("resourceVersion", "" + ++version);
      objects.put(path, object);
    } catch (IOException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** A configuration of two webhooks, with a field that no client of today knows. */
  void putConfiguration() {
    put(
        CONFIGURATION,
        """
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
         "metadata": {"name": "secrets"},
         "webhooks": [
          {"name": "pods.secrets.k8s.aws", "fieldOfTomorrow": {"kept": true},
           "clientConfig": {"service": {"name": "webhook", "namespace": "hooks"}}},
          {"name": "secrets.secrets.k8s.aws",
           "clientConfig": {"service": {"name": "webhook", "namespace": "hooks"}}}]}
        """);
  }

  synchronized JsonNode get(String path) {
    ObjectNode object = objects.get(path);
    return object == null ? JSON.nullNode() : object.deepCopy();
  }

  synchronized void delete(String path) {
    objects.remove(path);
  }

  /** Requests of this method and path are denied from now on, as RBAC does. */
  synchronized void deny(String method, String path) {
    denied.add(method + " " + path);
  }

  /** From now on it answers as what is no API server, or not of this resource. */
  synchronized void becomeAnotherServer() {
    objects.clear();
    otherServer = true;
  }

  synchronized void allowEverything() {
    denied.clear();
  }

  /** What somebody else does between our read and our write. */
  synchronized void beforeNextPatch(Runnable change) {
    beforeNextPatch = change;
  }

  /** Writes that succeeded, as {@code METHOD path}. */
  synchronized List<String> writes() {
    return List.copyOf(writes);
  }

  /** The bundle of a webhook as PEM; empty if it has none. */
  String bundle(int webhook) {
    String encoded =
        get(CONFIGURATION).at("/webhooks/" + webhook + "/clientConfig/caBundle").asText();
    return new String(Base64.getDecoder().decode(encoded), StandardCharsets.US_ASCII);
  }

  String secretValue(String key) {
    String encoded = get(SECRET).at("/data").path(key).asText();
    return new String(Base64.getDecoder().decode(encoded), StandardCharsets.US_ASCII);
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
  }

  private void answer(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    String method = exchange.getRequestMethod();
    String path = exchange.getRequestURI().getPath();
    byte[] answer;
    int status;
    synchronized (this) {
      ObjectNode result = JSON.createObjectNode();
      boolean authorized =
          "Bearer token".equals(exchange.getRequestHeaders().getFirst("Authorization"));
      status = handle(authorized, method, path, body, result);
      answer = JSON.writeValueAsBytes(result);
    }
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, answer.length);
    exchange.getResponseBody().write(answer);
    exchange.close();
  }

  private int handle(boolean authorized, String method, String path, byte[] body, ObjectNode result)
      throws IOException {
    if (!authorized) {
      return failure(result, 401, "Unauthorized");
    }
    if (denied.contains(method + " " + path)) {
      return failure(result, 403, "User \"webhook\" cannot " + method + " this resource");
    }
    switch (method) {
      case "GET" -> {
        ObjectNode object = objects.get(path);
        return object == null ? notFound(path, result) : success(result, object, 200);
      }
      case "POST" -> {
        ObjectNode object = (ObjectNode) JSON.readTree(body);
        String created = path + "/" + object.at("/metadata/name").asText();
        if (objects.containsKey(created)) {
          return failure(result, 409, "already exists");
        }
        return write(method, created, object, result, 201);
      }
      case "PATCH" -> {
        Runnable change = beforeNextPatch;
        beforeNextPatch = () -> {};
        change.run();
        ObjectNode object = objects.get(path);
        if (object == null) {
          return notFound(path, result);
        }
        try (var patch =
                Json.createReader(new StringReader(new String(body, StandardCharsets.UTF_8)));
            var before = Json.createReader(new StringReader(object.toString()))) {
          String after = Json.createPatch(patch.readArray()).apply(before.readObject()).toString();
          return write(method, path, (ObjectNode) JSON.readTree(after), result, 200);
        } catch (JsonException e) {
          return failure(result, 422, "the server rejected our request due to an error in it");
        }
      }
      default -> {
        return failure(result, 405, "no such method");
      }
    }
  }

  private int write(String method, String path, ObjectNode object, ObjectNode result, int status) {
    object.withObject("/metadata").put("resourceVersion", "" + ++version);
    objects.put(path, object);
    writes.add(method + " " + path);
    return success(result, object, status);
  }

  private static int success(ObjectNode result, ObjectNode object, int status) {
    result.setAll(object.deepCopy());
    return status;
  }

  private int notFound(String path, ObjectNode result) {
    if (otherServer) {
      return failure(result, 404, "no such route");
    }
    String[] segments = path.split("/", -1);
    result.put("reason", "NotFound");
    result
        .putObject("details")
        .put("name", segments[segments.length - 1])
        .put("kind", segments[segments.length - 2]);
    return failure(result, 404, "not found");
  }

  private static int failure(ObjectNode result, int status, String message) {
    result.put("kind", "Status").put("apiVersion", "v1").put("code", status);
    result.put("message", message);
    return status;
  }
}
