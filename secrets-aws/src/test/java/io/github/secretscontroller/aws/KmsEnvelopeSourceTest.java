package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.WriteContext;
import io.github.secretscontroller.core.testkit.SecretSourceContract;
import io.github.secretscontroller.core.testkit.SecretWriterContract;
import io.github.secretscontroller.core.testkit.StagingSecretWriterContract;
import java.util.Base64;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.KeyUsageType;

@DisplayName("KMS envelope encryption")
class KmsEnvelopeSourceTest {

  private static final String CLUSTER = "test-cluster";
  private static final String NAMESPACE = "test-namespace";
  private static final WriteContext OWNER = WriteContext.of(CLUSTER, NAMESPACE, "db");

  private static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }

  /** A key of its own for each test, so that tests don't share anything. */
  private static String createKey(String region) {
    try (KmsClient kms = AwsEndpoint.client(KmsClient.builder(), region)) {
      return kms.createKey(request -> request.keyUsage(KeyUsageType.ENCRYPT_DECRYPT))
          .keyMetadata()
          .arn();
    }
  }

  /** A writer and a source with one key. */
  private static final class Pair implements AutoCloseable {
    final String keyArn = createKey("us-east-1");
    final StagingSecretWriter writer = new KmsEnvelopeWriter(AwsEndpoint.environment(), keyArn);
    final SecretSource source =
        new KmsEnvelopeSource(AwsEndpoint.environment(), List.of(keyArn), CLUSTER, NAMESPACE);

    @Override
    public void close() {
      writer.close();
      source.close();
    }
  }

  @Nested
  @ExtendWith(AwsEndpoint.class)
  class AsSource extends SecretSourceContract {

    private final Pair pair = new Pair();

    @AfterEach
    void close() {
      pair.close();
    }

    @Override
    protected SecretSource source() {
      return pair.source;
    }

    @Override
    protected SecretReference store(String name, byte[] value) {
      return pair.writer.write(name, value, OWNER);
    }

    @Override
    protected SecretReference absent() {
      return SecretReference.parse("kms:AQAB");
    }

    @Override
    protected Class<? extends SecretException> failureOfAbsent() {
      return SecretException.Corrupt.class;
    }
  }

  @Nested
  @ExtendWith(AwsEndpoint.class)
  class AsWriter extends SecretWriterContract {

    private final Pair pair = new Pair();

    @AfterEach
    void close() {
      pair.close();
    }

    @Override
    protected SecretWriter writer() {
      return pair.writer;
    }

    @Override
    protected SecretSource source() {
      return pair.source;
    }

    @Override
    protected boolean hasNames() {
      return false;
    }
  }

  @Nested
  @ExtendWith(AwsEndpoint.class)
  class AsStagingWriter extends StagingSecretWriterContract {

    private final Pair pair = new Pair();

    @AfterEach
    void close() {
      pair.close();
    }

    @Override
    protected StagingSecretWriter writer() {
      return pair.writer;
    }

    @Override
    protected SecretSource source() {
      return pair.source;
    }

    @Override
    protected boolean hasNames() {
      return false;
    }
  }

  @Nested
  @DisplayName("at an endpoint")
  @ExtendWith(AwsEndpoint.class)
  class AtAnEndpoint {

    private final Pair pair = new Pair();

    @AfterEach
    void close() {
      pair.close();
    }

    private SecretReference sealed(WriteContext owner) {
      return pair.writer.write("db", utf8("hunter2"), owner);
    }

    private void assertFails(
        SecretReference reference, Class<? extends SecretException> type, String message) {
      assertThatThrownBy(() -> pair.source.fetch(reference))
          .isInstanceOf(type)
          .hasMessageContaining(message);
    }

    @Test
    @DisplayName("refuses what is sealed for another namespace or cluster, before any call")
    void context() {
      assertFails(
          sealed(WriteContext.of(CLUSTER, "other", "db")),
          SecretException.InvalidRequest.class,
          "is sealed for namespace other of cluster test-cluster, and can't be used in namespace"
              + " test-namespace of cluster test-cluster");
      assertFails(
          sealed(WriteContext.of("elsewhere", NAMESPACE, "db")),
          SecretException.InvalidRequest.class,
          "of cluster elsewhere, and can't be used");
    }

    @Test
    @DisplayName("takes any namespace where none is expected")
    void anyNamespace() {
      SecretReference reference = sealed(WriteContext.of(CLUSTER, "other", "db"));
      try (SecretSource any =
              new KmsEnvelopeSource(
                  AwsEndpoint.environment(), List.of(pair.keyArn), CLUSTER, null);
          SecretValue value = any.fetch(reference)) {
        assertThat(value.hasContent(utf8("hunter2"))).isTrue();
      }
    }

    @Test
    @DisplayName("tells a changed header, a changed value and a changed data key")
    void tampered() {
      byte[] good = Base64.getUrlDecoder().decode(sealed(OWNER).id());
      byte[] value = good.clone();
      value[good.length - 1] ^= 1;
      assertFails(reference(value), SecretException.Corrupt.class, "the value or its header was");
      // The last byte of the owner's name: KMS is asked with the wrong context.
      byte[] header = good.clone();
      header[header(good) - 1] ^= 1;
      assertFails(
          reference(header),
          SecretException.Corrupt.class,
          "it was changed, or sealed for another owner than its header says");
      // A byte of the random version id: KMS can't know, but the value is bound to it.
      byte[] version = good.clone();
      version[header(good)] ^= 1;
      assertFails(reference(version), SecretException.Corrupt.class, "the value or its header was");
      byte[] dataKey = good.clone();
      dataKey[header(good) + 16 + 2 + 60] ^= 1;
      assertFails(reference(dataKey), SecretException.Corrupt.class, "can't open the data key");
    }

    /** Where the header's names end. */
    private int header(byte[] envelope) {
      int position = 1;
      for (int i = 0; i < 4; i++) {
        position +=
            2
                + Byte.toUnsignedInt(envelope[position]) * 256
                + Byte.toUnsignedInt(envelope[position + 1]);
      }
      return position;
    }

    private SecretReference reference(byte[] envelope) {
      return SecretReference.parse(
          "kms:" + Base64.getUrlEncoder().withoutPadding().encodeToString(envelope));
    }

    @Test
    @DisplayName("uses allowed keys only, whatever the envelope says")
    void foreignKey() {
      String foreign = createKey("us-east-1");
      try (SecretWriter attacker = new KmsEnvelopeWriter(AwsEndpoint.environment(), foreign)) {
        assertFails(
            attacker.write("db", utf8("planted"), OWNER),
            SecretException.InvalidRequest.class,
            "is sealed with " + foreign + ", which isn't among the allowed keys");
      }
    }

    @Test
    @DisplayName("seals anew what was sealed with another key, or for another owner")
    void sealsAnew() {
      SecretReference ofAnotherOwner = sealed(WriteContext.of(CLUSTER, NAMESPACE, "other"));
      SecretReference again =
          pair.writer.write("db", utf8("hunter2"), OWNER.replacing(ofAnotherOwner));
      assertThat(again).isNotEqualTo(ofAnotherOwner);
      SecretReference inManager = SecretReference.parse("prod/db");
      assertThat(pair.writer.write("db", utf8("x"), OWNER.replacing(inManager)).scheme())
          .isEqualTo("kms");
    }

    @Test
    @DisplayName("knows one version only")
    void versions() {
      SecretReference reference = sealed(OWNER);
      assertThatThrownBy(
              () -> pair.source.fetch(reference.withVersionId(UUID.randomUUID().toString())))
          .isInstanceOf(SecretException.NotFound.class);
      assertThatThrownBy(() -> pair.source.currentVersion(reference.withVersionStage("X")))
          .isInstanceOf(SecretException.NotFound.class);
    }

    @Test
    @DisplayName("shows nothing of the value in the reference")
    void opaque() {
      String text = new String(Base64.getUrlDecoder().decode(sealed(OWNER).id()), UTF_8);
      assertThat(text).doesNotContain("hunter2").contains(NAMESPACE, pair.keyArn);
    }
  }

  @Nested
  @DisplayName("as AWS documents it")
  class AsDocumented {

    private static final String KEY =
        "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555";
    private static final String DATA_KEY =
        Base64.getEncoder().encodeToString(new byte[KmsEnvelope.DATA_KEY_BYTES]);

    private SecretReference seal(StubAws aws) {
      aws.answer(
          "DescribeKey",
          """
          {"KeyMetadata": {"KeyId": "x", "Arn": "%s", "KeyState": "Enabled",
           "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT"}}
          """
              .formatted(KEY));
      aws.answer(
          "GenerateDataKey",
          "{\"KeyId\": \"%s\", \"Plaintext\": \"%s\", \"CiphertextBlob\": \"AQID\"}"
              .formatted(KEY, DATA_KEY));
      try (SecretWriter writer = new KmsEnvelopeWriter(aws.environment(), KEY)) {
        return writer.write("db", utf8("hunter2"), OWNER);
      }
    }

    private SecretSource source(StubAws aws) {
      return new KmsEnvelopeSource(aws.environment(), List.of(KEY), CLUSTER, NAMESPACE);
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "DisabledException | AccessDenied | is disabled; enable it",
          "KMSInvalidStateException | AccessDenied | such as pending deletion; cancel that",
          "NotFoundException | InvalidRequest | there is no KMS key",
          "AccessDeniedException | AccessDenied | the role needs kms:Decrypt",
          "InvalidCiphertextException | Corrupt | it was changed, or sealed for another owner",
          "IncorrectKeyException | Corrupt | it was changed, or sealed for another owner",
          "ThrottlingException | Unavailable | AWS throttles calls",
          "KMSInternalException | Unavailable | AWS failed on",
          "DependencyTimeoutException | Unavailable | AWS failed on",
          "KeyUnavailableException | Unavailable | AWS failed on",
        })
    @DisplayName("tells each failure to open, and what to do")
    void failures(String code, String kind, String message) {
      try (StubAws aws = new StubAws();
          SecretSource source = source(aws)) {
        SecretReference reference = seal(aws);
        int status =
            code.startsWith("KMSInternal")
                    || code.startsWith("Dependency")
                    || code.startsWith("KeyUnavailable")
                ? 500
                : 400;
        aws.refuse("Decrypt", status, code, "AWS's own words");
        assertThatThrownBy(() -> source.fetch(reference))
            .satisfies(e -> assertThat(e.getClass().getSimpleName()).isEqualTo(kind))
            .hasMessageContaining(message)
            .hasMessageContaining("request id " + StubAws.REQUEST_ID)
            .hasNoCause();
      }
    }

    @Test
    @DisplayName("asks with the allowed key and the owner as context")
    void request() {
      try (StubAws aws = new StubAws();
          SecretSource source = source(aws)) {
        SecretReference reference = seal(aws);
        aws.answer(
            "Decrypt", "{\"KeyId\": \"%s\", \"Plaintext\": \"%s\"}".formatted(KEY, DATA_KEY));
        try (SecretValue value = source.fetch(reference)) {
          assertThat(value.hasContent(utf8("hunter2"))).isTrue();
        }
        assertThat(aws.requests("Decrypt").get(0))
            .contains("\"KeyId\":\"" + KEY + "\"")
            .contains("\"secrets-controller:cluster\":\"" + CLUSTER + "\"")
            .contains("\"secrets-controller:namespace\":\"" + NAMESPACE + "\"")
            .contains("\"secrets-controller:name\":\"db\"");
        assertThat(source.currentVersion(reference)).hasSize(36);
        assertThat(aws.requests("Decrypt")).hasSize(1);
      }
    }

    @Test
    @DisplayName("doesn't take what another key opened")
    void otherKey() {
      try (StubAws aws = new StubAws();
          SecretSource source = source(aws)) {
        SecretReference reference = seal(aws);
        aws.answer(
            "Decrypt",
            "{\"KeyId\": \"%s\", \"Plaintext\": \"%s\"}"
                .formatted(KEY.replace("1111", "9999"), DATA_KEY));
        assertThatThrownBy(() -> source.fetch(reference))
            .isInstanceOf(SecretException.Corrupt.class)
            .hasMessageContaining("was opened with " + KEY.replace("1111", "9999"));
      }
    }

    @Test
    @DisplayName("doesn't take an answer without a data key")
    void noDataKey() {
      try (StubAws aws = new StubAws();
          SecretSource source = source(aws)) {
        SecretReference reference = seal(aws);
        aws.answer("Decrypt", "{\"KeyId\": \"%s\"}".formatted(KEY));
        assertThatThrownBy(() -> source.fetch(reference))
            .isInstanceOf(SecretException.Corrupt.class)
            .hasMessageStartingWith("KMS answered without a data key for kms:");
        aws.answer("Decrypt", "{\"KeyId\": \"%s\", \"Plaintext\": \"\"}".formatted(KEY));
        assertThatThrownBy(() -> source.fetch(reference))
            .isInstanceOf(SecretException.Corrupt.class)
            .hasMessageEndingWith("the data key has the wrong length");
        aws.answer("GenerateDataKey", "{\"KeyId\": \"%s\"}".formatted(KEY));
        try (SecretWriter writer = new KmsEnvelopeWriter(aws.environment(), KEY)) {
          assertThatThrownBy(() -> writer.write("db", utf8("x"), OWNER))
              .isInstanceOf(SecretException.Corrupt.class)
              .hasMessage("KMS answered without a data key for db");
        }
      }
    }

    @Test
    @DisplayName("says that a key of the same id is allowed in another region only")
    void otherRegion() {
      try (StubAws aws = new StubAws();
          SecretSource elsewhere =
              new KmsEnvelopeSource(
                  aws.environment(),
                  List.of(KEY.replace("us-east-1", "eu-west-3")),
                  CLUSTER,
                  NAMESPACE)) {
        SecretReference reference = seal(aws);
        assertThatThrownBy(() -> elsewhere.fetch(reference))
            .isInstanceOf(SecretException.InvalidRequest.class)
            .hasMessageContaining("is sealed in region us-east-1, and the key of that id that is")
            .hasMessageContaining("eu-west-3");
        assertThat(aws.requests("Decrypt")).isEmpty();
      }
    }

    @Test
    @DisplayName("refuses to seal with a key that is disabled in between, and shows no value")
    void disabledInBetween() {
      try (StubAws aws = new StubAws()) {
        seal(aws);
        try (SecretWriter writer = new KmsEnvelopeWriter(aws.environment(), KEY)) {
          aws.refuse("GenerateDataKey", 400, "DisabledException", "disabled");
          assertThatThrownBy(() -> writer.write("db", utf8("canary-31aa"), OWNER))
              .isInstanceOf(SecretException.AccessDenied.class)
              .hasMessageStartingWith(
                  "the KMS key " + KEY + " of db is disabled; enable it (Disabled")
              .hasMessageNotContaining("canary");
        }
      }
    }

    @Test
    @DisplayName("refuses what is no key's ARN, and values that are too large")
    void limits() {
      try (StubAws aws = new StubAws()) {
        assertThatThrownBy(() -> new KmsEnvelopeWriter(aws.environment(), "alias/mine"))
            .hasMessage(
                "\"alias/mine\" is no ARN of a KMS key; it must look like"
                    + " arn:aws:kms:REGION:ACCOUNT:key/ID, since an alias can be moved");
        seal(aws);
        try (SecretWriter writer = new KmsEnvelopeWriter(aws.environment(), KEY)) {
          assertThatThrownBy(() -> writer.write("db", new byte[16_385], OWNER))
              .hasMessage(
                  "the value for db has 16385 bytes, more than the 16384 that can be sealed into a"
                      + " reference; store it in Secrets Manager");
        }
      }
    }
  }
}
