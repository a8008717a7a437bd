package io.github.secretscontroller.aws;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Counts what goes over the wire, since calls are what AWS limits. With the system property {@code
 * api-calls.report} it writes the table that stands in benchmarks/api-calls.md.
 */
@DisplayName("The calls that AWS gets")
class ApiCallsTest {

  private static final int[] COUNTS = {1, 5, 20, 50};

  /** One way to refer to many secrets. */
  private enum Shape {
    DISTINCT,
    FIVE_EACH;

    int secrets(int references) {
      return this == DISTINCT ? references : (references + 4) / 5;
    }

    List<SecretReference> references(int count) {
      List<SecretReference> references = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        references.add(SecretReference.parse(arn(i % secrets(count))).withSelector("key" + i));
      }
      return references;
    }
  }

  private record Row(Shape shape, int references, String operation, String ours, int plain) {}

  private static String arn(int i) {
    return "arn:aws:secretsmanager:us-east-1:123456789012:secret:s%03d-AbCdEf".formatted(i);
  }

  private static String entry(int i) {
    return StubAws.secret(arn(i), "{}");
  }

  private static String description(int i, String version) {
    return """
        {"ARN": "%s", "Name": "s%03d", "VersionIdsToStages": {"%s": ["AWSCURRENT"]}}
        """
        .formatted(arn(i), i, version);
  }

  private static StubAws stub(int secrets, int changed) {
    StubAws aws = new StubAws();
    StringBuilder batch = new StringBuilder();
    for (int i = 0; i < secrets; i++) {
      aws.answerFor("GetSecretValue", arn(i), entry(i));
      aws.answerFor(
          "DescribeSecret",
          arn(i),
          description(
              i,
              i < changed
                  ? "99999999-2222-4333-8444-555555555555"
                  : "11111111-2222-4333-8444-555555555555"));
      batch.append(i == 0 ? "" : ",").append(entry(i));
    }
    aws.answer("BatchGetSecretValue", "{\"SecretValues\": [" + batch + "]}");
    return aws;
  }

  @Test
  @DisplayName("are one for each distinct secret, and no read for one that hasn't changed")
  void table() throws IOException {
    List<Row> rows = new ArrayList<>();
    for (Shape shape : Shape.values()) {
      for (int count : COUNTS) {
        int secrets = shape.secrets(count);
        List<SecretReference> references = shape.references(count);

        int single = firstFetch(secrets, references, false, "GetSecretValue");
        assertThat(single).isEqualTo(secrets);
        rows.add(new Row(shape, count, "first fetch", single + " GetSecretValue", count));

        int batches = firstFetch(secrets, references, true, "BatchGetSecretValue");
        int batched = Math.max(1, (secrets + 19) / 20);
        if (secrets > 1) {
          assertThat(batches).isEqualTo(batched);
          rows.add(
              new Row(
                  shape, count, "first fetch, batched", batches + " BatchGetSecretValue", count));
        }

        assertThat(refresh(secrets, references, 0))
            .isEqualTo(secrets + " DescribeSecret, 0 GetSecretValue");
        rows.add(
            new Row(
                shape, count, "refresh, nothing changed", refresh(secrets, references, 0), count));

        assertThat(refresh(secrets, references, 1))
            .isEqualTo(secrets + " DescribeSecret, 1 GetSecretValue");
        rows.add(
            new Row(shape, count, "refresh, one changed", refresh(secrets, references, 1), count));
      }
    }
    report(rows);
  }

  private static int firstFetch(
      int secrets, List<SecretReference> references, boolean batched, String operation) {
    try (StubAws aws = stub(secrets, 0);
        SecretSource source =
            SecretsManagerSource.builder(aws.environment()).batched(batched).build()) {
      source.fetchAll(references).values().forEach(result -> result.orThrow().close());
      return aws.requests(operation).size();
    }
  }

  /** What a refresh does: ask for each distinct version, and read what moved. */
  private static String refresh(int secrets, List<SecretReference> references, int changed) {
    try (StubAws aws = stub(secrets, changed);
        SecretSource source = SecretsManagerSource.of(aws.environment())) {
      LinkedHashSet<SecretReference> distinct = new LinkedHashSet<>();
      references.forEach(reference -> distinct.add(reference.withSelector(null)));
      List<SecretReference> moved =
          distinct.stream()
              .filter(
                  reference ->
                      !source
                          .currentVersion(reference)
                          .equals("11111111-2222-4333-8444-555555555555"))
              .toList();
      source.fetchAll(moved).values().forEach(result -> result.orThrow().close());
      return aws.requests("DescribeSecret").size()
          + " DescribeSecret, "
          + aws.requests("GetSecretValue").size()
          + " GetSecretValue";
    }
  }

  private static void report(List<Row> rows) throws IOException {
    String file = System.getProperty("api-calls.report");
    if (file == null) {
      return;
    }
    StringBuilder text = new StringBuilder();
    text.append("| references | into | operation | calls | a plain client, per reference |\n");
    text.append("|---|---|---|---|---|\n");
    for (Row row : rows) {
      text.append(
          "| %d | %d secrets | %s | %s | %d GetSecretValue |%n"
              .formatted(
                  row.references(),
                  row.shape().secrets(row.references()),
                  row.operation(),
                  row.ours(),
                  row.plain()));
    }
    Files.writeString(Path.of(file), text);
  }
}
