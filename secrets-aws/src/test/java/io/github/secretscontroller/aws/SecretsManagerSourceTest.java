package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.testkit.SecretSourceContract;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;

/** Against something that nobody here wrote; {@code SecretsManagerFailuresTest} has the rest. */
@DisplayName("Secrets Manager")
@ExtendWith(AwsEndpoint.class)
class SecretsManagerSourceTest {

  private final String prefix = "source-test/" + UUID.randomUUID() + "/";
  private final SecretsManagerClient admin = admin("us-east-1");
  private final SecretSource source = SecretsManagerSource.of(AwsEndpoint.environment());

  private static SecretsManagerClient admin(String region) {
    return AwsEndpoint.client(SecretsManagerClient.builder(), region);
  }

  @AfterEach
  void close() {
    source.close();
    admin.close();
  }

  /** Text as a string, what is no text as binary, as people do. */
  private static SecretReference store(SecretsManagerClient admin, String name, byte[] value) {
    boolean text = new String(value, UTF_8).getBytes(UTF_8).length == value.length;
    try {
      admin.createSecret(
          request -> {
            request.name(name);
            if (text) {
              request.secretString(new String(value, UTF_8));
            } else {
              request.secretBinary(SdkBytes.fromByteArray(value));
            }
          });
    } catch (ResourceExistsException e) {
      admin.putSecretValue(
          request -> request.secretId(name).secretString(new String(value, UTF_8)));
    }
    return SecretReference.parse(name);
  }

  private SecretReference store(String name, String value) {
    return store(admin, prefix + name, value.getBytes(UTF_8));
  }

  private String arn(String name) {
    return admin.describeSecret(request -> request.secretId(prefix + name)).arn();
  }

  private String read(SecretReference reference) {
    try (SecretValue value = source.fetch(reference)) {
      return new String(value.revealBytes(), UTF_8);
    }
  }

  @Nested
  class AsSource extends SecretSourceContract {

    @Override
    protected SecretSource source() {
      return source;
    }

    @Override
    protected SecretReference store(String name, byte[] value) {
      return SecretsManagerSourceTest.store(admin, name, value);
    }
  }

  @Nested
  @DisplayName("reading many in batches")
  class Batched extends SecretSourceContract {

    private final SecretSource batched =
        SecretsManagerSource.builder(AwsEndpoint.environment()).batched(true).build();

    @Override
    protected SecretSource source() {
      return batched;
    }

    @Override
    protected SecretReference store(String name, byte[] value) {
      return SecretsManagerSourceTest.store(admin, name, value);
    }

    @Test
    @DisplayName("reads more secrets than fit into a call, named in every way, and one missing")
    void manyNames() {
      List<SecretReference> references = new ArrayList<>();
      for (int i = 0; i < 45; i++) {
        SecretsManagerSourceTest.this.store("many-" + i, "value " + i);
        String arn = arn("many-" + i);
        references.add(
            SecretReference.parse(
                switch (i % 3) {
                  case 0 -> prefix + "many-" + i;
                  case 1 -> arn;
                  default -> arn.substring(0, arn.length() - 7);
                }));
      }
      SecretReference missing = SecretReference.parse(prefix + "missing");
      references.add(missing);
      Map<SecretReference, SecretResult> results = batched.fetchAll(references);
      assertThat(results.keySet()).containsExactlyElementsOf(references);
      for (int i = 0; i < 45; i++) {
        try (SecretValue value = results.get(references.get(i)).orThrow()) {
          assertThat(value.hasContent(("value " + i).getBytes(UTF_8))).isTrue();
        }
      }
      assertThatThrownBy(() -> results.get(missing).orThrow())
          .isInstanceOf(SecretException.NotFound.class);
    }
  }

  @Nested
  @DisplayName("names a secret")
  class Names {

    @Test
    @DisplayName("by name, full ARN and ARN without the random suffix, and tells the full ARN")
    void names() {
      store("db", "hunter2");
      String full = arn("db");
      String partial = full.substring(0, full.length() - 7);
      for (String name : List.of(prefix + "db", full, partial)) {
        try (SecretValue value = source.fetch(SecretReference.parse(name))) {
          assertThat(value.revealBytes()).isEqualTo("hunter2".getBytes(UTF_8));
          assertThat(value.origin().toString()).isEqualTo(full);
          assertThat(value.createdAt()).isPresent();
        }
      }
    }

    @Test
    @DisplayName("in the region of its ARN, whatever the environment says")
    void region() {
      try (SecretsManagerClient elsewhere = admin("eu-west-3")) {
        store(elsewhere, prefix + "elsewhere", "bonjour".getBytes(UTF_8));
        String arn =
            elsewhere.describeSecret(request -> request.secretId(prefix + "elsewhere")).arn();
        assertThat(arn).contains(":eu-west-3:");
        assertThat(read(SecretReference.parse(arn))).isEqualTo("bonjour");
        assertThatThrownBy(() -> read(SecretReference.parse(prefix + "elsewhere")))
            .isInstanceOf(SecretException.NotFound.class);
        try (SecretSource there =
                SecretsManagerSource.builder(AwsEndpoint.environment())
                    .defaultRegion("eu-west-3")
                    .build();
            SecretValue value = there.fetch(SecretReference.parse(prefix + "elsewhere"))) {
          assertThat(value.origin().region()).contains("eu-west-3");
        }
      }
    }

    @ParameterizedTest
    @ValueSource(strings = {"db-secret", "app-abcdef"})
    @DisplayName("that ends like a random suffix, by its exact name")
    void lookalike(String name) {
      store(name, "exact");
      assertThat(read(SecretReference.parse(prefix + name))).isEqualTo("exact");
    }
  }

  @Nested
  @DisplayName("names a version")
  class Versions {

    @Test
    @DisplayName("by stage, by id, and by both")
    void versions() {
      store("v", "one");
      String first = admin.getSecretValue(r -> r.secretId(prefix + "v")).versionId();
      store("v", "two");
      admin.putSecretValue(
          request -> request.secretId(prefix + "v").secretString("three").versionStages("canary"));
      SecretReference secret = SecretReference.parse(prefix + "v");
      assertThat(read(secret)).isEqualTo("two");
      assertThat(read(secret.withVersionStage("AWSCURRENT"))).isEqualTo("two");
      assertThat(read(secret.withVersionStage("AWSPREVIOUS"))).isEqualTo("one");
      assertThat(read(secret.withVersionStage("canary"))).isEqualTo("three");
      assertThat(read(secret.withVersionId(first))).isEqualTo("one");
      assertThat(read(secret.withVersionId(first).withVersionStage("AWSPREVIOUS")))
          .isEqualTo("one");
      assertThat(source.currentVersion(secret.withVersionStage("AWSPREVIOUS"))).isEqualTo(first);
    }

    @Test
    @DisplayName("that doesn't exist is told by stage and by id")
    void absent() {
      SecretReference secret = store("w", "one");
      assertThatThrownBy(() -> read(secret.withVersionStage("nowhere")))
          .isInstanceOf(SecretException.NotFound.class);
      assertThatThrownBy(() -> source.currentVersion(secret.withVersionStage("nowhere")))
          .isInstanceOf(SecretException.NotFound.class)
          .hasMessage("no version of %s?stage=nowhere has the stage nowhere", prefix + "w");
      assertThatThrownBy(() -> read(secret.withVersionId(UUID.randomUUID().toString())))
          .isInstanceOf(SecretException.NotFound.class);
    }

    @Test
    @DisplayName("AWSPENDING doesn't move what is current")
    void pending() {
      SecretReference secret = store("p", "one");
      String before = source.currentVersion(secret);
      admin.putSecretValue(
          request ->
              request.secretId(prefix + "p").secretString("next").versionStages("AWSPENDING"));
      assertThat(source.currentVersion(secret)).isEqualTo(before);
      assertThat(read(secret)).isEqualTo("one");
    }
  }

  @Test
  @DisplayName("scheduled for deletion is as good as gone, for reading and for the version alike")
  void deleted() {
    SecretReference secret = store("gone", "x");
    admin.deleteSecret(request -> request.secretId(prefix + "gone").recoveryWindowInDays(7L));
    assertThatThrownBy(() -> read(secret))
        .isInstanceOf(SecretException.NotFound.class)
        .hasMessageStartingWith(
            prefix + "gone is scheduled for deletion; restore it, or refer to another (");
    assertThatThrownBy(() -> source.currentVersion(secret))
        .isInstanceOf(SecretException.NotFound.class)
        .hasMessage(
            "%s is scheduled for deletion; restore it, or refer to another", prefix + "gone");
  }

  @Test
  @DisplayName("unknown is told with AWS's words and request id")
  void unknown() {
    assertThatThrownBy(() -> read(SecretReference.parse(prefix + "unknown")))
        .isInstanceOf(SecretException.NotFound.class)
        .hasMessageStartingWith(
            "the region and account that were asked have no "
                + prefix
                + "unknown, or no such version (ResourceNotFoundException: ")
        .hasMessageContaining("request id ");
  }
}
