package io.github.secretscontroller.samples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The main job")
class QuickstartIT {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private int run(Map<String, String> environment) throws Exception {
    Path programs = Path.of(System.getProperty("quickstart.programs"));
    return new Quickstart(programs, environment, new PrintStream(out, true, StandardCharsets.UTF_8))
        .run();
  }

  @Test
  @DisplayName("patches the recorded Pod, runs the fetcher, and prints the exact file")
  void directory() throws Exception {
    assertThat(run(Map.of())).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8))
        .containsPattern("(?m)^\\+ +initContainers:")
        .containsPattern("(?m)^\\+.*name: secrets-init-container")
        .containsPattern("(?m)^\\+.*name: secret-vol")
        .containsPattern("(?m)^\\+.*medium: Memory")
        .containsPattern("(?m)^\\+.*mountPath: /tmp$")
        .containsPattern("(?m)^/tmp/secret:$")
        .containsPattern("(?m)^correct horse battery staple$");
  }

  @Test
  @DisplayName("fails, and says why, when there is no such secret")
  void missing() throws Exception {
    assertThat(
            run(
                Map.of(
                    "AWS_ENDPOINT_URL", "http://127.0.0.1:9",
                    "AWS_REGION", "us-east-1",
                    "AWS_ACCESS_KEY_ID", "x",
                    "AWS_SECRET_ACCESS_KEY", "x",
                    "SECRET_ARN", "nowhere")))
        .isEqualTo(1);
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("nowhere");
  }
}
