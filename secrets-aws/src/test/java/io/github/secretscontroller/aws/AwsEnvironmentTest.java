package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The AWS environment")
class AwsEnvironmentTest {

  private static final SecretReference SECRET = SecretReference.parse(StubAws.ARN);

  @Test
  @DisplayName("names the region, AWS_REGION first")
  void region() {
    assertThat(AwsEnvironment.of(Map.of()).region()).isEmpty();
    assertThat(AwsEnvironment.of(Map.of("AWS_DEFAULT_REGION", "eu-west-1")).region())
        .contains("eu-west-1");
    assertThat(
            AwsEnvironment.of(Map.of("AWS_DEFAULT_REGION", "eu-west-1", "AWS_REGION", "us-east-2"))
                .region())
        .contains("us-east-2");
  }

  @Test
  @DisplayName("names an endpoint for one service before the one for all")
  void endpoint() {
    try (StubAws own = new StubAws();
        StubAws all = new StubAws()) {
      own.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "own"));
      Map<String, String> variables = all.variables();
      variables.put("AWS_ENDPOINT_URL_SECRETS_MANAGER", own.url());
      try (SecretSource source = SecretsManagerSource.of(AwsEnvironment.of(variables));
          SecretValue value = source.fetch(SECRET)) {
        assertThat(value.hasContent("own".getBytes(UTF_8))).isTrue();
      }
      assertThat(all.count()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"})
  @DisplayName("can't name an endpoint and ask for a kind of AWS's own at once")
  void contradiction(String flag) {
    assertThatThrownBy(
            () ->
                AwsEnvironment.of(
                    Map.of("AWS_ENDPOINT_URL", "http://localhost:4566", flag, "true")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            flag
                + " selects one of AWS's own endpoints, and AWS_ENDPOINT_URL names another; unset"
                + " one of the two");
  }

  @Test
  @DisplayName("says which variable is no URL, without its text, which may hold a password")
  void malformed() {
    for (String url : List.of("canary host", "localhost:4566", "canary", "http://")) {
      assertThatThrownBy(() -> AwsEnvironment.of(Map.of("AWS_ENDPOINT_URL", url)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("AWS_ENDPOINT_URL is no URL; it must look like https://HOST:PORT");
    }
  }

  @Test
  @DisplayName("goes through a proxy, and past it to the hosts that are excepted")
  void proxy() throws Exception {
    List<String> tunnels = new CopyOnWriteArrayList<>();
    HttpServer proxy =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    proxy.createContext(
        "/",
        exchange -> {
          tunnels.add(exchange.getRequestURI().toString());
          exchange.sendResponseHeaders(503, -1);
          exchange.close();
        });
    proxy.start();
    try (StubAws aws = new StubAws()) {
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "direct"));
      Map<String, String> variables = new HashMap<>(aws.variables());
      variables.put("http_proxy", "http://127.0.0.1:" + proxy.getAddress().getPort());
      try (SecretSource source =
          SecretsManagerSource.of(
              AwsEnvironment.of(variables).withDeadline(Duration.ofSeconds(5)))) {
        assertThatThrownBy(() -> source.fetch(SECRET))
            .isInstanceOf(SecretException.Unavailable.class);
      }
      assertThat(tunnels).isNotEmpty();
      assertThat(aws.count()).isZero();
      variables.put("NO_PROXY", "example.com,localhost");
      try (SecretSource source = SecretsManagerSource.of(AwsEnvironment.of(variables));
          SecretValue value = source.fetch(SECRET)) {
        assertThat(value.hasContent("direct".getBytes(UTF_8))).isTrue();
      }
    } finally {
      proxy.stop(0);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "us-east-1,     none,                       secretsmanager.us-east-1.amazonaws.com",
    "us-east-1,     AWS_USE_FIPS_ENDPOINT,      secretsmanager-fips.us-east-1.amazonaws.com",
    // The ordinary endpoint is dual-stack itself, say the SDK's endpoint rules.
    "us-east-1,     AWS_USE_DUALSTACK_ENDPOINT, secretsmanager.us-east-1.amazonaws.com",
    "cn-north-1,    none,                       secretsmanager.cn-north-1.amazonaws.com.cn",
    "us-gov-west-1, none,                       secretsmanager.us-gov-west-1.amazonaws.com",
    "us-iso-east-1, none,                       secretsmanager.us-iso-east-1.c2s.ic.gov",
  })
  @DisplayName("leads to AWS's own endpoint, of the kind asked for, in the region's partition")
  void endpoints(String region, String flag, String host) throws Exception {
    // What a client asks a proxy for first is the host that it means.
    try (ServerSocket proxy = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
      CompletableFuture<String> asked =
          CompletableFuture.supplyAsync(
              () -> {
                try (Socket connection = proxy.accept()) {
                  return new BufferedReader(
                          new InputStreamReader(connection.getInputStream(), UTF_8))
                      .readLine();
                } catch (IOException e) {
                  return e.toString();
                }
              });
      AwsEnvironment environment =
          AwsEnvironment.of(
                  Map.of(
                      "AWS_REGION",
                      region,
                      "AWS_ACCESS_KEY_ID",
                      "test",
                      "AWS_SECRET_ACCESS_KEY",
                      "test",
                      "HTTPS_PROXY",
                      "http://127.0.0.1:" + proxy.getLocalPort(),
                      flag,
                      "true"))
              .withDeadline(Duration.ofSeconds(2));
      try (SecretSource source = SecretsManagerSource.of(environment)) {
        assertThatThrownBy(() -> source.fetch(SecretReference.parse("prod/db")))
            .isInstanceOf(SecretException.Unavailable.class);
      }
      assertThat(asked.get(10, TimeUnit.SECONDS)).isEqualTo("CONNECT " + host + ":443 HTTP/1.1");
    }
  }

  @Test
  @DisplayName("refuses a proxy with a password, and doesn't show it")
  void proxyPassword() {
    assertThatThrownBy(
            () ->
                SecretsManagerSource.of(
                    AwsEnvironment.of(Map.of("HTTPS_PROXY", "http://user:canary@proxy:3128"))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "a proxy with a user name and password isn't supported; use one that needs none");
  }

  @Test
  @DisplayName("needs a deadline that is one")
  void deadline() {
    assertThatThrownBy(() -> AwsEnvironment.of(Map.of()).withDeadline(Duration.ZERO))
        .hasMessage("the deadline must be positive, not PT0S");
  }
}
