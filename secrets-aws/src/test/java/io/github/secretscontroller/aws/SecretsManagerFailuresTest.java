package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.github.tomakehurst.wiremock.http.Fault;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against a stub that answers as AWS documents, for what no emulator does. */
@DisplayName("When AWS")
class SecretsManagerFailuresTest {

  private static final String CANARY = "canary-66b1f0";
  private static final SecretReference SECRET = SecretReference.parse(StubAws.ARN);

  private final StubAws aws = new StubAws();
  private final SecretSource source = SecretsManagerSource.of(aws.environment());

  @AfterEach
  void close() {
    source.close();
    aws.close();
  }

  private SecretException failure() {
    return catchThrowableOfType(SecretException.class, () -> source.fetch(SECRET));
  }

  @Nested
  @DisplayName("refuses a call, its error code")
  class ErrorCodes {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          // GetSecretValue and DescribeSecret
          "400 | ResourceNotFoundException     | NotFound       | false",
          "400 | InvalidParameterException     | InvalidRequest | false",
          "400 | InvalidRequestException       | InvalidRequest | false",
          "400 | InvalidNextTokenException     | InvalidRequest | false",
          "400 | DecryptionFailure             | AccessDenied   | false",
          "500 | InternalServiceError          | Unavailable    | true",
          // common to all services
          "400 | AccessDeniedException         | AccessDenied   | false",
          "403 | AccessDenied                  | AccessDenied   | false",
          "400 | NotAuthorized                 | AccessDenied   | false",
          "403 | OptInRequired                 | AccessDenied   | false",
          "400 | ExpiredTokenException         | AccessDenied   | false",
          "403 | ExpiredToken                  | AccessDenied   | false",
          "400 | IncompleteSignature           | AccessDenied   | false",
          "403 | InvalidClientTokenId          | AccessDenied   | false",
          "403 | MissingAuthenticationToken    | AccessDenied   | false",
          "400 | UnrecognizedClientException   | AccessDenied   | false",
          "400 | InvalidSignatureException     | AccessDenied   | false",
          "400 | RequestExpired                | AccessDenied   | false",
          "404 | UnknownOperationException     | InvalidRequest | false",
          "413 | RequestEntityTooLargeException | InvalidRequest | false",
          "400 | MalformedHttpRequestException | InvalidRequest | false",
          "400 | ThrottlingException           | Unavailable    | true",
          "400 | ThrottledException            | Unavailable    | true",
          "400 | RequestLimitExceeded          | Unavailable    | true",
          "429 | TooManyRequestsException      | Unavailable    | true",
          "500 | InternalFailure               | Unavailable    | true",
          "503 | ServiceUnavailable            | Unavailable    | true",
          "408 | RequestTimeoutException       | Unavailable    | true",
          "400 | RequestAbortedException       | Unavailable    | true",
          // Parameter Store
          "400 | ParameterNotFound             | NotFound       | false",
          "400 | ParameterVersionNotFound      | NotFound       | false",
          "400 | InvalidKeyId                  | AccessDenied   | false",
          "500 | InternalServerError           | Unavailable    | true",
          // nothing that anybody documents
          "400 | SomethingNew                  | InvalidRequest | false",
          "502 | SomethingNew                  | Unavailable    | true",
        })
    @DisplayName("tells what the caller can do")
    void mapped(int status, String code, String kind, boolean retryable) {
      aws.refuse("GetSecretValue", status, code, "AWS's own words");
      SecretException failure = failure();
      assertThat(failure.getClass().getSimpleName()).isEqualTo(kind);
      assertThat(failure.isRetryable()).isEqualTo(retryable);
      assertThat(failure.reference()).isEqualTo(SECRET);
      assertThat(failure)
          .hasMessageContaining(StubAws.ARN)
          .hasMessageContaining(code + ": AWS's own words; request id " + StubAws.REQUEST_ID)
          .hasNoCause();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ValidationException", "ValidationError"})
    @DisplayName("for a parameter that is wrong is told without AWS's words, which quote it")
    void quoting(String code) {
      aws.refuse(
          "GetSecretValue", 400, code, "Value '" + CANARY + "' failed to satisfy constraint");
      assertThat(failure())
          .isInstanceOf(SecretException.InvalidRequest.class)
          .hasMessage(
              "AWS refuses the request for %s (%s; request id %s)",
              StubAws.ARN, code, StubAws.REQUEST_ID);
    }

    @Test
    @DisplayName("and for an unknown secret that it may be in another region or account")
    void unknown() {
      aws.refuse(
          "GetSecretValue",
          400,
          "ResourceNotFoundException",
          "Secrets Manager can't find the specified secret.");
      assertThat(failure())
          .isInstanceOf(SecretException.NotFound.class)
          .hasMessage(
              "the region and account that were asked have no "
                  + StubAws.ARN
                  + ", or no such version (ResourceNotFoundException: Secrets Manager can't find the"
                  + " specified secret.; request id "
                  + StubAws.REQUEST_ID
                  + ")");
    }

    @Test
    @DisplayName("and for a denial both of its possible causes")
    void denied() {
      aws.refuse(
          "GetSecretValue",
          400,
          "AccessDeniedException",
          "User: arn:aws:sts::123456789012:assumed-role/web/x is not authorized");
      assertThat(failure())
          .hasMessage(
              "reading "
                  + StubAws.ARN
                  + " is denied: the role needs secretsmanager:GetSecretValue (ssm:GetParameters"
                  + " for a parameter) on it and kms:Decrypt on its key; or it doesn't exist, which"
                  + " a policy limited to names looks like as well (AccessDeniedException: User:"
                  + " arn:aws:sts::123456789012:assumed-role/web/x is not authorized; request id "
                  + StubAws.REQUEST_ID
                  + ")");
    }

    @Test
    @DisplayName("and tells a secret that is scheduled for deletion from other invalid requests")
    void scheduledForDeletion() {
      aws.refuse(
          "GetSecretValue",
          400,
          "InvalidRequestException",
          "You can't perform this operation on the secret because it was marked for deletion.");
      assertThat(failure())
          .isInstanceOf(SecretException.NotFound.class)
          .hasMessageStartingWith(StubAws.ARN + " is scheduled for deletion; restore it");
    }
  }

  @Nested
  @DisplayName("throttles")
  class Throttling {

    @Test
    @DisplayName("a call twice, the third try has the value")
    void retried() {
      aws.refuseThenAnswer(
          "GetSecretValue",
          2,
          400,
          "ThrottlingException",
          StubAws.secret(StubAws.ARN, "after all"));
      try (SecretValue value = source.fetch(SECRET)) {
        assertThat(value.hasContent("after all".getBytes(UTF_8))).isTrue();
      }
      assertThat(aws.requests("GetSecretValue")).hasSize(3);
    }

    @Test
    @DisplayName("for ever, the failure says so")
    void exhausted() {
      aws.refuse("GetSecretValue", 400, "ThrottlingException", "Rate exceeded");
      SecretException failure = failure();
      assertThat(failure)
          .isInstanceOfSatisfying(
              SecretException.Unavailable.class, e -> assertThat(e.isThrottled()).isTrue());
      assertThat(aws.requests("GetSecretValue")).hasSize(3);
    }
  }

  @Nested
  @DisplayName("can't be understood or reached")
  class Faults {

    @Test
    @DisplayName("since the connection breaks")
    void reset() {
      aws.breakAlways("GetSecretValue", Fault.CONNECTION_RESET_BY_PEER);
      assertThat(failure())
          .isInstanceOf(SecretException.Unavailable.class)
          .hasMessageStartingWith("AWS can't be reached for " + StubAws.ARN);
    }

    @Test
    @DisplayName("since the answer is empty, and only the SDK's three tries are made")
    void emptyAnswer() {
      // The JDK sends a POST again by itself after an empty answer, unless it is streamed.
      aws.breakAlways("GetSecretValue", Fault.EMPTY_RESPONSE);
      assertThat(failure()).isInstanceOf(SecretException.Unavailable.class);
      assertThat(aws.requests("GetSecretValue")).hasSize(3);
    }

    @Test
    @DisplayName("since nobody listens")
    void refused() {
      aws.close();
      assertThat(failure())
          .isInstanceOf(SecretException.Unavailable.class)
          .hasMessageStartingWith("AWS can't be reached for " + StubAws.ARN);
    }

    @Test
    @DisplayName("since it takes too long")
    void slow() {
      aws.delay("GetSecretValue", Duration.ofSeconds(30), StubAws.secret(StubAws.ARN, "too late"));
      try (SecretSource impatient =
          SecretsManagerSource.of(aws.environment().withDeadline(Duration.ofMillis(300)))) {
        assertThatThrownBy(() -> impatient.fetch(SECRET))
            .isInstanceOf(SecretException.Unavailable.class)
            .hasMessage("AWS gave no answer for " + StubAws.ARN + " before the deadline");
      }
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{\"ARN\": \"" + StubAws.ARN + "\", \"SecretString\": \"" + CANARY,
          "{\"SecretString\": \"" + CANARY + "\", ]",
          CANARY
        })
    @DisplayName("since the JSON is cut or broken, and nothing of it is shown")
    void cut(String body) {
      aws.answer("GetSecretValue", body);
      SecretException failure = failure();
      assertThat(failure).isInstanceOf(SecretException.Corrupt.class);
      assertThat(stackTrace(failure)).doesNotContain(CANARY);
    }

    @Test
    @DisplayName("since there is no value in the answer")
    void empty() {
      aws.answer(
          "GetSecretValue", "{\"ARN\": \"%s\", \"VersionId\": \"v\"}".formatted(StubAws.ARN));
      assertThat(failure())
          .isInstanceOf(SecretException.Corrupt.class)
          .hasMessage("AWS answered " + StubAws.ARN + " without a value");
    }
  }

  @Nested
  @DisplayName("lets a role read but not describe")
  class Undescribable {

    @Test
    @DisplayName("the version is found by reading, and describing isn't tried again")
    void readsInstead() {
      aws.refuse("DescribeSecret", 400, "AccessDeniedException", "no");
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "x"));
      assertThat(source.currentVersion(SECRET)).isEqualTo("11111111-2222-4333-8444-555555555555");
      assertThat(source.currentVersion(SECRET)).isEqualTo("11111111-2222-4333-8444-555555555555");
      assertThat(aws.requests("DescribeSecret")).hasSize(1);
      assertThat(aws.requests("GetSecretValue")).hasSize(2);
    }

    @Test
    @DisplayName("and of one that may do neither the denial is told")
    void neither() {
      aws.refuse("DescribeSecret", 400, "AccessDeniedException", "no");
      aws.refuse("GetSecretValue", 400, "AccessDeniedException", "neither");
      assertThatThrownBy(() -> source.currentVersion(SECRET))
          .isInstanceOf(SecretException.AccessDenied.class)
          .hasMessageContaining("neither");
    }
  }

  @Nested
  @DisplayName("is asked")
  class Asking {

    @Test
    @DisplayName("for the stage in so many words, since a policy may demand it")
    void stage() {
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "x"));
      source.fetch(SECRET).close();
      source.fetch(SECRET.withVersionId("11111111-2222-4333-8444-555555555555")).close();
      source
          .fetch(
              SECRET
                  .withVersionId("11111111-2222-4333-8444-555555555555")
                  .withVersionStage("AWSPREVIOUS"))
          .close();
      assertThat(aws.requests("GetSecretValue").get(0))
          .contains("\"VersionStage\":\"AWSCURRENT\"")
          .doesNotContain("VersionId");
      assertThat(aws.requests("GetSecretValue").get(1))
          .contains("VersionId")
          .doesNotContain("VersionStage");
      assertThat(aws.requests("GetSecretValue").get(2))
          .contains("\"VersionStage\":\"AWSPREVIOUS\"", "VersionId");
    }

    @Test
    @DisplayName("nothing at all for the version of a reference that names it")
    void pinned() {
      assertThat(source.currentVersion(SECRET.withVersionId("abc"))).isEqualTo("abc");
      assertThat(aws.count()).isZero();
    }

    @Test
    @DisplayName("under the name of this library")
    void userAgent() {
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "x"));
      source.fetch(SECRET).close();
      assertThat(aws.headers("User-Agent").get(0)).contains("secrets-controller");
    }

    @Test
    @DisplayName("once for many references into one secret and version")
    void shared() {
      aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "{}"));
      List<SecretReference> references =
          List.of(
              SECRET,
              SECRET.withSelector("a"),
              SECRET.withSelector("b"),
              SECRET.withVersionStage("AWSCURRENT"));
      Map<SecretReference, SecretResult> results = source.fetchAll(references);
      assertThat(results.keySet()).containsExactlyElementsOf(references);
      results.get(SECRET).orThrow().close();
      try (SecretValue value = results.get(SECRET.withSelector("a")).orThrow()) {
        assertThat(value.hasContent("{}".getBytes(UTF_8))).isTrue();
      }
      assertThat(aws.requests("GetSecretValue")).hasSize(1);
    }

    @Test
    @DisplayName("without a region it can't be, and the fix is told")
    void noRegion() {
      Map<String, String> variables = aws.variables();
      variables.remove("AWS_REGION");
      try (SecretSource nowhere = SecretsManagerSource.of(AwsEnvironment.of(variables))) {
        assertThatThrownBy(() -> nowhere.fetch(SecretReference.parse("prod/db")))
            .isInstanceOf(SecretException.InvalidRequest.class)
            .hasMessage("no region is known for prod/db; name it by its ARN, or set AWS_REGION");
      }
    }

    @Test
    @DisplayName("without credentials it isn't, and the fix is told")
    void noCredentials() {
      Map<String, String> variables = aws.variables();
      variables.remove("AWS_ACCESS_KEY_ID");
      variables.remove("AWS_SECRET_ACCESS_KEY");
      try (SecretSource nobody = SecretsManagerSource.of(AwsEnvironment.of(variables))) {
        assertThatThrownBy(() -> nobody.fetch(SECRET))
            .isInstanceOf(SecretException.AccessDenied.class)
            .hasMessageContaining(
                "no AWS credentials are configured: give the pod's ServiceAccount");
      }
      assertThat(aws.count()).isZero();
    }
  }

  @Nested
  @DisplayName("is asked for a batch")
  class Batch {

    private final SecretSource batched =
        SecretsManagerSource.builder(aws.environment()).batched(true).build();

    private static String arn(int i) {
      return "arn:aws:secretsmanager:us-east-1:123456789012:secret:s%02d-AbCdEf".formatted(i);
    }

    private static List<SecretReference> references(int count) {
      return IntStream.range(0, count).mapToObj(i -> SecretReference.parse(arn(i))).toList();
    }

    private static String page(int from, int to, String token) {
      String entries =
          IntStream.range(from, to)
              .mapToObj(i -> StubAws.secret(arn(i), "batched " + i))
              .collect(Collectors.joining(","));
      return "{\"SecretValues\": [%s]%s}"
          .formatted(entries, token.isEmpty() ? "" : ", \"NextToken\": \"" + token + "\"");
    }

    private List<String> contents(Map<SecretReference, SecretResult> results) {
      List<String> contents = new ArrayList<>();
      results
          .values()
          .forEach(
              result -> {
                try (SecretValue value = result.orThrow()) {
                  contents.add(new String(value.revealBytes(), UTF_8));
                }
              });
      return contents;
    }

    @Test
    @DisplayName("it is one call for twenty, page after page")
    void pages() {
      aws.answer("BatchGetSecretValue", page(10, 20, ""));
      aws.answerFor("BatchGetSecretValue", "SecretIdList", page(0, 10, "more"));
      aws.answerFor("BatchGetSecretValue", "\"NextToken\":\"more\"", page(10, 20, ""));
      Map<SecretReference, SecretResult> results = batched.fetchAll(references(20));
      assertThat(contents(results)).hasSize(20).allMatch(text -> text.startsWith("batched "));
      assertThat(aws.requests("BatchGetSecretValue")).hasSize(2);
      assertThat(aws.requests("GetSecretValue")).isEmpty();
    }

    @Test
    @DisplayName("and denies that, each secret is read by itself")
    void denied() {
      aws.refuse("BatchGetSecretValue", 400, "AccessDeniedException", "not on *");
      for (int i = 0; i < 3; i++) {
        aws.answerFor("GetSecretValue", arn(i), StubAws.secret(arn(i), "single " + i));
      }
      assertThat(contents(batched.fetchAll(references(3))))
          .containsExactly("single 0", "single 1", "single 2");
    }

    @Test
    @DisplayName("and leaves one out, or reports an error for it, that one is read by itself")
    void partial() {
      aws.answer(
          "BatchGetSecretValue",
          """
          {"SecretValues": [%s],
           "Errors": [{"SecretId": "%s", "ErrorCode": "DecryptionFailure", "Message": "key"}]}
          """
              .formatted(StubAws.secret(arn(0), "batched 0"), arn(1)));
      aws.answerFor("GetSecretValue", arn(1), StubAws.secret(arn(1), "single 1"));
      aws.answerFor("GetSecretValue", arn(2), StubAws.secret(arn(2), "single 2"));
      assertThat(contents(batched.fetchAll(references(3))))
          .containsExactly("batched 0", "single 1", "single 2");
    }

    @Test
    @DisplayName("a reference that names a version is read by itself, for the call knows none")
    void versions() {
      aws.answer("BatchGetSecretValue", page(0, 2, ""));
      aws.answer("GetSecretValue", StubAws.secret(arn(0), "previous"));
      SecretReference previous = references(1).get(0).withVersionStage("AWSPREVIOUS");
      List<SecretReference> references = new ArrayList<>(references(2));
      references.add(previous);
      assertThat(contents(batched.fetchAll(references)))
          .containsExactly("batched 0", "batched 1", "previous");
    }
  }

  @Test
  @DisplayName("hangs on some of many, the deadline is for all of them, and the others are there")
  void oneDeadline() {
    aws.delay("GetSecretValue", Duration.ofSeconds(60), StubAws.secret(StubAws.ARN, "late"));
    aws.answerFor("GetSecretValue", StubAws.ARN, StubAws.secret(StubAws.ARN, "good"));
    List<SecretReference> references = new ArrayList<>();
    references.add(SECRET);
    for (int i = 0; i < 12; i++) {
      references.add(SecretReference.parse("slow-" + i));
    }
    try (SecretSource two =
        SecretsManagerSource.builder(aws.environment().withDeadline(Duration.ofMillis(500)))
            .maxInFlight(2)
            .build()) {
      Map<SecretReference, SecretResult> results = two.fetchAll(references);
      results.get(SECRET).orThrow().close();
      for (SecretReference slow : references.subList(1, 13)) {
        assertThatThrownBy(() -> results.get(slow).orThrow())
            .isInstanceOf(SecretException.Unavailable.class)
            .hasMessage("AWS gave no answer for " + slow + " before the deadline");
      }
    }
    // One after the other, two at a time, would have asked for all of them.
    assertThat(aws.requests("GetSecretValue")).hasSizeLessThan(8);
  }

  @Test
  @DisplayName("answers one of many slowly or badly, the others are there")
  void independent() {
    String slow = "arn:aws:secretsmanager:us-east-1:123456789012:secret:slow-AbCdEf";
    aws.refuse("GetSecretValue", 400, "AccessDeniedException", "no");
    aws.answerFor("GetSecretValue", StubAws.ARN, StubAws.secret(StubAws.ARN, "good"));
    Map<SecretReference, SecretResult> results =
        source.fetchAll(List.of(SecretReference.parse(slow), SECRET));
    assertThat(results.get(SecretReference.parse(slow))).isInstanceOf(SecretResult.Failed.class);
    try (SecretValue value = results.get(SECRET).orThrow()) {
      assertThat(value.hasContent("good".getBytes(UTF_8))).isTrue();
    }
  }

  private static String stackTrace(Throwable e) {
    StringWriter text = new StringWriter();
    e.printStackTrace(new PrintWriter(text));
    return text.toString();
  }
}
