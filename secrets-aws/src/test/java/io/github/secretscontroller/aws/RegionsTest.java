package io.github.secretscontroller.aws;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.tomakehurst.wiremock.http.Fault;
import io.github.secretscontroller.core.FailoverSecretSource;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("A call for an ARN")
class RegionsTest {

  @ParameterizedTest
  @CsvSource({
    "aws,        eu-west-3",
    "aws-cn,     cn-north-1",
    "aws-us-gov, us-gov-west-1",
    "aws-iso,    us-iso-east-1",
    "aws-iso-b,  us-isob-east-1",
    "aws-eusc,   eusc-de-east-1",
  })
  @DisplayName("is signed for its region in its partition, and names it in full")
  void partitions(String partition, String region) {
    String arn =
        "arn:%s:secretsmanager:%s:999999999999:secret:prod/db-hlRvvF".formatted(partition, region);
    try (StubAws aws = new StubAws();
        SecretSource source = SecretsManagerSource.of(aws.environment())) {
      aws.answer("GetSecretValue", StubAws.secret(arn, "x"));
      source.fetch(SecretReference.parse(arn)).close();
      assertThat(aws.headers("Authorization").get(0))
          .contains("/" + region + "/secretsmanager/aws4_request");
      // The account is another than the caller's: only the ARN in full tells AWS so.
      assertThat(aws.requests("GetSecretValue").get(0)).contains(arn);
    }
  }

  @Test
  @DisplayName("goes out with those for other regions, each to its own")
  void manyRegions() {
    String paris = "arn:aws:secretsmanager:eu-west-3:123456789012:secret:a-AbCdEf";
    String oregon = "arn:aws:secretsmanager:us-west-2:123456789012:secret:b-AbCdEf";
    try (StubAws aws = new StubAws();
        SecretSource source =
            SecretsManagerSource.builder(aws.environment()).batched(true).maxInFlight(1).build()) {
      aws.answerFor("GetSecretValue", paris, StubAws.secret(paris, "bonjour"));
      aws.answerFor("GetSecretValue", oregon, StubAws.secret(oregon, "howdy"));
      assertThat(
              source.fetchAll(List.of(SecretReference.parse(paris), SecretReference.parse(oregon))))
          .hasSize(2)
          .allSatisfy((reference, result) -> result.orThrow().close());
      assertThat(aws.headers("Authorization"))
          .anyMatch(header -> header.contains("/eu-west-3/"))
          .anyMatch(header -> header.contains("/us-west-2/"));
      // One secret a region is no batch.
      assertThat(aws.requests("BatchGetSecretValue")).isEmpty();
    }
  }

  @Nested
  @DisplayName("whose region is down")
  class Failover {

    private static final String HOME =
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf";
    private static final String AWAY =
        "arn:aws:secretsmanager:us-west-2:123456789012:secret:db-AbCdEf";

    private final StubAws home = new StubAws();
    private final StubAws away = new StubAws();
    private final SecretSource source =
        new FailoverSecretSource(
            SecretsManagerSource.of(home.environment()),
            SecretsManagerSource.builder(away.environment()).defaultRegion("us-west-2").build(),
            "us-west-2");

    @AfterEach
    void close() {
      source.close();
      home.close();
      away.close();
    }

    private String region() {
      try (SecretValue value = source.fetch(SecretReference.parse(HOME))) {
        return value.origin().region().orElse("");
      }
    }

    @ParameterizedTest
    @CsvSource({
      "500, InternalServiceError",
      "503, ServiceUnavailable",
      "400, ThrottlingException",
      "429, TooManyRequestsException",
    })
    @DisplayName("by a server's error or throttling goes to the replica, in its region")
    void serverErrors(int status, String code) {
      home.refuse("GetSecretValue", status, code, "down");
      away.answer("GetSecretValue", StubAws.secret(AWAY, "x"));
      assertThat(region()).isEqualTo("us-west-2");
      assertThat(away.requests("GetSecretValue").get(0)).contains(AWAY);
      assertThat(away.headers("Authorization").get(0)).contains("/us-west-2/");
    }

    @Test
    @DisplayName("by a broken connection or silence goes there as well")
    void network() {
      away.answer("GetSecretValue", StubAws.secret(AWAY, "x"));
      home.breakAlways("GetSecretValue", Fault.CONNECTION_RESET_BY_PEER);
      assertThat(region()).isEqualTo("us-west-2");
      home.delay("GetSecretValue", Duration.ofSeconds(60), StubAws.secret(HOME, "late"));
      try (SecretSource impatient =
              new FailoverSecretSource(
                  SecretsManagerSource.of(home.environment().withDeadline(Duration.ofMillis(300))),
                  SecretsManagerSource.of(away.environment()),
                  "us-west-2");
          SecretValue value = impatient.fetch(SecretReference.parse(HOME))) {
        assertThat(value.origin().region()).contains("us-west-2");
      }
    }

    @ParameterizedTest
    @CsvSource({
      "AccessDeniedException,    AccessDenied",
      "ResourceNotFoundException, NotFound",
      "InvalidParameterException, InvalidRequest",
    })
    @DisplayName("isn't when AWS says something about the secret")
    void clientErrors(String code, String kind) {
      home.refuse("GetSecretValue", 400, code, "no");
      assertThatThrownBy(this::region)
          .satisfies(e -> assertThat(e.getClass().getSimpleName()).isEqualTo(kind));
      assertThat(away.count()).isZero();
    }

    @Test
    @DisplayName("can't fall over within one endpoint")
    void oneEndpoint() {
      assertThatThrownBy(() -> SecretsManagerSource.withFailover(home.environment(), "us-west-2"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "AWS_ENDPOINT_URL names one endpoint, and failover to us-west-2 needs one for each"
                  + " region; unset one of the two");
      SecretsManagerSource.withFailover(
              AwsEnvironment.of(Map.of("AWS_REGION", "us-east-1")), "us-west-2")
          .close();
    }
  }
}
