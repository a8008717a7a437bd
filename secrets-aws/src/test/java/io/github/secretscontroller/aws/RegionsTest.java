package io.github.secretscontroller.aws;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
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
}
