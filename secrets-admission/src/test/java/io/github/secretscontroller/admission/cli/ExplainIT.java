package io.github.secretscontroller.admission.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("secrets-admission-cli.jar")
class ExplainIT {

  private static final String JAR = Objects.requireNonNull(System.getProperty("cli.jar"));

  private record Result(int code, String output) {}

  private static Result run(String input, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-jar", JAR));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try (var in = process.getOutputStream()) {
      in.write(input.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      // A program that doesn't read its input may have ended.
    }
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(process.waitFor(), output);
  }

  @Test
  @DisplayName("explains with nothing but a JRE")
  void explains() throws Exception {
    Result result =
        run(
            """
            kind: Pod
            metadata: {name: web, annotations: {secrets.k8s.aws/secret-arn: prod/db}}
            spec: {containers: [{name: web, image: "web:1"}]}
            """,
            "explain",
            "--config",
            "../docs/operator-config.yaml",
            "--namespace",
            "shop-eu",
            "-");
    assertThat(result.output()).startsWith("== Pod shop-eu/web: pods would be refused (403)");
    assertThat(result.code()).isEqualTo(1);
  }

  @Test
  @DisplayName("knows its version, and what it can't do")
  void version() throws Exception {
    assertThat(run("", "--version"))
        .isEqualTo(
            new Result(0, "secrets-admission-cli " + System.getProperty("cli.version") + "\n"));
    assertThat(run("", "explain", "/nowhere").code()).isEqualTo(2);
  }
}
