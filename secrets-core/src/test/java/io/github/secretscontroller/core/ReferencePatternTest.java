package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A pattern over references")
class ReferencePatternTest {

  private static final String ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:";

  @ParameterizedTest
  @CsvSource({
    "prod/*, prod/db",
    "prod/*, prod/a/b?stage=AWSPREVIOUS#user",
    "prod/d?, prod/db",
    "*, prod/db",
    "prod/db, " + ARN + "prod/db-hlRvvF",
    "prod/db-hlRvvF, " + ARN + "prod/db-hlRvvF",
    "prod/*, " + ARN + "prod/db",
    ARN + "prod/*, " + ARN + "prod/db-hlRvvF",
    ARN + "prod/db, " + ARN + "prod/db-hlRvvF",
    "arn:aws:secretsmanager:*:123456789012:secret:prod/*, " + ARN + "prod/db-hlRvvF",
    "ssm:/prod/*, ssm:/prod/db",
    "ssm:/prod/*, arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db",
    "kms:*, kms:AAAA",
    "secretsmanager:prod/*, prod/db",
    "prod/*, ssm:/aws/reference/secretsmanager/prod/db",
    "ssm:*, ssm:/aws/reference/other",
  })
  @DisplayName("means what it says, with or without the random suffix of an ARN")
  void matches(String pattern, String reference) {
    assertThat(new ReferencePattern(pattern).matches(SecretReference.parse(reference))).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "prod/*, prod",
    "prod/*, my-prod/db",
    "prod/db, prod/db2",
    "prod/d?, prod/d",
    "prod/db, " + ARN + "prod/db-hlRvvF7",
    "prod/db, " + ARN + "prod/db-a/b/cd",
    "prod/db, " + ARN + "prod/db-my_key",
    "prod/db, " + ARN + "prod/db-secret-hlRvvF",
    "arn:aws:secretsmanager:*:123456789012:secret:*, prod/db",
    "arn:aws:secretsmanager:*:999999999999:secret:*, " + ARN + "prod/db-hlRvvF",
    "*, ssm:/prod/db",
    "*, kms:AAAA",
    "/prod/*, ssm:/prod/db",
    "ssm:/prod/*, prod/db",
    "ssm:*, ssm:/aws/reference/secretsmanager/prod/db",
    "ssm:*, ssm:/AWS/Reference/secretsmanager/prod/db",
    "ssm:*, arn:aws:ssm:eu-west-1:123456789012:parameter/aws/reference/secretsmanager/prod/db",
    "arn:aws:ssm:*, arn:aws:ssm:eu-west-1:123456789012:parameter/aws/reference/secretsmanager/db",
  })
  @DisplayName("and nothing else: never a name for an ARN, nor another backend")
  void doesNotMatch(String pattern, String reference) {
    assertThat(new ReferencePattern(pattern).matches(SecretReference.parse(reference))).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a b", "a\tb"})
  @DisplayName("is refused with the fix if it can't mean any")
  void invalid(String text) {
    assertThatThrownBy(() -> new ReferencePattern(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("write a name or an ARN without spaces");
  }

  @Test
  @DisplayName("takes no time that grows out of bounds, however many stars it has")
  void stars() {
    ReferencePattern pattern = new ReferencePattern("a*".repeat(200) + "b");
    SecretReference reference = SecretReference.parse("a".repeat(512));
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(5), () -> assertThat(pattern.matches(reference)).isFalse());
  }
}
