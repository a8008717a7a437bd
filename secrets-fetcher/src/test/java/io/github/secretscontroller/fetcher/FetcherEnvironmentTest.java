package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The fetcher's environment")
class FetcherEnvironmentTest {

  private static final String ARN =
      "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-hlRvvF";
  private static final String PLAN =
      "{\"version\":1,\"files\":[{\"secret\":\"prod/db\",\"path\":\"db/password\"}]}";

  private static FetchFailure failure(Map<String, String> environment) {
    FetchFailure failure =
        catchThrowableOfType(FetchFailure.class, () -> FetcherEnvironment.read(environment));
    assertThat(failure).isNotNull();
    assertThat(failure.code()).isEqualTo(ExitCode.BAD_PLAN);
    assertThat(failure.sentences()).hasSize(1);
    return failure;
  }

  @Nested
  @DisplayName("with a plan")
  class WithPlan {

    @Test
    @DisplayName("in SECRETS_PLAN goes to the container's mount path")
    void inline() throws Exception {
      FetcherEnvironment read = FetcherEnvironment.read(Map.of("SECRETS_PLAN", PLAN));

      assertThat(read.plan()).isEqualTo(InjectionPlan.parse(PLAN));
      assertThat(read.root()).isEqualTo(Path.of(InjectionPlan.VOLUME_MOUNT_PATH));
    }

    @Test
    @DisplayName("in a file reads that file")
    void file(@TempDir Path directory) throws Exception {
      Path file = Files.writeString(directory.resolve("plan.json"), PLAN);

      assertThat(FetcherEnvironment.read(Map.of("SECRETS_PLAN_FILE", file.toString())).plan())
          .isEqualTo(InjectionPlan.parse(PLAN));
    }

    @Test
    @DisplayName("goes to SECRETS_ROOT where that is set")
    void root() throws Exception {
      assertThat(
              FetcherEnvironment.read(Map.of("SECRETS_PLAN", PLAN, "SECRETS_ROOT", "/dev/shm/v"))
                  .root())
          .isEqualTo(Path.of("/dev/shm/v"));
    }

    @Test
    @DisplayName("takes a variable that is empty for one that isn't set")
    void empty() throws Exception {
      FetcherEnvironment read =
          FetcherEnvironment.read(
              Map.of("SECRETS_PLAN", PLAN, "SECRET_ARN", "", "SECRETS_ROOT", ""));

      assertThat(read.root()).isEqualTo(Path.of(InjectionPlan.VOLUME_MOUNT_PATH));
    }
  }

  @Nested
  @DisplayName("with the older variables")
  class Legacy {

    @ParameterizedTest(name = "SECRET_FILENAME \"{0}\" is the file {1}")
    @CsvSource({
      "'', secret",
      "a, a",
      "/a, a",
      "/d/b, d/b",
      "x/b, x/b",
      "/d/, d/secret",
      "/, secret",
      "//d//b, d/b",
      "./b, b",
      "/.hidden, .hidden"
    })
    void fileName(String name, String path) throws Exception {
      FetcherEnvironment read =
          FetcherEnvironment.read(Map.of("SECRET_ARN", ARN, "SECRET_FILENAME", name));

      assertThat(read.plan().files())
          .isEqualTo(List.of(SecretFile.of(SecretReference.parse(ARN), path)));
      assertThat(read.root()).isEqualTo(Path.of("/tmp"));
    }

    @Test
    @DisplayName("without SECRET_FILENAME is the file secret")
    void noFileName() throws Exception {
      assertThat(FetcherEnvironment.read(Map.of("SECRET_ARN", ARN)).plan().files())
          .containsExactly(SecretFile.of(SecretReference.parse(ARN), "secret"));
    }

    @ParameterizedTest(name = "SECRET_FILENAME \"{0}\" is refused")
    @ValueSource(
        strings = {"/../tmp/t", "..", "a/../../b", "../etc/passwd", ".status.json", "a\nb"})
    void escapes(String name) {
      assertThat(failure(Map.of("SECRET_ARN", ARN, "SECRET_FILENAME", name)).oneSentence())
          .startsWith("SECRET_FILENAME: ");
    }

    @Test
    @DisplayName("refuses what is no reference, and says where it stops to be one")
    void noReference() {
      assertThat(failure(Map.of("SECRET_ARN", "arn:aws:s3:::bucket")).oneSentence())
          .startsWith("SECRET_ARN: ")
          .contains("arn:aws:s3:::bucket");
    }
  }

  @Nested
  @DisplayName("is refused with one sentence")
  class Refused {

    @Test
    @DisplayName("when there is no plan")
    void none() {
      assertThat(failure(Map.of("PATH", "/bin")).oneSentence())
          .contains("no plan", "SECRETS_PLAN", "SECRETS_PLAN_FILE", "SECRET_ARN");
    }

    @Test
    @DisplayName("when there are two plans")
    void two() {
      assertThat(failure(Map.of("SECRETS_PLAN", PLAN, "SECRET_ARN", ARN)).oneSentence())
          .contains("more than one plan", "SECRETS_PLAN, SECRET_ARN");
    }

    @Test
    @DisplayName("when the older file name comes with a plan")
    void fileNameWithPlan() {
      assertThat(failure(Map.of("SECRETS_PLAN", PLAN, "SECRET_FILENAME", "x")).oneSentence())
          .contains("SECRET_FILENAME belongs to SECRET_ARN");
    }

    @Test
    @DisplayName("when the plan has a version that nobody knows")
    void unknownVersion() {
      assertThat(
              failure(Map.of("SECRETS_PLAN", PLAN.replace("\"version\":1", "\"version\":7")))
                  .oneSentence())
          .contains("SECRETS_PLAN: ", "version 7");
    }

    @Test
    @DisplayName("when a path of the plan leaves the volume")
    void escapingPath() {
      assertThat(
              failure(Map.of("SECRETS_PLAN", PLAN.replace("db/password", "../password")))
                  .oneSentence())
          .contains("../password");
    }

    @Test
    @DisplayName("when the plan's file doesn't exist, is no text, or is too large")
    void badFile(@TempDir Path directory) throws IOException {
      Path binary = Files.write(directory.resolve("binary"), new byte[] {(byte) 0xff, 0});
      Path large = Files.write(directory.resolve("large"), new byte[200_000]);

      assertThat(failure(Map.of("SECRETS_PLAN_FILE", "/no/such/file")).oneSentence())
          .contains("there is no file /no/such/file");
      assertThat(failure(Map.of("SECRETS_PLAN_FILE", directory.toString())).oneSentence())
          .contains("can't read " + directory);
      assertThat(failure(Map.of("SECRETS_PLAN_FILE", binary.toString())).oneSentence())
          .contains("isn't UTF-8");
      assertThat(failure(Map.of("SECRETS_PLAN_FILE", large.toString())).oneSentence())
          .contains("larger than");
    }

    @Test
    @DisplayName("when SECRETS_ROOT is no path")
    void badRoot() {
      assertThat(failure(Map.of("SECRETS_PLAN", PLAN, "SECRETS_ROOT", "a\0b")).oneSentence())
          .startsWith("SECRETS_ROOT: ");
    }
  }
}
