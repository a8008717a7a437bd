package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("An injection plan")
class InjectionPlanTest {

  private static final SecretReference DB = SecretReference.parse("prod/db");

  private static InjectionPlan planOf(String... paths) {
    List<SecretFile> files = new ArrayList<>();
    for (String path : paths) {
      files.add(SecretFile.of(DB, path));
    }
    return InjectionPlan.of(files);
  }

  @Nested
  @DisplayName("as JSON")
  class Json {

    @Test
    @DisplayName("has a version, and leaves out what is the default")
    void shape() {
      InjectionPlan plan =
          InjectionPlan.of(
              List.of(
                  SecretFile.of(DB, "secret"),
                  SecretFile.of(DB, "d/api").withMode(0440).withOptional(true)));
      assertThat(plan.toJson())
          .isEqualTo(
              "{\"version\":1,\"files\":[{\"secret\":\"prod/db\",\"path\":\"secret\"},"
                  + "{\"secret\":\"prod/db\",\"path\":\"d/api\",\"mode\":\"0440\",\"optional\":true}]}");
      assertThat(InjectionPlan.parse(plan.toJson())).isEqualTo(plan);
    }

    @Test
    @DisplayName("carries no dollar sign, which kubelet would expand")
    void dollars() throws Exception {
      InjectionPlan plan =
          InjectionPlan.of(List.of(SecretFile.of(DB.withSelector("$(HOME)$$"), "pay/$(USER)/$$")));
      assertThat(plan.toJson()).doesNotContain("$");
      JsonNode read = new ObjectMapper().readTree(plan.toJson());
      assertThat(read.at("/files/0/path").asText()).isEqualTo("pay/$(USER)/$$");
      assertThat(InjectionPlan.parse(plan.toJson())).isEqualTo(plan);
    }

    @Test
    @DisplayName("tells everything that the fetcher has to know")
    void everything() {
      String json =
          "{\"version\":1,\"files\":["
              + "{\"name\":\"db\",\"secret\":\"prod/db#user\",\"failover\":\"other/db\",\"path\":\"a\"},"
              + "{\"secret\":\"prod/db\",\"path\":\"b\",\"format\":\"pkcs12\",\"mode\":\"0400\"},"
              + "{\"path\":\"c\",\"template\":\"{{db}}\"},"
              + "{\"secret\":\"prod/db\",\"path\":\"d\",\"keys\":[]},"
              + "{\"secret\":\"prod/db\",\"path\":\"e\",\"env\":{\"B\":\"b\",\"A\":\"a\"},\"optional\":true}],"
              + "\"region\":\"eu-west-1\",\"failoverRegion\":\"eu-central-1\","
              + "\"refresh\":{\"interval\":\"PT1M\",\"staleAfter\":\"PT2M\",\"unreadyWhenStale\":true},"
              + "\"onChange\":{\"post\":\"http://127.0.0.1:8080/-/reload\"},"
              + "\"allowed\":[\"prod/*\"],"
              + "\"sealed\":{\"keys\":[\"k\"],\"cluster\":\"blue\",\"namespace\":\"shop\"}}";
      InjectionPlan plan = InjectionPlan.parse(json);
      assertThat(plan.toJson()).isEqualTo(json);
      assertThat(InjectionPlan.parse(plan.toJson())).isEqualTo(plan);
    }

    @Test
    @DisplayName("fits into an environment variable, or says that it doesn't")
    void size() {
      String[] paths = new String[2000];
      for (int i = 0; i < paths.length; i++) {
        paths[i] = "a-path-that-has-about-fifty-characters-in-all/" + i;
      }
      assertThatThrownBy(() -> planOf(paths).toJson())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageMatching(
              "the plan of 2000 files takes \\d+ bytes, more than the 98304 that fit into an"
                  + " environment variable");
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "''                                | it is not a JSON object",
          "[]                                | it is not a JSON object",
          "{\"version\":1                    | Unexpected end-of-input",
          "{\"version\":2,\"files\":[]}      | it has version 2, and this program reads version 1",
          "{\"version\":\"1\",\"files\":[]}  | \"version\" is no integer",
          "{\"files\":[{\"secret\":\"a\",\"path\":\"b\"}]} | \"version\" is missing",
          "{\"version\":1}                   | \"files\" is missing",
          "{\"version\":1,\"files\":{}}      | \"files\" is no array",
          "{\"version\":1,\"files\":[]}      | a plan needs at least one file",
          "{\"version\":1,\"files\":[7]}     | files[0] is no object",
          "{\"version\":1,\"more\":1}        | it has the unknown field \"more\"",
          "{\"version\":1,\"version\":1}     | Duplicate field 'version'",
          "{\"version\":1,\"files\":[{\"secret\":\"a\"}]} | files[0] needs \"secret\" and \"path\"",
          "{\"version\":1,\"files\":[{\"secret\":\"a b\",\"path\":\"b\"}]} | files[0]: not a secret reference",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"../b\"}]} | files[0]: \"../b\" is no path",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"mode\":\"777\"}]} | the mode 0777",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"mode\":\"rw\"}]} | must be octal",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"mode\":292}]} | files[0].mode is no string",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"x\":\"y\"}]} | files[0].x is an unknown field",
          "{\"version\":1,\"files\":[{\"path\":\"b\"}]} | files[0] needs \"secret\" and \"path\"",
          "{\"version\":1,\"files\":[{\"template\":\"x\"}]} | files[0] needs \"secret\" and \"path\"",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"format\":\"xml\"}]} | files[0].format is an unknown format",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"format\":\"raw\",\"keys\":[]}]} | files[0] has more than one of",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"env\":{}}]} | files[0].env: an environment file needs",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"keys\":[1]}]} | files[0].keys[0] is no string",
          "{\"version\":1,\"region\":\"here\",\"files\":[{\"secret\":\"a\",\"path\":\"b\"}]} | the region \"here\" must look like",
          "{\"version\":1,\"refresh\":{\"interval\":\"5m\"}} | refresh.interval is no duration",
          "{\"version\":1,\"refresh\":{\"interval\":\"PT0S\"}} | refresh: the refresh interval must be a second",
          "{\"version\":1,\"refresh\":{\"interval\":\"PT5M\",\"staleAfter\":\"PT4M\"}} | refresh: files can't be stale",
          "{\"version\":1,\"onChange\":{\"signal\":\"KILL\",\"process\":\"x\"}} | onChange: the signal must be HUP",
          "{\"version\":1,\"onChange\":{\"signal\":\"HUP\",\"process\":\"/bin/x\"}} | onChange: the process must be",
          "{\"version\":1,\"onChange\":{\"post\":\"http://10.0.0.1/\"}} | onChange: the URL must lead to the pod itself",
          "{\"version\":1,\"onChange\":{\"post\":\"http://a@localhost/\"}} | onChange: the URL must lead to the pod itself",
          "{\"version\":1,\"onChange\":{\"signal\":\"HUP\"}} | onChange: it needs",
          "{\"version\":1,\"allowed\":[\"a b\"]} | allowed: \"a b\" is no pattern",
          "{\"version\":1,\"sealed\":{\"keys\":[]}} | sealed needs",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\",\"optional\":1}]} | files[0].optional is neither",
          "{\"version\":1,\"files\":[{\"secret\":\"a\",\"path\":\"b\"}]} {} | something follows",
        })
    @DisplayName("is read strictly")
    void strict(String json, String reason) {
      assertThatThrownBy(() -> InjectionPlan.parse(json))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(reason);
    }
  }

  @Nested
  @DisplayName("confines its paths to the volume")
  class Paths {

    @ParameterizedTest
    @ValueSource(strings = {"secret", "a/b/c", ".hidden", "a/.status.json", "with space", "\u00fc"})
    void allowed(String path) {
      assertThatCode(() -> SecretFile.of(DB, path)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        quoteCharacter = '`',
        value = {
          "``            | it is empty",
          "/etc/passwd   | it must be relative to the volume",
          "../escape     | starts with \"..\"",
          "a/../../b     | starts with \"..\"",
          "..data/x      | starts with \"..\"",
          "a/./b         | a segment \".\"",
          "a//b          | an empty segment",
          "a/            | an empty segment",
          ".status.json  | where the fetcher reports its state",
        })
    void refused(String path, String reason) {
      assertThatThrownBy(() -> SecretFile.of(DB, path))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is no path inside the volume")
          .hasMessageContaining(reason);
    }

    @Test
    @DisplayName("and refuses what no file system could hold")
    void impossible() {
      assertThatThrownBy(() -> SecretFile.of(DB, "a\0b")).hasMessageContaining("control character");
      assertThatThrownBy(() -> SecretFile.of(DB, "\uD83D")).hasMessageContaining("surrogate");
      assertThatThrownBy(() -> SecretFile.of(DB, "x".repeat(256)))
          .hasMessageContaining("longer than 255 bytes");
      assertThatThrownBy(() -> SecretFile.of(DB, "xyz/".repeat(1000) + "x"))
          .hasMessageContaining("longer than 3072 bytes");
    }

    @Test
    @DisplayName("and gives a name once")
    void names() {
      SecretFile file = SecretFile.of(DB, "a").withName("db");
      assertThatThrownBy(
              () -> InjectionPlan.of(List.of(file, SecretFile.of(DB, "b").withName("db"))))
          .hasMessage("two files have the name \"db\"");
      assertThatThrownBy(() -> file.withName("a.b")).hasMessageContaining("letters, digits");
    }

    @Test
    @DisplayName("and keeps files apart")
    void collisions() {
      assertThatThrownBy(() -> planOf("a", "b", "a")).hasMessage("two files have the path \"a\"");
      assertThatThrownBy(() -> planOf("d/x", "d.txt", "d"))
          .hasMessage("\"d\" can't be a file and the directory of \"d/x\"");
      assertThatCode(() -> planOf("d", "d-1/x", "d.txt", "dd")).doesNotThrowAnyException();
    }

    @Test
    @DisplayName("and keeps environment files, which are regular files, away from linked ones")
    void environmentFiles() {
      SecretFile environment =
          SecretFile.of(DB, "env/app").withContent(new EnvironmentFile(Map.of("DB_USER", "user")));
      SecretFile other =
          SecretFile.of(DB, "env/b/c").withContent(new EnvironmentFile(Map.of("DB_PORT", "port")));
      assertThatThrownBy(
              () -> InjectionPlan.of(List.of(SecretFile.of(DB, "env/b/db"), environment)))
          .hasMessage(
              "the environment file \"env/app\" can't share the directory \"env\" with"
                  + " \"env/b/db\"; give one of the two another path");
      assertThatCode(
              () ->
                  InjectionPlan.of(List.of(environment, other, SecretFile.of(DB, "environment/x"))))
          .doesNotThrowAnyException();
    }
  }

  @Test
  @DisplayName("refuses durations that nobody can wait for, instead of failing when they are used")
  void endless() {
    Duration year = Duration.ofDays(366);
    assertThat(new InjectionPlan.Refresh(year, year, false).staleness()).isEqualTo(year);
    assertThatThrownBy(() -> new InjectionPlan.Refresh(year.plusNanos(1), null, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the refresh interval must be 366 days or less, not PT8784H0.000000001S");
    assertThatThrownBy(
            () -> new InjectionPlan.Refresh(year, Duration.ofSeconds(Long.MAX_VALUE), false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("the time after which files are stale must be 366 days or less");
  }
}
