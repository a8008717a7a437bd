package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.utils.SdkAutoCloseable;

@DisplayName("The identity of a pod")
class AwsIdentityTest {

  private static final SecretReference SECRET = SecretReference.parse(StubAws.ARN);
  private static final String ROLE = "arn:aws:iam::123456789012:role/webserver-secrets-role";
  private final String assumed =
      """
      <AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
        <AssumeRoleWithWebIdentityResult>
          <Credentials>
            <AccessKeyId>ASIAASSUMED</AccessKeyId>
            <SecretAccessKey>assumed-secret</SecretAccessKey>
            <SessionToken>assumed-session</SessionToken>
            <Expiration>%s</Expiration>
          </Credentials>
        </AssumeRoleWithWebIdentityResult>
      </AssumeRoleWithWebIdentityResponse>
      """
          .formatted(Instant.now().plusSeconds(3600));

  private final StubAws aws = new StubAws();
  @TempDir Path directory;

  @AfterEach
  void close() {
    aws.close();
  }

  private static String describe(Map<String, String> variables) {
    return AwsEnvironment.of(variables).identity().describe();
  }

  /** What the EKS pod identity webhook sets for a ServiceAccount with a role. */
  private Map<String, String> irsaVariables(Path token) {
    Map<String, String> variables = new HashMap<>();
    variables.put("AWS_STS_REGIONAL_ENDPOINTS", "regional");
    variables.put("AWS_DEFAULT_REGION", "us-east-1");
    variables.put("AWS_REGION", "us-east-1");
    variables.put("AWS_ROLE_ARN", ROLE);
    variables.put("AWS_WEB_IDENTITY_TOKEN_FILE", token.toString());
    variables.put("AWS_ENDPOINT_URL", aws.url());
    return variables;
  }

  @Nested
  @DisplayName("with IRSA")
  class Irsa {

    @Test
    @DisplayName("is the role, assumed with the pod's token, from the webhook's variables alone")
    void assumes() throws IOException {
      Path token = Files.writeString(directory.resolve("token"), "the-pods-token");
      aws.answerQuery("AssumeRoleWithWebIdentity", 200, assumed);
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "x"));
      AwsEnvironment environment = AwsEnvironment.of(irsaVariables(token));
      assertThat(environment.identity().describe()).isEqualTo("IRSA, role " + ROLE);
      try (SecretSource source = SecretsManagerSource.of(environment);
          SecretValue value = source.fetch(SECRET)) {
        assertThat(value.hasContent("x".getBytes(UTF_8))).isTrue();
      }
      assertThat(aws.headers("Authorization").get(1)).contains("Credential=ASIAASSUMED/");
      assertThat(aws.headers("X-Amz-Security-Token").get(1)).isEqualTo("assumed-session");
    }

    @Test
    @DisplayName("waits a little for a token that is mounted late")
    void lateToken() throws Exception {
      Path token = directory.resolve("token");
      aws.answerQuery("AssumeRoleWithWebIdentity", 200, assumed);
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "x"));
      try (SecretSource source = SecretsManagerSource.of(AwsEnvironment.of(irsaVariables(token)))) {
        CompletableFuture<Integer> read =
            CompletableFuture.supplyAsync(
                () -> {
                  try (SecretValue value = source.fetch(SECRET)) {
                    return value.size();
                  }
                });
        assertThat(read).isNotDone();
        Path fresh = Files.writeString(directory.resolve("fresh"), "the-pods-token");
        Files.move(fresh, token, StandardCopyOption.ATOMIC_MOVE);
        assertThat(read.get(10, TimeUnit.SECONDS)).isEqualTo(1);
      }
    }

    @Test
    @DisplayName("gives up on a missing token when the deadline says so")
    void missingToken() {
      AwsEnvironment environment =
          AwsEnvironment.of(irsaVariables(directory.resolve("never")))
              .withDeadline(Duration.ofMillis(200));
      try (SecretSource source = SecretsManagerSource.of(environment)) {
        assertThatThrownBy(() -> source.fetch(SECRET))
            .isInstanceOf(SecretException.Unavailable.class)
            .hasMessage(
                "the call for %s was cut short, by its deadline or by an interruption",
                StubAws.ARN);
      }
      assertThat(aws.count()).isZero();
    }

    @Test
    @DisplayName("closes what it opened for its token")
    void closes() {
      AtomicInteger closed = new AtomicInteger();
      AwsResources resources = aws.environment().resources();
      resources.own(closed::incrementAndGet);
      resources.close();
      assertThat(closed).hasValue(1);

      AwsResources counted =
          new AwsResources(resources.http()) {
            @Override
            void own(SdkAutoCloseable resource) {
              closed.incrementAndGet();
              super.own(resource);
            }
          };
      AwsEnvironment.of(irsaVariables(directory.resolve("token")))
          .identity()
          .provider("us-east-1", counted);
      assertThat(closed).describedAs("the STS client and the credentials").hasValue(3);
      counted.close();
    }

    @Test
    @DisplayName("that AWS refuses is told as such, with what to check, and without the token")
    void refused() throws IOException {
      Path token = Files.writeString(directory.resolve("token"), "canary-token-9911");
      aws.answerQuery(
          "AssumeRoleWithWebIdentity",
          403,
          """
          <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
            <Error><Type>Sender</Type><Code>AccessDenied</Code>
              <Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error>
            <RequestId>sts-request</RequestId>
          </ErrorResponse>
          """);
      try (SecretSource source = SecretsManagerSource.of(AwsEnvironment.of(irsaVariables(token)))) {
        assertThatThrownBy(() -> source.fetch(SECRET))
            .isInstanceOf(SecretException.AccessDenied.class)
            .hasMessageStartingWith("the pod's role can't be assumed, for " + StubAws.ARN)
            .hasMessageContaining("trust policy")
            .hasMessageContaining("Not authorized to perform sts:AssumeRoleWithWebIdentity")
            .hasMessageNotContaining("canary")
            .hasNoCause();
      }
    }
  }

  @Nested
  @DisplayName("with EKS Pod Identity")
  class PodIdentity {

    @Test
    @DisplayName("is what the agent hands out for the pod's token, in a process of its own")
    void agent() throws Exception {
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "x"));
      List<String> authorizations = new CopyOnWriteArrayList<>();
      HttpServer agent =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      agent.createContext(
          "/v1/credentials",
          exchange -> {
            authorizations.add(exchange.getRequestHeaders().getFirst("Authorization"));
            byte[] body =
                """
                {"AccessKeyId": "ASIAPODIDENTITY", "SecretAccessKey": "s", "Token": "t",
                 "Expiration": "%s"}
                """
                    .formatted(Instant.now().plusSeconds(3600))
                    .getBytes(UTF_8);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
          });
      agent.start();
      try {
        Path token = Files.writeString(directory.resolve("token"), "the-pods-token");
        Map<String, String> variables = new HashMap<>();
        variables.put("AWS_REGION", "us-east-1");
        variables.put("AWS_ENDPOINT_URL", aws.url());
        variables.put(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://127.0.0.1:" + agent.getAddress().getPort() + "/v1/credentials");
        variables.put("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token.toString());
        // The SDK reads these two from the process itself.
        assertThat(runProbe(variables)).isEqualTo("EKS Pod Identity: 1 bytes\n");
      } finally {
        agent.stop(0);
      }
      assertThat(authorizations).containsExactly("the-pods-token");
      assertThat(aws.headers("Authorization").get(0)).contains("Credential=ASIAPODIDENTITY/");
    }

    private String runProbe(Map<String, String> variables) throws Exception {
      ProcessBuilder builder =
          new ProcessBuilder(
              Path.of(System.getProperty("java.home"), "bin", "java").toString(),
              "-cp",
              System.getProperty("java.class.path"),
              Probe.class.getName());
      builder.environment().clear();
      builder.environment().putAll(variables);
      builder.redirectError(ProcessBuilder.Redirect.INHERIT);
      Process probe = builder.start();
      String output = new String(probe.getInputStream().readAllBytes(), UTF_8);
      assertThat(probe.waitFor()).isZero();
      return output;
    }
  }

  /** Reads the stub's secret with the identity of its own process. */
  static final class Probe {

    private Probe() {}

    public static void main(String[] args) {
      AwsEnvironment environment = AwsEnvironment.of(System.getenv());
      try (SecretSource source = SecretsManagerSource.of(environment);
          SecretValue value = source.fetch(SECRET)) {
        System.out.print(environment.identity().describe() + ": " + value.size() + " bytes\n");
      }
    }
  }

  @Nested
  @DisplayName("is chosen from the variables")
  class Choice {

    @Test
    @DisplayName("keys before a role, a role before the agent, and never shown")
    void order() throws IOException {
      Map<String, String> variables = irsaVariables(directory.resolve("token"));
      variables.put("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials");
      assertThat(describe(variables)).isEqualTo("IRSA, role " + ROLE);
      variables.put("AWS_ACCESS_KEY_ID", "AKIACANARY");
      variables.put("AWS_SECRET_ACCESS_KEY", "canary");
      assertThat(describe(variables)).isEqualTo("keys from AWS_ACCESS_KEY_ID");
      assertThat(AwsEnvironment.of(variables).identity().toString())
          .doesNotContainIgnoringCase("canary");
    }

    @Test
    @DisplayName("temporary keys are used with their session token")
    void sessionToken() {
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "x"));
      Map<String, String> variables = aws.variables();
      variables.put("AWS_SESSION_TOKEN", "the-session");
      try (SecretSource source = SecretsManagerSource.of(AwsEnvironment.of(variables))) {
        source.fetch(SECRET).close();
      }
      assertThat(aws.headers("X-Amz-Security-Token")).containsExactly("the-session");
    }

    @Test
    @DisplayName("the node's role only if the operator says so")
    void instanceMetadata() {
      Map<String, String> variables = new HashMap<>(Map.of("AWS_REGION", "us-east-1"));
      assertThatThrownBy(() -> describe(variables))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "no AWS credentials are configured: give the pod's ServiceAccount an IAM role (IRSA"
                  + " or EKS Pod Identity); the node's role is used only if the operator sets"
                  + " SECRETS_AWS_CREDENTIALS=instance-metadata");
      variables.put("SECRETS_AWS_CREDENTIALS", "instance-metadata");
      assertThat(describe(variables)).isEqualTo("the node's role, from instance metadata");
      variables.put("SECRETS_AWS_CREDENTIALS", "default-chain");
      assertThat(describe(variables)).isEqualTo("the SDK's default chain");
      variables.put("SECRETS_AWS_CREDENTIALS", "anything");
      assertThatThrownBy(() -> describe(variables))
          .hasMessage(
              "SECRETS_AWS_CREDENTIALS must be environment, instance-metadata or default-chain, not"
                  + " \"anything\"");
    }

    @Test
    @DisplayName("half of one is told, with the other half")
    void half() {
      assertThatThrownBy(() -> describe(Map.of("AWS_ACCESS_KEY_ID", "x")))
          .hasMessageStartingWith("only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set");
      assertThatThrownBy(() -> describe(Map.of("AWS_ROLE_ARN", ROLE)))
          .hasMessageContaining("eks.amazonaws.com/role-arn");
    }
  }
}
