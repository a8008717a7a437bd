package io.github.secretscontroller.aws;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.github.tomakehurst.wiremock.http.Fault;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.WriteContext;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A proxy that breaks the first answers, with an endpoint behind it that is all right. */
@DisplayName("A network that fails now and then")
@ExtendWith(AwsEndpoint.class)
class FaultyNetworkTest {

  private final String name = "faulty-network/" + UUID.randomUUID();
  private final StubAws proxy = new StubAws();
  private final SecretWriter writer =
      SecretsManagerWriter.builder(AwsEndpoint.environment(), new byte[32]).build();
  private final SecretSource source = SecretsManagerSource.of(throughProxy());

  private AwsEnvironment throughProxy() {
    Map<String, String> variables = AwsEndpoint.variables();
    String behind = variables.get("AWS_ENDPOINT_URL");
    variables.put("AWS_ENDPOINT_URL", proxy.url());
    proxy.passOn("GetSecretValue", behind);
    return AwsEnvironment.of(variables);
  }

  @AfterEach
  void close() {
    source.close();
    writer.close();
    proxy.close();
  }

  private void assertReads() {
    writer.write(name, "all the same".getBytes(UTF_8), WriteContext.of("c", "ns", "n"));
    try (SecretValue value = source.fetch(SecretReference.parse(name))) {
      assertThat(value.hasContent("all the same".getBytes(UTF_8))).isTrue();
    }
    assertThat(proxy.requests("GetSecretValue")).hasSizeGreaterThan(1);
  }

  @ParameterizedTest
  @EnumSource(
      value = Fault.class,
      names = {"CONNECTION_RESET_BY_PEER", "EMPTY_RESPONSE", "RANDOM_DATA_THEN_CLOSE"})
  @DisplayName("is survived, whatever it does to the first connection")
  void connection(Fault fault) {
    proxy.breakOnce("GetSecretValue", fault);
    assertReads();
  }

  @ParameterizedTest
  @ValueSource(strings = {"InternalServiceError", "ServiceUnavailable", "ThrottlingException"})
  @DisplayName("and a service that stumbles is, too")
  void service(String code) {
    proxy.refuseOnce("GetSecretValue", code.equals("ThrottlingException") ? 400 : 503, code);
    assertReads();
  }

  @ParameterizedTest
  @ValueSource(strings = {"RequestTimeTooSkewed", "RequestExpired"})
  @DisplayName("and a clock that is wrong is corrected by what the service says")
  void clockSkew(String code) {
    proxy.refuseOnce("GetSecretValue", 403, code);
    assertReads();
  }
}
