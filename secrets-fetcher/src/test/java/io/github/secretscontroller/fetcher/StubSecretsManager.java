package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;

/**
 * A server that answers the few calls of a fetcher as AWS documents them, records each, and refuses
 * what it is told to refuse.
 */
final class StubSecretsManager implements AutoCloseable {

  static final String REQUEST_ID = "f1e2d3c4-0000-4000-8000-00000000abcd";

  /** The only key that its KMS knows. */
  static final String KEY = "arn:aws:kms:us-east-1:123456789012:key/k";

  private static final String DATA_KEY =
      "{\"KeyId\": \"%s\", \"Plaintext\": \"%s=\", \"CiphertextBlob\": \"c2VhbGVk\"}"
          .formatted(KEY, "A".repeat(43));

  private static final String STS_ANSWER =
      """
      <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult>
          <Credentials>
            <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
            <SecretAccessKey>key</SecretAccessKey>
            <SessionToken>token</SessionToken>
            <Expiration>%s</Expiration>
          </Credentials>
        </AssumeRoleWithWebIdentityResult>
      </AssumeRoleWithWebIdentityResponse>
      """;

  private record Version(String id, String value) {}

  private record Refusal(int status, String code, int times) {}

  private final ObjectMapper json = new ObjectMapper();
  private final String region;
  private final HttpServer server;
  private final Map<String, Version> secrets = new ConcurrentHashMap<>();
  private final Map<String, Refusal> refusals = new ConcurrentHashMap<>();
  private final Set<String> hanging = ConcurrentHashMap.newKeySet();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final List<String> calls = new CopyOnWriteArrayList<>();

  StubSecretsManager() throws IOException {
    this("us-east-1");
  }

  /** A server that answers with ARNs of a region. */
  StubSecretsManager(String region) throws IOException {
    this.region = region;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "stub-aws");
              thread.setDaemon(true);
              return thread;
            }));
    server.createContext("/", this::answer);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + port();
  }

  int port() {
    return server.getAddress().getPort();
  }

  /** The variables of a process that uses it with keys. */
  Map<String, String> variables() {
    return Map.of(
        "AWS_REGION", "us-east-1",
        "AWS_ACCESS_KEY_ID", "test",
        "AWS_SECRET_ACCESS_KEY", "test",
        "AWS_ENDPOINT_URL", url());
  }

  static String arn(String name) {
    return arn("us-east-1", name);
  }

  static String arn(String region, String name) {
    return "arn:aws:secretsmanager:" + region + ":123456789012:secret:" + name + "-AbCdEf";
  }

  /** Gives a secret a new current version. */
  void put(String name, String value) {
    secrets.put(name, new Version(UUID.randomUUID().toString(), value));
  }

  /** Has the same version of a secret as another server, as a replica has. */
  void copy(StubSecretsManager original, String name) {
    Version version = original.secrets.get(name);
    if (version != null) {
      secrets.put(name, version);
    }
  }

  /** Refuses an operation, the next few times. */
  void refuse(String operation, int times, int status, String code) {
    refusals.put(operation, new Refusal(status, code, times));
  }

  /** Never answers an operation from now on. */
  void hang(String operation) {
    hanging.add(operation);
  }

  /** The operations so far. */
  List<String> calls() {
    return List.copyOf(calls);
  }

  long count(String operation) {
    return calls.stream().filter(operation::equals).count();
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      byte[] body = exchange.getRequestBody().readAllBytes();
      String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
      if (target == null) {
        calls.add("AssumeRoleWithWebIdentity");
        Instant later = Instant.now().plusSeconds(3600);
        send(exchange, 200, "text/xml", STS_ANSWER.formatted(later));
        return;
      }
      String operation = target.substring(target.indexOf('.') + 1);
      calls.add(operation);
      if (hanging.contains(operation)) {
        closed.await();
      }
      Refusal refusal = refusals.get(operation);
      if (refusal != null && refusal.times() > 0) {
        refusals.put(operation, new Refusal(refusal.status(), refusal.code(), refusal.times() - 1));
        send(exchange, refusal.status(), error(refusal.code()));
        return;
      }
      if (operation.equals("GenerateDataKey") || operation.equals("Decrypt")) {
        send(exchange, 200, DATA_KEY);
        return;
      }
      JsonNode request = json.readTree(body);
      String name = request.path("SecretId").asText().replaceAll(".*:secret:|-AbCdEf$", "");
      Version version = secrets.get(name);
      if (version == null) {
        send(exchange, 400, error("ResourceNotFoundException"));
      } else if (operation.equals("DescribeSecret")) {
        send(
            exchange,
            200,
            "{\"ARN\": \"%s\", \"Name\": \"%s\", \"VersionIdsToStages\": {\"%s\": [\"AWSCURRENT\"]}}"
                .formatted(arn(region, name), name, version.id()));
      } else {
        send(
            exchange,
            200,
            "{\"ARN\": \"%s\", \"Name\": \"%s\", \"VersionId\": \"%s\", \"SecretString\": %s, \"VersionStages\": [\"AWSCURRENT\"], \"CreatedDate\": 1.7e9}"
                .formatted(
                    arn(region, name),
                    name,
                    version.id(),
                    json.writeValueAsString(version.value())));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String error(String code) {
    return "{\"__type\": \"%s\", \"Message\": \"no\"}".formatted(code);
  }

  private static void send(HttpExchange exchange, int status, String body) throws IOException {
    send(exchange, status, "application/x-amz-json-1.1", body);
  }

  private static void send(HttpExchange exchange, int status, String type, String body)
      throws IOException {
    byte[] bytes = body.getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.getResponseHeaders().set("x-amzn-RequestId", REQUEST_ID);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
  }
}
