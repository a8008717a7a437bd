package io.github.secretscontroller.fetcher;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/**
 * Answers as Secrets Manager (JSON 1.1) and STS (Query) do, fast and always alike: what the image's
 * build trains against, and what cold starts are measured against. One file that only needs the
 * JDK, so that {@code java AwsStub.java KEYSTORE} runs it, too.
 *
 * <p>It has any secret, but for those named {@code missing...} and {@code denied...}. One named
 * {@code rotating...} has a new version whenever it is described.
 */
final class AwsStub implements AutoCloseable {

  private static final Pattern SECRET_ID = Pattern.compile("\"SecretId\"\\s*:\\s*\"([^\"]+)\"");
  private static final String VERSION = "11111111-2222-4333-8444-%012d";
  private static final AtomicLong ROTATIONS = new AtomicLong();
  private static final char[] PASSWORD = "stub-only".toCharArray();

  private final HttpServer server;

  private AwsStub(HttpServer server) {
    this.server = server;
    server.setExecutor(
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "aws-stub");
              thread.setDaemon(true);
              return thread;
            }));
    server.createContext("/", AwsStub::answer);
    server.start();
  }

  /** A stub that speaks plain HTTP, on a free loopback port. */
  static AwsStub http() throws IOException {
    return new AwsStub(HttpServer.create(anyPort(), 0));
  }

  /** A stub that speaks TLS with the certificate of a PKCS #12 file, on a free loopback port. */
  static AwsStub https(Path keyStore) throws IOException, GeneralSecurityException {
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(keyStore)) {
      keys.load(in, PASSWORD);
    }
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, PASSWORD);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    HttpsServer server = HttpsServer.create(anyPort(), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    return new AwsStub(server);
  }

  int port() {
    return server.getAddress().getPort();
  }

  /**
   * Prints {@code HTTP HTTPS STS}, three ports (the last one also of TLS, since STS has a host of
   * its own), and serves until its standard input ends.
   *
   * @param arguments the PKCS #12 file, whose password is {@code stub-only}
   */
  public static void main(String[] arguments) throws IOException, GeneralSecurityException {
    // Without it, the server's answers wait for the client's delayed acknowledgements.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    Path keyStore = Path.of(arguments[0]);
    try (AwsStub http = http();
        AwsStub https = https(keyStore);
        AwsStub sts = https(keyStore)) {
      System.out.println(http.port() + " " + https.port() + " " + sts.port());
      System.in.transferTo(OutputStream.nullOutputStream());
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }

  private static InetSocketAddress anyPort() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
  }

  private static void answer(HttpExchange exchange) throws IOException {
    String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
    if (target == null) {
      respond(exchange, 200, "text/xml", credentials());
      return;
    }
    Matcher matcher = SECRET_ID.matcher(body);
    String id = matcher.find() ? matcher.group(1) : "none";
    String type = "application/x-amz-json-1.1";
    if (id.startsWith("missing")) {
      respond(exchange, 400, type, failure("ResourceNotFoundException"));
    } else if (id.startsWith("denied")) {
      respond(exchange, 400, type, failure("AccessDeniedException"));
    } else if (target.endsWith(".DescribeSecret")) {
      respond(exchange, 200, type, description(id));
    } else {
      respond(exchange, 200, type, value(id));
    }
  }

  private static void respond(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.getResponseHeaders().set("x-amzn-RequestId", "f1e2d3c4-0000-4000-8000-00000000abcd");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private static String arn(String id) {
    return id.startsWith("arn:")
        ? id
        : "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + id + "-hlRvvF";
  }

  private static String value(String id) {
    return """
        {"ARN": "%s", "Name": "%s", "VersionId": "%s",
         "SecretString": "{\\"username\\": \\"app\\", \\"password\\": \\"correct horse\\"}",
         "VersionStages": ["AWSCURRENT"], "CreatedDate": 1790000000.5}"""
        .formatted(arn(id), id, version(id.startsWith("rotating") ? ROTATIONS.get() : 0));
  }

  private static String version(long rotation) {
    return VERSION.formatted(rotation);
  }

  private static String description(String id) {
    long rotation = id.startsWith("rotating") ? ROTATIONS.incrementAndGet() : 0;
    return """
        {"ARN": "%s", "Name": "%s", "VersionIdsToStages": {"%s": ["AWSCURRENT"]}}"""
        .formatted(arn(id), id, version(rotation));
  }

  private static String failure(String code) {
    return "{\"__type\": \"%s\", \"Message\": \"no\"}".formatted(code);
  }

  private static String credentials() {
    return """
        <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <AssumeRoleWithWebIdentityResult>
            <AssumedRoleUser>
              <Arn>arn:aws:sts::123456789012:assumed-role/app/secrets-controller</Arn>
              <AssumedRoleId>AROAEXAMPLE:secrets-controller</AssumedRoleId>
            </AssumedRoleUser>
            <Credentials>
              <AccessKeyId>ASIAEXAMPLE</AccessKeyId>
              <SecretAccessKey>example</SecretAccessKey>
              <SessionToken>example</SessionToken>
              <Expiration>2099-01-01T00:00:00Z</Expiration>
            </Credentials>
          </AssumeRoleWithWebIdentityResult>
          <ResponseMetadata><RequestId>f1e2d3c4</RequestId></ResponseMetadata>
        </AssumeRoleWithWebIdentityResponse>""";
  }
}
