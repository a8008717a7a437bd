package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The injector's configuration")
class InjectorConfigTest {

  @Test
  @DisplayName("is read from YAML, every option of it")
  void everyOption() {
    InjectorConfig config =
        InjectorConfig.fromYaml(
                """
                fetcherImage: registry.example/fetcher:2
                imagePullPolicy: Never
                env:
                  HTTPS_PROXY: http://proxy.example:3128
                  AWS_USE_FIPS_ENDPOINT: true
                resources:
                  requests: {cpu: 10m, memory: 32Mi}
                  limits: {cpu: 2, memory: 1Gi}
                volumeSizeLimit: 1Mi
                tmpSizeLimit: 1Gi
                excludedNamespaces: [monitoring]
                """)
            .build();
    assertThat(config.fetcherImage()).isEqualTo("registry.example/fetcher:2");
    assertThat(config.imagePullPolicy()).isEqualTo("Never");
    assertThat(config.env())
        .isEqualTo(
            Map.of("HTTPS_PROXY", "http://proxy.example:3128", "AWS_USE_FIPS_ENDPOINT", "true"));
    assertThat(config.resources().requests()).isEqualTo(Map.of("cpu", "10m", "memory", "32Mi"));
    assertThat(config.resources().limits()).isEqualTo(Map.of("cpu", "2", "memory", "1Gi"));
    assertThat(config.volumeSizeLimit()).isEqualTo("1Mi");
    assertThat(config.tmpSizeLimit()).isEqualTo("1Gi");
    assertThat(config.excludes("monitoring")).isTrue();
  }

  @Test
  @DisplayName("has a default for everything but the image, and no CPU limit")
  void defaults() {
    InjectorConfig config = InjectorConfig.fromYaml("").fetcherImage("i").build();
    assertThat(config.imagePullPolicy()).isEqualTo("IfNotPresent");
    assertThat(config.env()).isEmpty();
    assertThat(config.resources().requests()).containsOnlyKeys("cpu", "memory");
    assertThat(config.resources().limits()).containsOnlyKeys("memory");
    assertThat(config.excludes("kube-system")).isTrue();
    assertThat(config.excludes("kube-public")).isTrue();
    assertThat(config.excludes("default")).isFalse();
    assertThatThrownBy(() -> InjectorConfig.builder().build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("fetcherImage is missing; it has no default");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "fetcherimage: x | the option \"fetcherimage\" is unknown",
        "resources: {request: {cpu: 1}} | the option \"resources.request\" is unknown",
        "resources: 1 | resources must be a mapping",
        "env: [A] | env must be a mapping",
        "env: {1A: x} | \"1A\" is no name for a variable",
        "env: {SECRETS_PLAN: x} | env: SECRETS_PLAN can't be set here",
        "env: {A: {B: C}} | env.A must be a single value",
        "imagePullPolicy: Sometimes | imagePullPolicy must be Always, IfNotPresent or Never",
        "fetcherImage: '' | fetcherImage must not be empty",
        "fetcherImage: [a] | fetcherImage must be a single value",
        "volumeSizeLimit: lots | volumeSizeLimit must be a quantity such as 50m or 64Mi",
        "resources: {limits: {memory: -1}} | resources.limits.memory must be a quantity",
        "excludedNamespaces: a | excludedNamespaces must be a list",
        "nativeSecret: {} | is unknown; did you mean nativeSecrets?",
        "nativeSecrets: [] | nativeSecrets must be a mapping of cluster, namespaces,",
        "nativeSecrets: {layuot: key} | unknown; did you mean nativeSecrets.layout?",
        "nativeSecrets: {layout: keys} | nativeSecrets.layout must be secret or key, not",
        "nativeSecrets: {namespaces: a} | nativeSecrets.namespaces must be a list",
        "nativeSecrets: {layout: x, version: y} | 2 problems: nativeSecrets.layout must",
        "nativeSecrets: {nameTemplate: k8s} | must have {namespace}, {name}",
        "- a | must be a YAML mapping",
        "'{' | no valid YAML",
        "'{fetcherImage: a, fetcherImage: b}' | no valid YAML: Duplicate field",
      })
  @DisplayName("is refused with the option's name if it has a mistake")
  void mistakes(String yaml, String message) {
    assertThatThrownBy(() -> InjectorConfig.fromYaml(yaml))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  @DisplayName("is told everything at once that is missing or can't be together")
  void allProblems() {
    assertThatThrownBy(
            () ->
                InjectorConfig.fromYaml(
                    """
                    environmentFiles: true
                    kubernetesVersion: 1.33.4
                    resources:
                      requests: {cpu: 2, memory: 1Gi}
                      limits: {cpu: 1, memory: 64Mi}
                    """))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the configuration has 3 problems: ")
        .hasMessageContaining("resources.requests.cpu, 2, is more than the limit of 1; ")
        .hasMessageContaining("resources.requests.memory, 1Gi, is more than the limit of 64Mi; ")
        .hasMessageContaining("environmentFiles needs Kubernetes 1.34 or newer");
    assertThatThrownBy(
            () -> InjectorConfig.builder().environmentFiles(true).kubernetesVersion("1.33").build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(
            "the configuration has 2 problems: fetcherImage is missing; it has no default; "
                + "environmentFiles needs Kubernetes 1.34 or newer");
  }

  @Test
  @DisplayName("isn't made with environment files while a client can't tell the version")
  void unknownVersion() {
    assertThatThrownBy(
            () ->
                InjectorConfig.builder()
                    .fetcherImage("i")
                    .environmentFiles(true)
                    .kubernetesVersion(
                        () -> {
                          throw new IllegalStateException("no answer to /version");
                        })
                    .build())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("no answer to /version");
  }

  @Nested
  @DisplayName("from a webhook's environment")
  class FromEnvironment {

    @TempDir Path directory;

    @Test
    @DisplayName("is the file that it names, with the image that it names")
    void file() throws IOException {
      Path file = directory.resolve("webhook.yaml");
      Files.writeString(file, "fetcherImage: from-file\nimagePullPolicy: Never\n");
      assertThat(
              InjectorConfig.fromEnvironment(Map.of("WEBHOOK_CONFIG", file.toString()))
                  .fetcherImage())
          .isEqualTo("from-file");
      InjectorConfig config =
          InjectorConfig.fromEnvironment(
              Map.of("WEBHOOK_CONFIG", file.toString(), "WEBHOOK_FETCHER_IMAGE", "overruled"));
      assertThat(config.fetcherImage()).isEqualTo("overruled");
      assertThat(config.imagePullPolicy()).isEqualTo("Never");
    }

    @Test
    @DisplayName("has an image that no registry serves where none is named")
    void localImage() {
      assertThat(InjectorConfig.fromEnvironment(Map.of()).fetcherImage())
          .isEqualTo("localhost/secrets-fetcher:latest");
    }

    @Test
    @DisplayName("names the file that is missing or wrong")
    void wrong() throws IOException {
      Path missing = directory.resolve("missing.yaml");
      assertThatThrownBy(
              () -> InjectorConfig.fromEnvironment(Map.of("WEBHOOK_CONFIG", missing.toString())))
          .hasMessage("WEBHOOK_CONFIG, %s, can't be read", missing);
      Path wrong = Files.writeString(directory.resolve("wrong.yaml"), "image: x");
      assertThatThrownBy(
              () -> InjectorConfig.fromEnvironment(Map.of("WEBHOOK_CONFIG", wrong.toString())))
          .hasMessage("%s: the option \"image\" is unknown", wrong);
    }
  }
}
