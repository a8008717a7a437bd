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
import software.amazon.awssdk.services.ssm.SsmClient;
import software.amazon.awssdk.services.ssm.model.ParameterType;

@DisplayName("Parameter Store")
class ParameterStoreSourceTest {

  @Nested
  @DisplayName("as an endpoint speaks it")
  @ExtendWith(AwsEndpoint.class)
  class AtAnEndpoint {

    private final String prefix = "/source-test/" + UUID.randomUUID();
    private final SsmClient admin = AwsEndpoint.client(SsmClient.builder(), "us-east-1");
    private final SecretSource source = ParameterStoreSource.of(AwsEndpoint.environment());

    @AfterEach
    void close() {
      source.close();
      admin.close();
    }

    private SecretReference store(String name, String value) {
      admin.putParameter(
          request ->
              request
                  .name(prefix + "/" + name)
                  .value(value)
                  .type(ParameterType.SECURE_STRING)
                  .overwrite(true));
      return SecretReference.parse("ssm:" + prefix + "/" + name);
    }

    private String read(SecretReference reference) {
      try (SecretValue value = source.fetch(reference)) {
        return new String(value.revealBytes(), UTF_8);
      }
    }

    @Test
    @DisplayName("has secure strings by name and by ARN, decrypted")
    void names() {
      SecretReference reference = store("db", "h\u00fcnter2");
      String arn = admin.getParameter(r -> r.name(prefix + "/db")).parameter().arn();
      assertThat(read(reference)).isEqualTo("h\u00fcnter2");
      assertThat(read(SecretReference.parse(arn))).isEqualTo("h\u00fcnter2");
      try (SecretValue value = source.fetch(reference)) {
        assertThat(value.origin().toString()).isEqualTo(arn);
        assertThat(value.versionId()).isEqualTo("1");
      }
    }

    @Test
    @DisplayName("has versions and labels")
    void versions() {
      SecretReference reference = store("v", "one");
      assertThat(source.currentVersion(reference)).isEqualTo("1");
      store("v", "two");
      admin.labelParameterVersion(
          request -> request.name(prefix + "/v").parameterVersion(1L).labels("blue"));
      assertThat(source.currentVersion(reference)).isEqualTo("2");
      assertThat(read(reference)).isEqualTo("two");
      assertThat(read(reference.withVersionId("1"))).isEqualTo("one");
      assertThat(read(reference.withVersionStage("blue"))).isEqualTo("one");
      assertThat(source.currentVersion(reference.withVersionStage("blue"))).isEqualTo("1");
      assertThat(source.currentVersion(reference.withVersionId("1"))).isEqualTo("1");
    }

    @Test
    @DisplayName("has more than fit into a call, and one missing hides none of them")
    void many() {
      List<SecretReference> references = new ArrayList<>();
      for (int i = 0; i < 23; i++) {
        references.add(store("many-" + i, "value " + i));
      }
      SecretReference missing = SecretReference.parse("ssm:" + prefix + "/missing");
      references.add(5, missing);
      references.add(references.get(0).withSelector("a"));
      Map<SecretReference, SecretResult> results = source.fetchAll(references);
      assertThat(results.keySet()).containsExactlyElementsOf(references);
      assertThatThrownBy(() -> results.get(missing).orThrow())
          .isInstanceOf(SecretException.NotFound.class)
          .hasMessageContaining(prefix + "/missing");
      for (SecretReference reference : references) {
        if (!reference.equals(missing)) {
          try (SecretValue value = results.get(reference).orThrow()) {
            String number = reference.name().substring(reference.name().lastIndexOf('-') + 1);
            assertThat(value.hasContent(("value " + number).getBytes(UTF_8))).isTrue();
          }
        }
      }
    }

    @Test
    @DisplayName("tells what isn't there")
    void absent() {
      SecretReference missing = SecretReference.parse("ssm:" + prefix + "/missing");
      assertThatThrownBy(() -> read(missing)).isInstanceOf(SecretException.NotFound.class);
      assertThatThrownBy(() -> source.currentVersion(missing))
          .isInstanceOf(SecretException.NotFound.class);
    }
  }

  @Nested
  @ExtendWith(AwsEndpoint.class)
  class AsSource extends SecretSourceContract {

    private final AtAnEndpoint endpoint = new AtAnEndpoint();

    @AfterEach
    void close() {
      endpoint.close();
    }

    @Override
    protected SecretSource source() {
      return endpoint.source;
    }

    @Override
    protected SecretReference store(String name, byte[] value) {
      return endpoint.store(name, new String(value, UTF_8));
    }

    @Override
    protected SecretReference absent() {
      return SecretReference.parse("ssm:" + endpoint.prefix + "/absent");
    }

    @Override
    protected boolean holdsBytes() {
      return false;
    }
  }

  @Nested
  @DisplayName("as AWS documents it")
  class AsDocumented {

    private static String parameter(String name, String value) {
      return """
          {"Name": "%s", "Type": "SecureString", "Value": "%s", "Version": 3,
           "ARN": "arn:aws:ssm:us-east-1:123456789012:parameter%s"}
          """
          .formatted(name, value, name);
    }

    @Test
    @DisplayName("reads ten at a time")
    void tens() {
      try (StubAws aws = new StubAws();
          SecretSource source = ParameterStoreSource.of(aws.environment())) {
        List<SecretReference> references = new ArrayList<>();
        StringBuilder found = new StringBuilder();
        for (int i = 0; i < 20; i++) {
          references.add(SecretReference.parse("ssm:/p/" + i));
          found.append(i == 0 ? "" : ",").append(parameter("/p/" + i, "v" + i));
        }
        aws.answer("GetParameters", "{\"Parameters\": [" + found + "]}");
        assertThat(source.fetchAll(references))
            .hasSize(20)
            .allSatisfy((r, result) -> result.orThrow().close());
        assertThat(aws.requests("GetParameters")).hasSize(2);
        assertThat(aws.requests("GetParameter")).isEmpty();
      }
    }

    @Test
    @DisplayName("reads each by itself where one denied name fails the whole call")
    void denied() {
      try (StubAws aws = new StubAws();
          SecretSource source = ParameterStoreSource.of(aws.environment())) {
        aws.refuse("GetParameters", 400, "AccessDeniedException", "not on /p/b");
        aws.refuse("GetParameter", 400, "AccessDeniedException", "not on /p/b");
        aws.answerFor("GetParameter", "/p/a", "{\"Parameter\": " + parameter("/p/a", "x") + "}");
        SecretReference a = SecretReference.parse("ssm:/p/a");
        SecretReference b = SecretReference.parse("ssm:/p/b");
        Map<SecretReference, SecretResult> results = source.fetchAll(List.of(a, b));
        try (SecretValue value = results.get(a).orThrow()) {
          assertThat(value.hasContent("x".getBytes(UTF_8))).isTrue();
        }
        assertThatThrownBy(() -> results.get(b).orThrow())
            .isInstanceOf(SecretException.AccessDenied.class);
      }
    }

    @Test
    @DisplayName("finds out a version without having anything decrypted")
    void versionWithoutDecryption() {
      try (StubAws aws = new StubAws();
          SecretSource source = ParameterStoreSource.of(aws.environment())) {
        aws.answer("GetParameter", "{\"Parameter\": " + parameter("/p/a", "AQICciphertext") + "}");
        assertThat(source.currentVersion(SecretReference.parse("ssm:/p/a"))).isEqualTo("3");
        assertThat(aws.requests("GetParameter").get(0)).contains("\"WithDecryption\":false");
      }
    }
  }
}
