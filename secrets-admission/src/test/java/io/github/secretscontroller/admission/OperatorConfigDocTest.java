package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import io.github.secretscontroller.core.ReferencePattern;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@DisplayName("The documentation of the operator's configuration")
class OperatorConfigDocTest {

  private static final Path DOCS = Path.of("..", "docs");

  private static String read(String file) throws IOException {
    return Files.readString(DOCS.resolve(file));
  }

  @Test
  @DisplayName("has an example that a webhook can start with, and that says what it seems to say")
  void example() throws IOException {
    InjectorConfig config = InjectorConfig.fromYaml(read("operator-config.yaml")).build();
    assertThat(config.fetcherImage()).isEqualTo("registry.example/secrets-fetcher:1.0");
    assertThat(config.isMirror("mirror.example/x/secrets-fetcher:1.0")).isTrue();
    assertThat(config.isMirror("evil.example/secrets-fetcher:1.0")).isFalse();
    assertThat(config.imagePullSecrets()).containsExactly("registry-mirror");
    assertThat(config.defaultMode()).isEqualTo(Mode.INIT);
    assertThat(config.defaultRegion()).isEqualTo("eu-west-1");
    assertThat(config.env()).containsEntry("AWS_USE_FIPS_ENDPOINT", "true");
    assertThat(config.resources().maximum()).isEqualTo(Map.of("cpu", "1", "memory", "512Mi"));
    assertThat(config.refresh())
        .isEqualTo(new Refresh(Duration.ofMinutes(5), Duration.ofHours(1), false));
    assertThat(config.healthPort()).isEqualTo(18321);
    assertThat(config.excludes("monitoring")).isTrue();
    assertThat(config.allowHostNamespaces()).isFalse();
    assertThat(config.kubernetesVersion()).isEqualTo(new KubernetesVersion(1, 35));
    assertThat(config.environmentFiles()).isTrue();
    assertThat(config.kms().cluster()).isEqualTo("blue");
    assertThat(config.policy().allowed("shop-eu", "any"))
        .extracting(ReferencePattern::text)
        .containsExactly("shop/*", "ssm:/shop/*");
    assertThat(config.policy().allowed("payments", "ledger")).hasSize(2);
    assertThat(config.policy().allowed("payments", "other")).isEmpty();
    NativeSecretsConfig secrets =
        NativeSecretsConfig.fromYaml(read("operator-config.yaml")).build();
    assertThat(secrets.cluster()).isEqualTo(config.kms().cluster());
    assertThat(secrets.includes("payments")).isTrue();
    assertThat(secrets.excludes("monitoring")).isTrue();
  }

  @ParameterizedTest
  @MethodSource("io.github.secretscontroller.admission.InjectorConfigYaml#options")
  @DisplayName("has a row and an example for each option")
  void everyOption(String option) throws IOException {
    assertThat(read("operator-config.yaml")).containsPattern("(?m)^" + option + ":");
    assertThat(read("operator-config.md")).containsPattern("(?m)^\\| `" + option + "[`.]");
  }

  @ParameterizedTest
  @MethodSource("io.github.secretscontroller.admission.NativeSecretsYaml#options")
  @DisplayName("has a row and an example for each option of native Secrets")
  void everyNativeOption(String option) throws IOException {
    String name = option.substring(option.indexOf('.') + 1);
    assertThat(read("operator-config.yaml")).containsPattern("(?m)^  (# )?" + name + ": ");
    assertThat(read("operator-config.md")).contains("\n| `" + option + "` |");
  }
}
