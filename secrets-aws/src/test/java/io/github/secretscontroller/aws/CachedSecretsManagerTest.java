package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.CachingSecretSource;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.WriteContext;
import io.github.secretscontroller.core.testkit.MovableClock;
import io.github.secretscontroller.core.testkit.SecretSourceContract;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

@DisplayName("A cache in front of Secrets Manager")
@ExtendWith(AwsEndpoint.class)
class CachedSecretsManagerTest extends SecretSourceContract {

  private static final Duration TTL = Duration.ofMinutes(5);

  private final MovableClock clock = new MovableClock();
  private final SecretSource cache =
      CachingSecretSource.builder(SecretsManagerSource.of(AwsEndpoint.environment()))
          .ttl(TTL)
          .clock(clock)
          .build();
  private final SecretWriter writer =
      SecretsManagerWriter.builder(AwsEndpoint.environment(), new byte[32]).build();

  @Override
  protected SecretSource source() {
    return cache;
  }

  @Override
  protected SecretReference store(String name, byte[] value) {
    clock.advance(TTL);
    return writer.write(name, value, WriteContext.of("c", "ns", "n")).withVersionId(null);
  }

  @AfterEach
  void close() {
    cache.close();
    writer.close();
  }

  @Test
  @DisplayName("asks for the version when the time is over, and reads only what moved")
  void calls() {
    try (StubAws aws = new StubAws();
        CachingSecretSource cached =
            CachingSecretSource.builder(SecretsManagerSource.of(aws.environment()))
                .ttl(TTL)
                .clock(clock)
                .build()) {
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "x"));
      aws.answer(
          "DescribeSecret",
          """
          {"ARN": "%s", "VersionIdsToStages":
            {"11111111-2222-4333-8444-555555555555": ["AWSCURRENT"]}}
          """
              .formatted(StubAws.ARN));
      SecretReference secret = SecretReference.parse(StubAws.ARN);
      for (int i = 0; i < 12; i++) {
        try (SecretValue value = cached.fetch(secret)) {
          assertThat(value.hasContent("x".getBytes(UTF_8))).isTrue();
        }
        clock.advance(Duration.ofMinutes(1));
      }
      assertThat(aws.requests("GetSecretValue")).hasSize(1);
      assertThat(aws.requests("DescribeSecret")).hasSize(2);
    }
  }
}
