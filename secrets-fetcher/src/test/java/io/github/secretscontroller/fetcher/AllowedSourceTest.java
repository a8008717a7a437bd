package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("A source that is bounded by the operator's patterns")
class AllowedSourceTest {

  private static final String ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:";

  private final List<SecretValue> handedOut = new ArrayList<>();

  /** A backend that finds the same secret whatever it is asked for. */
  private SecretSource finding(String origin) {
    return new SecretSource() {
      @Override
      public SecretValue fetch(SecretReference reference) {
        SecretValue value =
            new SecretValue(
                "value".getBytes(UTF_8), SecretReference.parse(origin), "v1", Set.of(), null);
        handedOut.add(value);
        return value;
      }

      @Override
      public String currentVersion(SecretReference reference) {
        return "v1";
      }
    };
  }

  private AllowedSource bounded(String origin, String pattern) {
    return new AllowedSource(finding(origin), List.of(new ReferencePattern(pattern)));
  }

  @ParameterizedTest
  @CsvSource({
    "prod/db, prod/db-AbCdEf",
    "prod/db-AbCdEf, prod/db-AbCdEf",
    "prod/db-??????, prod/db-AbCdEf",
    "prod/*, prod/db-secret-AbCdEf",
    "arn:aws:secretsmanager:eu-west-1:*, prod/db-AbCdEf",
  })
  @DisplayName("gives what one of them allows")
  void allowed(String pattern, String name) {
    SecretReference asked = SecretReference.parse(ARN + "prod/db");
    try (SecretValue value = bounded(ARN + name, pattern).fetch(asked)) {
      assertThat(value.hasContent("value".getBytes(UTF_8))).isTrue();
    }
    assertThat(bounded(ARN + name, pattern).fetchAll(List.of(asked)).get(asked))
        .isInstanceOf(SecretResult.Fetched.class);
  }

  @ParameterizedTest
  @CsvSource({
    "prod/db, prod/db-secret-AbCdEf",
    "arn:aws:secretsmanager:eu-central-1:*, prod/db-AbCdEf",
    "ssm:*, prod/db-AbCdEf",
  })
  @DisplayName("denies what none of them allows, and wipes it")
  void denied(String pattern, String name) {
    SecretReference asked = SecretReference.parse(ARN + "prod/db-secret");
    AllowedSource source = bounded(ARN + name, pattern);

    SecretException.AccessDenied denied =
        catchThrowableOfType(SecretException.AccessDenied.class, () -> source.fetch(asked));
    assertThat(denied.reference()).isEqualTo(asked);
    assertThat(denied)
        .hasMessageStartingWith(asked + " is the secret " + ARN + name + ", which the operator");
    Map<SecretReference, SecretResult> results = source.fetchAll(List.of(asked));
    assertThat(((SecretResult.Failed) results.get(asked)).failure())
        .isInstanceOf(SecretException.AccessDenied.class);

    assertThat(handedOut)
        .hasSize(2)
        .allSatisfy(
            value ->
                assertThatThrownBy(value::revealBytes).isInstanceOf(IllegalStateException.class));
  }

  @Test
  @DisplayName("leaves to the plan's check what a backend finds under exactly what it was asked")
  void others() {
    for (String origin : List.of("prod/db", "kms:AAAA", "vault:kv/prod/db")) {
      SecretReference asked = SecretReference.parse(origin);
      bounded(origin, ARN + "*").fetch(asked).close();
    }
    // Single segments have the same ARN with a slash in front and without.
    SecretReference parameter = SecretReference.parse("ssm:/db");
    bounded("arn:aws:ssm:eu-west-1:123456789012:parameter/db", "ssm:/db").fetch(parameter).close();
  }
}
