package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.WriteContext;
import io.github.secretscontroller.core.testkit.SecretWriterContract;
import io.github.secretscontroller.core.testkit.StagingSecretWriterContract;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.Tag;

@DisplayName("Writing to Secrets Manager")
class SecretsManagerWriterTest {

  private static final byte[] TOKEN_KEY = new byte[32];
  private static final WriteContext CONTEXT = WriteContext.of("prod-1", "shop", "db");

  private static final String ADMITTED = "secrets-controller/admitted";
  private static final String STORED = "secrets-controller/stored";
  private static final String REFERENCED = "secrets-controller/referenced";

  private static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }

  @Nested
  @DisplayName("at an endpoint")
  @ExtendWith(AwsEndpoint.class)
  class AtAnEndpoint extends SecretWriterContract {

    private final SecretsManagerClient admin =
        AwsEndpoint.client(SecretsManagerClient.builder(), "us-east-1");
    private final SecretWriter writer =
        SecretsManagerWriter.builder(AwsEndpoint.environment(), TOKEN_KEY).build();
    private final SecretSource source = SecretsManagerSource.of(AwsEndpoint.environment());

    @Override
    protected SecretWriter writer() {
      return writer;
    }

    @Override
    protected SecretSource source() {
      return source;
    }

    @AfterEach
    void close() {
      writer.close();
      source.close();
      admin.close();
    }

    private DescribeSecretResponse describe() {
      return admin.describeSecret(request -> request.secretId(name()));
    }

    private int versions() {
      return admin
          .listSecretVersionIds(request -> request.secretId(name()).includeDeprecated(true))
          .versions()
          .size();
    }

    @Test
    @DisplayName("returns the full ARN and the version, and tags the secret with its owner")
    void tags() {
      SecretReference reference = writer.write(name(), utf8("x"), context);
      assertThat(reference.isArn()).isTrue();
      assertThat(reference.id()).isEqualTo(describe().arn()).matches(".*-[A-Za-z0-9]{6}");
      assertThat(reference.versionId()).isNotNull();
      assertThat(describe().tags())
          .extracting(tag -> tag.key() + "=" + tag.value())
          .containsExactlyInAnyOrder(
              "secrets-controller/managed-by=secrets-controller",
              "secrets-controller/cluster=test-cluster",
              "secrets-controller/namespace=test-namespace",
              "secrets-controller/name=" + context.name());
    }

    @Test
    @DisplayName("stores text as a string and anything else as binary")
    void representation() {
      writer.write(name(), utf8("t\u00e4xt"), context);
      assertThat(admin.getSecretValue(request -> request.secretId(name())).secretString())
          .isEqualTo("t\u00e4xt");
      byte[] noText = {(byte) 0xc3, 0x28, 0};
      writer.write(name(), noText, context);
      assertThat(
              admin
                  .getSecretValue(request -> request.secretId(name()))
                  .secretBinary()
                  .asByteArray())
          .isEqualTo(noText);
    }

    @Test
    @DisplayName("makes one version of the same value, also from another replica")
    void replicas() {
      SecretReference first = writer.write(name(), utf8("x"), context);
      try (SecretWriter replica =
          SecretsManagerWriter.builder(AwsEndpoint.environment(), TOKEN_KEY).build()) {
        assertThat(replica.write(name(), utf8("x"), context)).isEqualTo(first);
      }
      assertThat(versions()).isEqualTo(1);
    }

    @Test
    @DisplayName("makes three versions of A, B, A, and the last is current")
    void backAndForthVersions() {
      SecretReference first = writer.write(name(), utf8("a"), context);
      writer.write(name(), utf8("b"), context);
      SecretReference third = writer.write(name(), utf8("a"), context);
      assertThat(third).isNotEqualTo(first);
      assertThat(describe().versionIdsToStages().get(third.versionId())).contains("AWSCURRENT");
    }

    @Test
    @DisplayName("makes a version current again that somebody rolled back by hand")
    void rolledBack() {
      SecretReference first = writer.write(name(), utf8("a"), context);
      SecretReference second = writer.write(name(), utf8("b"), context);
      admin.updateSecretVersionStage(
          request ->
              request
                  .secretId(name())
                  .versionStage("AWSCURRENT")
                  .moveToVersionId(first.versionId())
                  .removeFromVersionId(second.versionId()));
      SecretReference again = writer.write(name(), utf8("b"), context);
      assertThat(describe().versionIdsToStages().get(again.versionId())).contains("AWSCURRENT");
      try (SecretValue value = source.fetch(SecretReference.parse(name()))) {
        assertThat(value.hasContent(utf8("b"))).isTrue();
      }
    }

    @Test
    @DisplayName("leaves one secret with one version when it is repeated after a lost answer")
    void lostAnswer() {
      writer.write(name(), utf8("x"), context); // The answer to this one never arrived.
      SecretReference repeated = writer.write(name(), utf8("x"), context);
      assertThat(versions()).isEqualTo(1);
      assertThat(describe().versionIdsToStages()).containsOnlyKeys(repeated.versionId());
    }

    @Test
    @DisplayName("restores what was scheduled for deletion, and keeps the ARN")
    void restores() {
      SecretReference first = writer.write(name(), utf8("one"), context);
      writer.delete(first, context);
      assertThat(describe().deletedDate()).isNotNull();
      SecretReference second = writer.write(name(), utf8("two"), context);
      assertThat(second.id()).isEqualTo(first.id());
      assertThat(describe().deletedDate()).isNull();
    }

    @Test
    @DisplayName("neither overwrites nor deletes what belongs to somebody else, and says to whom")
    void foreign() {
      writer.write(name(), utf8("theirs"), WriteContext.of("prod-2", "shop", "db"));
      assertThatThrownBy(() -> writer.write(name(), utf8("ours"), CONTEXT))
          .isInstanceOf(SecretException.InvalidRequest.class)
          .hasMessage(
              "the AWS secret %s belongs to Secret shop/db of cluster prod-2, not to Secret shop/db"
                  + " of cluster prod-1; choose another name, or take the owner's tags off if"
                  + " nothing uses it",
              name());
      assertThatThrownBy(() -> writer.delete(SecretReference.parse(name()), CONTEXT))
          .isInstanceOf(SecretException.InvalidRequest.class);
      try (SecretValue value = source.fetch(SecretReference.parse(name()))) {
        assertThat(value.hasContent(utf8("theirs"))).isTrue();
      }
      assertThat(describe().deletedDate()).isNull();
    }

    @Test
    @DisplayName("adopts what nobody's tags are on, if the operator says so")
    void adopts() {
      admin.createSecret(request -> request.name(name()).secretString("by hand"));
      assertThatThrownBy(() -> writer.write(name(), utf8("ours"), context))
          .hasMessageContaining("belongs to nobody that its tags name, not to Secret");
      try (SecretWriter adopting =
          SecretsManagerWriter.builder(AwsEndpoint.environment(), TOKEN_KEY)
              .adoptExisting(true)
              .build()) {
        adopting.write(name(), utf8("ours"), context);
      }
      assertThatCode(() -> writer.write(name(), utf8("still ours"), context))
          .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"secrets-controller/managed-by", "secrets-controller/cluster"})
    @DisplayName("adopts nothing that has another owner's tags, whatever the operator says")
    void adoptsNoOthers(String onlyTag) {
      String theirs = name() + "/theirs";
      writer.write(theirs, utf8("theirs"), WriteContext.of("prod-2", "shop", "db"));
      String tagged = name() + "/tagged";
      admin.createSecret(
          request ->
              request
                  .name(tagged)
                  .secretString("theirs")
                  .tags(Tag.builder().key(onlyTag).value("prod-2").build()));
      try (SecretWriter adopting =
          SecretsManagerWriter.builder(AwsEndpoint.environment(), TOKEN_KEY)
              .adoptExisting(true)
              .build()) {
        for (String name : List.of(theirs, tagged)) {
          assertThatThrownBy(() -> adopting.write(name, utf8("ours"), CONTEXT))
              .isInstanceOf(SecretException.InvalidRequest.class)
              .hasMessageContaining("not to Secret shop/db of cluster prod-1");
          try (SecretValue value = source.fetch(SecretReference.parse(name))) {
            assertThat(value.hasContent(utf8("theirs"))).isTrue();
          }
        }
      }
    }
  }

  @Nested
  @DisplayName("in stages, at an endpoint,")
  @ExtendWith(AwsEndpoint.class)
  class InStages extends StagingSecretWriterContract {

    private final SecretsManagerClient admin =
        AwsEndpoint.client(SecretsManagerClient.builder(), "us-east-1");
    private final StagingSecretWriter writer =
        SecretsManagerWriter.builder(AwsEndpoint.environment(), TOKEN_KEY).build();
    private final SecretSource source = new AsCurrent(AwsEndpoint.environment());

    @Override
    protected StagingSecretWriter writer() {
      return writer;
    }

    @Override
    protected SecretSource source() {
      return source;
    }

    @AfterEach
    void close() {
      writer.close();
      source.close();
      admin.close();
    }

    /** As a rotation function does it; moto forgets other labels when a put moves AWSCURRENT. */
    @Override
    protected void rotate(SecretReference reference, byte[] value) {
      String pending =
          admin
              .putSecretValue(
                  request ->
                      request
                          .secretId(reference.id())
                          .secretBinary(SdkBytes.fromByteArray(value))
                          .versionStages("AWSPENDING"))
              .versionId();
      admin.updateSecretVersionStage(
          request ->
              request
                  .secretId(reference.id())
                  .versionStage("AWSCURRENT")
                  .moveToVersionId(pending)
                  .removeFromVersionId(reference.versionId()));
    }

    private Map<String, List<String>> stages() {
      return admin.describeSecret(request -> request.secretId(name())).versionIdsToStages();
    }

    @Test
    @DisplayName("labels what was admitted and what was stored, so that AWS keeps both")
    void labels() {
      SecretReference first = writer.stage(name(), utf8("one"), context);
      assertThat(stages().get(first.versionId())).containsExactly("AWSCURRENT", STORED);
      SecretReference second = writer.stage(name(), utf8("two"), context.replacing(first));
      assertThat(stages().get(second.versionId())).containsExactly(ADMITTED);
      assertThat(stages().get(first.versionId())).containsExactly("AWSCURRENT", STORED);
      writer.promote(second, context);
      assertThat(stages().get(second.versionId()))
          .containsExactlyInAnyOrder("AWSCURRENT", ADMITTED, STORED);
      assertThat(stages().get(first.versionId())).containsExactly("AWSPREVIOUS");
    }

    @Test
    @DisplayName("makes a version no second time when another one was rejected in between")
    void rejected() {
      SecretReference first = writer.stage(name(), utf8("one"), context);
      SecretReference rejected = writer.stage(name(), utf8("two"), context.replacing(first));
      SecretReference other = writer.stage(name(), utf8("three"), context.replacing(first));
      assertThat(stages().get(rejected.versionId())).isEmpty();
      assertThat(writer.stage(name(), utf8("two"), context.replacing(first))).isEqualTo(rejected);
      assertThat(rejected).isNotEqualTo(other);
      assertThat(stages().get(rejected.versionId())).containsExactly(ADMITTED);
    }

    @Test
    @DisplayName("labels the first version when it is repeated after it ended between the calls")
    void interrupted() {
      SecretReference first = writer.stage(name(), utf8("one"), context);
      admin.updateSecretVersionStage(
          request ->
              request.secretId(name()).versionStage(STORED).removeFromVersionId(first.versionId()));
      assertThat(writer.stage(name(), utf8("one"), context)).isEqualTo(first);
      assertThat(stages().get(first.versionId())).containsExactly("AWSCURRENT", STORED);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("keeps the label of a version that was not promoted yet when the next is rejected")
    void referenced(boolean byName) {
      SecretReference first = writer.stage(name(), utf8("one"), context);
      SecretReference second = writer.stage(name(), utf8("two"), context.replacing(first));
      SecretReference stored =
          byName ? SecretReference.parse(name()).withVersionId(second.versionId()) : second;
      SecretReference third = writer.stage(name(), utf8("three"), context.replacing(stored));
      assertThat(stages().get(second.versionId())).containsExactly(REFERENCED);
      assertThat(stages().get(third.versionId())).containsExactly(ADMITTED);
      SecretReference fourth = writer.stage(name(), utf8("four"), context.replacing(third));
      assertThat(stages().get(third.versionId())).containsExactly(REFERENCED);
      assertThat(stages().get(fourth.versionId())).containsExactly(ADMITTED);
    }

    @Test
    @DisplayName("labels a previous version again that has lost its label")
    void unlabelled() {
      SecretReference first = writer.stage(name(), utf8("one"), context);
      SecretReference second = writer.stage(name(), utf8("two"), context.replacing(first));
      writer.stage(name(), utf8("three"), context.replacing(first));
      assertThat(stages().get(second.versionId())).isEmpty();
      assertThat(writer.stage(name(), utf8("two"), context.replacing(second))).isEqualTo(second);
      assertThat(stages().get(second.versionId())).containsExactly(ADMITTED);
    }

    @Test
    @DisplayName("takes a previous version that AWS has removed for nothing to keep")
    void removed() {
      SecretReference first = writer.stage(name(), utf8("one"), context);
      SecretReference gone = first.withVersionId(UUID.randomUUID().toString());
      SecretReference second = writer.stage(name(), utf8("two"), context.replacing(gone));
      assertThat(stages().get(second.versionId())).containsExactly(ADMITTED);
    }
  }

  /** moto answers a plain get without regard to where UpdateSecretVersionStage moved a stage. */
  private record AsCurrent(SecretSource source) implements SecretSource {
    AsCurrent(AwsEnvironment environment) {
      this(SecretsManagerSource.of(environment));
    }

    private static SecretReference explicit(SecretReference reference) {
      return reference.versionId() == null ? reference.withVersionStage("AWSCURRENT") : reference;
    }

    @Override
    public SecretValue fetch(SecretReference reference) {
      return source.fetch(explicit(reference));
    }

    @Override
    public String currentVersion(SecretReference reference) {
      return source.currentVersion(explicit(reference));
    }

    @Override
    public void close() {
      source.close();
    }
  }

  @Nested
  @DisplayName("refuses, before any call,")
  class Refuses {

    private void assertRefused(String name, byte[] value, Class<?> type, String message) {
      try (StubAws aws = new StubAws();
          SecretWriter writer =
              SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY).build()) {
        assertThatThrownBy(() -> writer.write(name, value, CONTEXT))
            .isInstanceOf(type)
            .hasMessage(message);
        assertThat(aws.count()).isZero();
      }
    }

    @Test
    @DisplayName("one byte too many")
    void tooLong() {
      byte[] value = new byte[65_537];
      Arrays.fill(value, (byte) 'x');
      assertRefused(
          "shop/db",
          value,
          SecretException.InvalidRequest.class,
          "the value for shop/db has 65537 bytes, more than the 65536 that AWS takes; split it");
    }

    @Test
    @DisplayName("an empty value")
    void empty() {
      assertRefused(
          "shop/db",
          new byte[0],
          SecretException.InvalidRequest.class,
          "the value for shop/db is empty; AWS needs at least one byte");
    }

    @Test
    @DisplayName("a name with a space")
    void space() {
      assertRefused(
          "shop/my db",
          new byte[1],
          IllegalArgumentException.class,
          "not a secret reference: \"shop/my db\", at character 8: a space isn't allowed in a"
              + " secret's name; allowed are letters, digits and /_+=.@-");
    }

    @Test
    @DisplayName("a name of 600 characters")
    void longName() {
      assertRefused(
          "n".repeat(600),
          new byte[1],
          IllegalArgumentException.class,
          "not a secret reference: \""
              + "n".repeat(200)
              + "...\", at character 513: a secret's name has at most 512 characters, this one has"
              + " 600");
    }

    @Test
    @DisplayName("a token key that is too short, a recovery window that AWS doesn't take")
    void options() {
      try (StubAws aws = new StubAws()) {
        assertThatThrownBy(() -> SecretsManagerWriter.builder(aws.environment(), new byte[31]))
            .hasMessage("the token key needs at least 32 random bytes, not 31");
        assertThatThrownBy(
                () ->
                    SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY)
                        .recoveryWindowDays(6))
            .hasMessage("AWS takes 7 to 30 days to recover, not 6");
      }
      assertThatThrownBy(
              () -> SecretsManagerWriter.builder(AwsEnvironment.of(Map.of()), TOKEN_KEY).build())
          .hasMessage("no region to write secrets in; set AWS_REGION");
    }
  }

  @Nested
  @DisplayName("checks its KMS key at the start")
  class Key {

    private static final String KEY =
        "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555";

    private void build(StubAws aws, String key) {
      SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY).kmsKeyId(key).build().close();
    }

    private static String key(String state, String usage, String spec) {
      return """
          {"KeyMetadata": {"KeyId": "11111111-2222-4333-8444-555555555555", "Arn": "%s",
           "KeyState": "%s", "KeyUsage": "%s", "KeySpec": "%s"}}
          """
          .formatted(KEY, state, usage, spec);
    }

    @Test
    @DisplayName("and takes one that encrypts symmetrically")
    void good() {
      try (StubAws aws = new StubAws()) {
        aws.answer("DescribeKey", key("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"));
        assertThatCode(() -> build(aws, KEY)).doesNotThrowAnyException();
      }
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "Disabled        | ENCRYPT_DECRYPT | SYMMETRIC_DEFAULT | its state is Disabled; enable it",
          "PendingDeletion | ENCRYPT_DECRYPT | SYMMETRIC_DEFAULT | its state is PendingDeletion; cancel its deletion, and enable it",
          "Enabled | SIGN_VERIFY     | RSA_2048 | its usage is SIGN_VERIFY; it must be ENCRYPT_DECRYPT",
          "Enabled | ENCRYPT_DECRYPT | RSA_2048 | its spec is RSA_2048; it must be SYMMETRIC_DEFAULT",
        })
    @DisplayName("and refuses one that can't serve, with the reason")
    void bad(String state, String usage, String spec, String reason) {
      try (StubAws aws = new StubAws()) {
        aws.answer("DescribeKey", key(state, usage, spec));
        assertThatThrownBy(() -> build(aws, KEY))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("the KMS key " + KEY + " can't be used: " + reason);
      }
    }

    @Test
    @DisplayName("and refuses one that isn't there, or is in another region")
    void missing() {
      try (StubAws aws = new StubAws()) {
        aws.refuse("DescribeKey", 400, "NotFoundException", "no such key");
        assertThatThrownBy(() -> build(aws, "alias/none"))
            .hasMessage(
                "the KMS key alias/none can't be used: there is no such key in us-east-1; name one"
                    + " that is there");
        assertThatThrownBy(() -> build(aws, KEY.replace("us-east-1", "eu-west-3")))
            .hasMessageEndingWith(
                "can't be used: it is in eu-west-3, and secrets are written in us-east-1; name a"
                    + " key of that region");
      }
    }

    @Test
    @DisplayName("and takes one that it may not describe, since it may still use it")
    void undescribable() {
      try (StubAws aws = new StubAws()) {
        aws.refuse("DescribeKey", 400, "AccessDeniedException", "no");
        assertThatCode(() -> build(aws, KEY)).doesNotThrowAnyException();
      }
    }

    @Test
    @DisplayName("and creates secrets under it")
    void used() {
      try (StubAws aws = new StubAws()) {
        aws.answer("DescribeKey", key("Enabled", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"));
        aws.refuse("DescribeSecret", 400, "ResourceNotFoundException", "none");
        aws.answer(
            "CreateSecret", "{\"ARN\": \"%s\", \"VersionId\": \"v\"}".formatted(StubAws.ARN));
        try (SecretWriter writer =
            SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY).kmsKeyId(KEY).build()) {
          writer.write("prod/db", utf8("x"), CONTEXT);
        }
        assertThat(aws.requests("CreateSecret").get(0)).contains("\"KmsKeyId\":\"" + KEY + "\"");
      }
    }
  }

  @Nested
  @DisplayName("when AWS")
  class Failures {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "400 | AccessDeniedException   | AccessDenied",
          "400 | EncryptionFailure       | AccessDenied",
          "400 | LimitExceededException  | InvalidRequest",
          "400 | PreconditionNotMetException | InvalidRequest",
          "400 | InvalidParameterException | InvalidRequest",
          "400 | ThrottlingException     | Unavailable",
          "500 | InternalServiceError    | Unavailable",
        })
    @DisplayName("refuses to create, it tells what the caller can do, and no value")
    void create(int status, String code, String kind) {
      try (StubAws aws = new StubAws();
          SecretWriter writer =
              SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY).build()) {
        aws.refuse("DescribeSecret", 400, "ResourceNotFoundException", "none");
        aws.refuse("CreateSecret", status, code, "AWS's own words");
        assertThatThrownBy(() -> writer.write("shop/db", utf8("canary-8d10"), CONTEXT))
            .satisfies(e -> assertThat(e.getClass().getSimpleName()).isEqualTo(kind))
            .hasMessageContaining("shop/db")
            .hasMessageContaining(code + ": AWS's own words; request id " + StubAws.REQUEST_ID)
            .hasMessageNotContaining("canary")
            .hasNoCause();
      }
    }

    @Test
    @DisplayName("says that the secret appeared in between, it looks again")
    void race() {
      try (StubAws aws = new StubAws();
          SecretWriter writer =
              SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY).build()) {
        aws.refuseThenAnswer(
            "DescribeSecret",
            1,
            400,
            "ResourceNotFoundException",
            """
            {"ARN": "%s", "Name": "prod/db", "Tags": [
              {"Key": "secrets-controller/managed-by", "Value": "secrets-controller"},
              {"Key": "secrets-controller/cluster", "Value": "prod-1"},
              {"Key": "secrets-controller/namespace", "Value": "shop"},
              {"Key": "secrets-controller/name", "Value": "db"}]}
            """
                .formatted(StubAws.ARN));
        aws.refuse("CreateSecret", 400, "ResourceExistsException", "there already");
        aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "same"));
        assertThat(writer.write("prod/db", utf8("same"), CONTEXT).toString())
            .isEqualTo(StubAws.ARN + "?version=11111111-2222-4333-8444-555555555555");
        assertThat(aws.requests("PutSecretValue")).isEmpty();
      }
    }

    @Test
    @DisplayName("has scheduled an adopted secret for deletion, it restores before it tags")
    void adoptsDeleted() {
      try (StubAws aws = new StubAws();
          SecretWriter writer =
              SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY)
                  .adoptExisting(true)
                  .build()) {
        aws.answer(
            "DescribeSecret",
            "{\"ARN\": \"%s\", \"Name\": \"prod/db\", \"DeletedDate\": 1790000000}"
                .formatted(StubAws.ARN));
        aws.answer("RestoreSecret", "{}");
        aws.refuse(
            "TagResource", 400, "InvalidRequestException", "The secret is scheduled for deletion.");
        assertThatThrownBy(() -> writer.write("prod/db", utf8("x"), CONTEXT))
            .isInstanceOf(SecretException.class);
        assertThat(aws.requests("RestoreSecret")).hasSize(1);
      }
    }

    @Test
    @DisplayName("keeps making another version current in between, it moves none but its own")
    void racedRollback() {
      try (StubAws aws = new StubAws();
          SecretWriter writer =
              SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY)
                  .adoptExisting(true)
                  .build()) {
        aws.answer(
            "DescribeSecret", "{\"ARN\": \"%s\", \"Name\": \"prod/db\"}".formatted(StubAws.ARN));
        aws.answer("TagResource", "{}");
        aws.answer("GetSecretValue", StubAws.secret(StubAws.ARN, "old"));
        aws.answer(
            "PutSecretValue",
            """
            {"ARN": "%s", "VersionId": "22222222-2222-4333-8444-555555555555",
             "VersionStages": ["AWSPREVIOUS"]}
            """
                .formatted(StubAws.ARN));
        aws.refuse("UpdateSecretVersionStage", 400, "InvalidParameterException", "not attached");
        assertThatThrownBy(() -> writer.write("prod/db", utf8("new"), CONTEXT))
            .isInstanceOf(SecretException.Unavailable.class)
            .hasMessage("others keep changing prod/db while it is written; try again");
        assertThat(aws.requests("UpdateSecretVersionStage"))
            .isNotEmpty()
            .allSatisfy(
                body ->
                    assertThat(body)
                        .contains("\"MoveToVersionId\":\"22222222-")
                        .contains("\"RemoveFromVersionId\":\"11111111-"));
      }
    }

    @Test
    @DisplayName("never agrees, it gives up and may be asked again")
    void endlessRace() {
      try (StubAws aws = new StubAws();
          SecretWriter writer =
              SecretsManagerWriter.builder(aws.environment(), TOKEN_KEY).build()) {
        aws.refuse("DescribeSecret", 400, "ResourceNotFoundException", "none");
        aws.refuse("CreateSecret", 400, "ResourceExistsException", "there already");
        assertThatThrownBy(() -> writer.write("prod/db", utf8("x"), CONTEXT))
            .isInstanceOf(SecretException.Unavailable.class)
            .hasMessage("others keep changing prod/db while it is written; try again");
      }
    }
  }

  @Nested
  @DisplayName("gives a version an id that")
  class Tokens {

    private final WriteTokens tokens = new WriteTokens(TOKEN_KEY);

    @Test
    @DisplayName("depends on secret, replaced version, value and key, each by itself")
    void inputs() {
      String token = tokens.token("arn", "v1", utf8("x"));
      assertThat(tokens.token("arn", "v1", utf8("x"))).isEqualTo(token);
      assertThat(tokens.token("arn", "v1", utf8("y"))).isNotEqualTo(token);
      assertThat(tokens.token("arn", "v2", utf8("x"))).isNotEqualTo(token);
      assertThat(tokens.token("arnv", "1", utf8("x"))).isNotEqualTo(token);
      byte[] other = TOKEN_KEY.clone();
      other[0] = 1;
      assertThat(new WriteTokens(other).token("arn", "v1", utf8("x"))).isNotEqualTo(token);
    }

    @Test
    @DisplayName("has the form that AWS takes")
    void form() {
      assertThat(UUID.fromString(tokens.token("a", "", new byte[0])).toString()).hasSize(36);
    }
  }

  @Nested
  @DisplayName("names a secret")
  class Names {

    @Test
    @DisplayName("by a template that can't end like an ARN's random suffix, whatever the object")
    void byDefault() {
      assertThat(SecretNames.byDefault().nameFor(CONTEXT)).isEqualTo("prod-1/shop/db/k8s");
      assertThat(SecretNames.byDefault().nameFor(WriteContext.of("c", "ns", "db-abcdef")))
          .isEqualTo("c/ns/db-abcdef/k8s");
    }

    @Test
    @DisplayName("by a template of the operator's, and refuses what would end like one")
    void custom() {
      SecretNames names = new SecretNames("{namespace}.{name}");
      assertThat(names.nameFor(CONTEXT)).isEqualTo("shop.db");
      assertThatThrownBy(() -> names.nameFor(WriteContext.of("c", "ns", "db-secret")))
          .hasMessage(
              "the name ns.db-secret ends like the random suffix of an ARN; let the template end in"
                  + " something else, such as /k8s");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{namespace}", "{name}", "fixed"})
    @DisplayName("but not two objects alike")
    void ambiguous(String template) {
      assertThatThrownBy(() -> new SecretNames(template))
          .hasMessageEndingWith(
              "needs {namespace} and {name}, or two Secrets would share one name");
    }

    @Test
    @DisplayName("but knows no other placeholder")
    void unknown() {
      assertThatThrownBy(() -> new SecretNames("{namespace}/{name}/{uid}"))
          .hasMessage(
              "the template \"{namespace}/{name}/{uid}\" has the unknown placeholder {uid}; there"
                  + " are {cluster}, {namespace} and {name}");
    }
  }
}
