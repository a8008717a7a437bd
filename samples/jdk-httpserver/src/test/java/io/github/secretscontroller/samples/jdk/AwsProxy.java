package io.github.secretscontroller.samples.jdk;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Assumptions;

/**
 * Stands between a program and the endpoint that {@code AWS_ENDPOINT_URL} names, and does what an
 * emulator can't: answers as AWS does in trouble, or not at all. Operations are named as in {@code
 * secretsmanager.CreateSecret} and {@code TrentService.Decrypt}.
 */
final class AwsProxy implements AutoCloseable {

  static final String REGION = "us-east-1";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String TARGET = "X-Amz-Target";

  private final URI endpoint;
  private final HttpServer server;
  private final HttpClient client = HttpClient.newHttpClient();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, String> refused = new ConcurrentHashMap<>();
  private final Map<String, Crash> unanswered = new ConcurrentHashMap<>();

  private AwsProxy(URI endpoint) throws IOException {
    this.endpoint = endpoint;
    this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::pass);
    server.start();
  }

  /**
   * Without an endpoint the test is skipped, or fails if {@code AWS_TESTS_REQUIRED} is {@code
   * true}.
   */
  static AwsProxy start() throws IOException {
    String endpoint = System.getenv("AWS_ENDPOINT_URL");
    if (endpoint == null && Boolean.parseBoolean(System.getenv("AWS_TESTS_REQUIRED"))) {
      throw new IllegalStateException("AWS_ENDPOINT_URL isn't set, and AWS_TESTS_REQUIRED is true");
    }
    Assumptions.assumeTrue(endpoint != null, "AWS_ENDPOINT_URL isn't set");
    return new AwsProxy(URI.create(endpoint));
  }

  /** The variables of a program that uses it. */
  Map<String, String> variables() {
    return Map.of(
        "AWS_ENDPOINT_URL",
        "http://127.0.0.1:" + server.getAddress().getPort(),
        "AWS_REGION",
        REGION,
        "AWS_ACCESS_KEY_ID",
        "test",
        "AWS_SECRET_ACCESS_KEY",
        "test");
  }

  /** From now on, an operation is refused with an error of this type. */
  void refuse(String operation, String type) {
    refused.put(operation, type);
  }

  void refuseNothing() {
    refused.clear();
  }

  /** The next such operation is done, but has no answer: a crash comes in between. */
  void crashAfter(String operation, Crash crash) {
    unanswered.put(operation, crash);
  }

  /** What ends the program. */
  interface Crash {
    void run() throws InterruptedException;
  }

  /** Calls an operation of the endpoint itself. */
  JsonNode call(String operation, ObjectNode input) throws Exception {
    HttpResponse<byte[]> answer = send(operation, JSON.writeValueAsBytes(input));
    return JSON.readTree(answer.body());
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void pass(HttpExchange exchange) throws IOException {
    try (exchange) {
      String operation = exchange.getRequestHeaders().getFirst(TARGET);
      byte[] body = exchange.getRequestBody().readAllBytes();
      String type = refused.get(operation);
      if (type != null) {
        byte[] error =
            JSON.writeValueAsBytes(
                JSON.createObjectNode().put("__type", type).put("message", "said AWS"));
        answer(exchange, 400, error);
        return;
      }
      HttpResponse<byte[]> answer = send(operation, body);
      Crash crash = unanswered.remove(operation);
      if (crash != null) {
        crash.run();
        return;
      }
      answer(exchange, answer.statusCode(), answer.body());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void answer(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  private HttpResponse<byte[]> send(String operation, byte[] body)
      throws IOException, InterruptedException {
    String service = operation.startsWith("TrentService.") ? "kms" : "secretsmanager";
    return client.send(
        HttpRequest.newBuilder(endpoint)
            .header(TARGET, operation)
            .header("Content-Type", "application/x-amz-json-1.1")
            // An emulator wants to know region and service, and believes any signature.
            .header(
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=test/20260101/"
                    + REGION
                    + "/"
                    + service
                    + "/aws4_request, SignedHeaders=host, Signature=00")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }
}
