package io.github.secretscontroller.benchmarks;

import com.amazonaws.secretsmanager.caching.SecretCache;
import com.amazonaws.secretsmanager.caching.SecretCacheConfiguration;
import com.sun.net.httpserver.HttpServer;
import io.github.secretscontroller.aws.AwsEnvironment;
import io.github.secretscontroller.aws.SecretsManagerSource;
import io.github.secretscontroller.core.CachingSecretSource;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretValue;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * A hit of our cache beside one of AWS's own caching client. Both caches stand in front of a real
 * SDK client that talks to a server in this process, and hold a secret of 64 bytes that stays fresh
 * for the whole run.
 *
 * <p>Ours gives out bytes that the caller wipes. Of AWS's, the binary call is its like: it gives
 * out bytes, too; the string call hands out the one String that it keeps.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(2)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class CacheHit {

  private static final String TEXT = "text";
  private static final String BINARY = "binary";
  private static final SecretReference REFERENCE = SecretReference.parse(TEXT);
  private static final String VALUE = "0123456789abcdef".repeat(4);
  private static final Duration FRESH = Duration.ofHours(1);

  private HttpServer server;
  private CachingSecretSource ours;
  private SecretsManagerClient client;
  private SecretCache theirs;

  /** Fills both caches. */
  @Setup
  public void setUp() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String request =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          String target = exchange.getRequestHeaders().getFirst("X-Amz-Target");
          String name = request.contains(BINARY) ? BINARY : TEXT;
          byte[] answer = answer(target, name).getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/x-amz-json-1.1");
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    ours =
        CachingSecretSource.builder(
                SecretsManagerSource.of(
                    AwsEnvironment.of(
                        Map.of(
                            "AWS_ENDPOINT_URL", url,
                            "AWS_REGION", "us-east-1",
                            "AWS_ACCESS_KEY_ID", "test",
                            "AWS_SECRET_ACCESS_KEY", "test"))))
            .ttl(FRESH)
            .build();
    client =
        SecretsManagerClient.builder()
            .endpointOverride(URI.create(url))
            .region(Region.US_EAST_1)
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            .httpClient(UrlConnectionHttpClient.create())
            .build();
    theirs =
        new SecretCache(
            new SecretCacheConfiguration().withClient(client).withCacheItemTTL(FRESH.toMillis()));
    if (!VALUE.equals(theirs.getSecretString(TEXT)) || ourHit() != 64 || theirBinaryHit() != 64) {
      throw new IllegalStateException("a cache doesn't hold the value");
    }
  }

  /** Stops the server. */
  @TearDown
  public void tearDown() {
    ours.close();
    theirs.close();
    client.close();
    server.stop(0);
  }

  /** Ours: a copy, read and wiped. */
  @Benchmark
  public int ourHit() {
    try (SecretValue value = ours.fetch(REFERENCE)) {
      return value.revealBytes().length;
    }
  }

  /** AWS's, bytes. */
  @Benchmark
  public int theirBinaryHit() {
    ByteBuffer value = theirs.getSecretBinary(BINARY);
    return value.remaining();
  }

  /** AWS's, the String that it keeps. */
  @Benchmark
  public int theirStringHit() {
    return theirs.getSecretString(TEXT).length();
  }

  private static String answer(String target, String name) {
    String arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + name + "-AbCdEf";
    String version = "11111111-2222-4333-8444-555555555555";
    if (target.endsWith("DescribeSecret")) {
      return """
          {"ARN": "%s", "Name": "%s", "VersionIdsToStages": {"%s": ["AWSCURRENT"]}}
          """
          .formatted(arn, name, version);
    }
    String field =
        name.equals(BINARY)
            ? "\"SecretBinary\": \""
                + Base64.getEncoder().encodeToString(VALUE.getBytes(StandardCharsets.UTF_8))
                + "\""
            : "\"SecretString\": \"" + VALUE + "\"";
    return """
        {"ARN": "%s", "Name": "%s", "VersionId": "%s", %s,
         "VersionStages": ["AWSCURRENT"], "CreatedDate": 1790000000.5}
        """
        .formatted(arn, name, version, field);
  }
}
