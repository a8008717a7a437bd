package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import io.github.secretscontroller.core.SecretFile.Template;
import io.github.secretscontroller.core.SecretReference;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

@DisplayName("The renderer")
class RendererTest {

  private static final String DB =
      "{\"user\":\"ann\",\"port\":5432,\"rate\":1.10,\"tls\":true,\"none\":null,"
          + " \"hosts\":[\"a\",\"b\"], \"pool\":{\"min\":1}}";

  private static SecretFile file(String reference, String path) {
    return SecretFile.of(SecretReference.parse(reference), path);
  }

  @Nested
  @DisplayName("for a raw file")
  class Raw {

    @Test
    @DisplayName("keeps every byte, and needs no JSON")
    void bytes() throws Exception {
      byte[] bytes = {0, (byte) 0xff, '{', '\n', (byte) 0x80};

      assertThat(Rendering.of(bytes, Format.RAW)).isEqualTo(bytes);
      assertThat(Rendering.of(new byte[0], Format.RAW)).isEmpty();
    }

    @ParameterizedTest(name = "{0} selects {1}")
    @CsvSource(
        delimiter = '~',
        value = {
          "user              ~ ann",
          "port              ~ 5432",
          "rate              ~ 1.10",
          "tls               ~ true",
          "hosts             ~ ['a','b']",
          "pool              ~ {'min':1}",
          "pool.min          ~ 1",
          "hosts[1]          ~ b",
          "length(hosts)     ~ 2",
          "hosts[?@ != `\"a\"`] ~ ['b']",
          "sum([port, `1`])  ~ 5433",
          "to_string(pool)   ~ {'min':1}",
          "missing || user   ~ ann"
        })
    void selector(String selector, String expected) throws Exception {
      assertThat(new Rendering().secret("db", DB).file("db#" + selector, Format.RAW).renderText())
          .isEqualTo(expected.replace('\'', '"'));
    }
  }

  @Test
  @DisplayName("reads a secret once for all files that select different parts of it")
  void oneRead() throws Exception {
    Rendering rendering =
        new Rendering()
            .secret("db", DB)
            .file(file("db#user", "user"))
            .file(file("db#port", "port"))
            .file(file("db?stage=AWSPREVIOUS#port", "old"));

    assertThat(rendering.renderer().references())
        .map(SecretReference::toString)
        .containsExactly("db", "db?stage=AWSPREVIOUS");
    assertThat(rendering.render().get("user")).asString(UTF_8).isEqualTo("ann");
  }

  @Test
  @DisplayName("leaves out an optional file whose secret doesn't exist, whatever its content")
  void optional() throws Exception {
    Rendering rendering = new Rendering().secret("db", DB).file(file("db", "db"));
    rendering.file(file("gone#a", "a").withOptional(true));
    rendering.file(file("gone", "b").withContent(new KeyFiles(List.of())).withOptional(true));
    rendering.file(file("gone", "c").withContent(new Template("text")).withOptional(true));

    assertThat(rendering.render()).containsOnlyKeys("db");
  }

  @Nested
  @DisplayName("makes from a JSON object")
  class Formats {

    @Test
    @DisplayName("JSON without spaces, with its keys in their order and its numbers as they were")
    void json() throws Exception {
      assertThat(Rendering.of("{ \"b\" : 1.10, \"a\" : [ 1e2, -0, \"ü\\u0000\" ] }", Format.JSON))
          .isEqualTo("{\"b\":1.10,\"a\":[1e2,-0,\"ü\\u0000\"]}");
      assertThat(Rendering.of(" \"text\" ", Format.JSON)).isEqualTo("\"text\"");
    }

    @Test
    @DisplayName("properties, where null is left out and what is no scalar is JSON")
    void properties() throws Exception {
      assertThat(Rendering.of(DB, Format.PROPERTIES))
          .isEqualTo(
              "user=ann\nport=5432\nrate=1.10\ntls=true\nhosts=[\"a\",\"b\"]\npool={\"min\"\\:1}\n");
    }

    @Test
    @DisplayName("dotenv, with each value in single quotes")
    void dotenv() throws Exception {
      assertThat(Rendering.of("{\"A\":\"it's $(x)\",\"B\":1}", Format.DOTENV))
          .isEqualTo("A='it'\\''s $(x)'\nB='1'\n");
    }

    @Test
    @DisplayName("YAML, in which a string stays one")
    void yaml() throws Exception {
      assertThat(
              Rendering.of(
                  "{\"country\":\"no\",\"no\":1,\"list\":[[],{\"a\":[{}]},null],\"e\":1e5}",
                  Format.YAML))
          .isEqualTo(
              """
              country: "no"
              "no": 1
              list:
                - []
                -
                  a:
                    - {}
                - null
              e: 1.0e+5
              """);
    }

    @Test
    @DisplayName("a file for each key, or for the keys that are named")
    void keyFiles() throws Exception {
      Rendering rendering = new Rendering().secret("db", DB);
      rendering.file(file("db", "all").withContent(new KeyFiles(List.of())).withMode(0400));
      rendering.file(file("db", "some").withContent(new KeyFiles(List.of("port", "pool"))));
      rendering.file(file("db#pool", "part").withContent(new KeyFiles(List.of())));

      Map<String, byte[]> files = rendering.render();
      assertThat(files)
          .containsOnlyKeys(
              "all/user",
              "all/port",
              "all/rate",
              "all/tls",
              "all/hosts",
              "all/pool",
              "some/port",
              "some/pool",
              "part/min");
      assertThat(files.get("some/port")).asString().isEqualTo("5432");
      assertThat(files.get("some/pool")).asString().isEqualTo("{\"min\":1}");
      assertThat(rendering.renderer().render(rendering.results()).get(0).mode()).isEqualTo(0400);
    }

    @Test
    @DisplayName("an environment file, which stands outside of the generations")
    void environmentFile() throws Exception {
      Rendering rendering =
          new Rendering()
              .secret("db", DB)
              .file("db", new EnvironmentFile(Map.of("DB_USER", "user")))
              .file(file("db", "other"));

      List<RenderedFile> files = rendering.renderer().render(rendering.results());
      assertThat(new String(Rendering.bytes(files.get(0)), UTF_8)).isEqualTo("DB_USER='ann'\n");
      assertThat(files).map(RenderedFile::standalone).containsExactly(true, false);
    }
  }

  @Nested
  @DisplayName("refuses, with one sentence that names file, secret, selector and fix,")
  class Refusals {

    private void refuses(String secret, String reference, Format format, String sentence) {
      FetchFailure failure = new Rendering().secret("s", secret).file(reference, format).failure();
      assertThat(failure.code()).isEqualTo(ExitCode.UNUSABLE);
      assertThat(failure.sentences()).containsExactly("file: " + sentence);
    }

    @Test
    @DisplayName("invalid JSON under a selector")
    void invalidJson() {
      refuses(
          "{\"a\":1",
          "s#a.b",
          Format.RAW,
          "s#a.b isn't valid JSON at line 1, column 7; store a JSON document in which no key comes"
              + " twice");
      refuses("", "s#a", Format.RAW, "s#a is empty, which is no JSON; store a JSON document");
      refuses(
          "{} {}",
          "s",
          Format.JSON,
          "s isn't valid JSON: something follows the document at line 1, column 5; store one JSON"
              + " document");
    }

    @Test
    @DisplayName("the same key twice, of which nobody could say which one counts")
    void duplicateKey() {
      refuses(
          "{\"a\":1,\"a\":2}",
          "s",
          Format.YAML,
          "s isn't valid JSON at line 1, column 11; store a JSON document in which no key comes"
              + " twice");
    }

    @Test
    @DisplayName("a selector that matches nothing")
    void nothingSelected() {
      refuses(
          "{\"a\":null,\"b\":1}",
          "s#a",
          Format.RAW,
          "s#a has nothing that the selector matches (its keys are \"a\", \"b\"); correct the"
              + " selector");
      refuses(
          "[1]",
          "s#a[0]",
          Format.JSON,
          "s#a[0] has nothing that the selector matches (it is an array); correct the selector");
    }

    @Test
    @DisplayName("a selector whose function doesn't suit the value")
    void unsuitable() {
      refuses(
          "{\"a\":1}",
          "s#length(a)",
          Format.RAW,
          "s#length(a) doesn't suit the selector (Invalid argument type calling \"length\": expected"
              + " string, array or object but was number); correct the selector");
    }

    @ParameterizedTest
    @DisplayName("JSON that is no object, where keys are needed")
    @EnumSource(names = {"PROPERTIES", "DOTENV"})
    void noObject(Format format) {
      refuses(
          "[1]",
          "s",
          format,
          "s is JSON, but no object with keys; store an object, or use the format raw or json");
    }

    @Test
    @DisplayName("what a shell can't take")
    void dotenv() {
      refuses(
          "{\"a-b\":1}",
          "s",
          Format.DOTENV,
          "s has the key \"a-b\", which is no shell variable (letters, digits and _); rename it, or"
              + " use the format properties, json or yaml");
      refuses(
          "{\"UID\":1}",
          "s",
          Format.DOTENV,
          "s has the key UID, a variable that shells keep for themselves; rename it");
      refuses(
          "{\"A\":\"x\\u0000\"}",
          "s",
          Format.DOTENV,
          "s has a NUL in the value of A, which no shell variable can hold; store it in base64");
    }

    @Test
    @DisplayName("half of a surrogate pair, where the file would have to be text")
    void surrogate() {
      refuses(
          "{\"A\":\"\\ud800\"}",
          "s#A",
          Format.RAW,
          "s#A has half of a surrogate pair in it, which is no text; store it in base64");
    }

    @ParameterizedTest(name = "a key that can''t be a file: {0}")
    @CsvSource({
      "a/b, it has a /",
      "..data, it is empty",
      "'', it is empty",
      "'a\\u0000', it is empty"
    })
    void keyFileName(String key, String reason) {
      FetchFailure failure =
          new Rendering()
              .secret("s", "{\"" + key + "\":1}")
              .file("s", new KeyFiles(List.of()))
              .failure();
      assertThat(failure.code()).isEqualTo(ExitCode.UNUSABLE);
      assertThat(failure.oneSentence()).contains("file: s has the key", reason, "rename it");
    }

    @Test
    @DisplayName("keys that aren't there, and an object without any")
    void missingKeys() {
      assertThat(
              new Rendering()
                  .secret("s", "{\"a\":1,\"b\":null}")
                  .file("s", new KeyFiles(List.of("a", "b", "c")))
                  .failure()
                  .oneSentence())
          .isEqualTo(
              "file: s has no key \"b\", \"c\" (its keys are \"a\"); name keys that there are");
      assertThat(
              new Rendering()
                  .secret("s", "{}")
                  .file("s", new KeyFiles(List.of()))
                  .failure()
                  .oneSentence())
          .isEqualTo("file: s has no keys that could become files; store an object that has some");
    }

    @ParameterizedTest(name = "a value that kubelet can''t read: {0}")
    @CsvSource({
      "'\"\"', is empty",
      "'\"it''s\"', has a single quote",
      "'\"a\\u0000\"', has a NUL",
      "'\"a\\r\\nb\"', CR LF",
      "null, has no key \"k\" for the variable V"
    })
    void environment(String value, String reason) {
      FetchFailure failure =
          new Rendering()
              .secret("s", "{\"k\":" + value + "}")
              .file("s", new EnvironmentFile(Map.of("V", "k")))
              .failure();
      assertThat(failure.code()).isEqualTo(ExitCode.UNUSABLE);
      assertThat(failure.sentences()).singleElement().asString().contains("file: s ", reason, "V");
    }

    @Test
    @DisplayName("an environment variable with a line longer than kubelet's buffer")
    void longLine() throws Exception {
      EnvironmentFile file = new EnvironmentFile(Map.of("V", "k"));
      Rendering tooLong = new Rendering().secret("s", "{\"k\":\"" + "x".repeat(65_532) + "\"}");
      Rendering fits =
          new Rendering().secret("s", "{\"k\":\"" + ("x".repeat(60_000) + "\\n").repeat(2) + "\"}");

      assertThat(tooLong.file("s", file).failure().oneSentence()).contains("64 KiB");
      assertThat(fits.file("s", file).renderText()).hasSize(120_007);
    }
  }

  @Test
  @DisplayName("refuses what no secret could mend as a bad plan, before anything is read")
  void badPlan() {
    Rendering rendering =
        new Rendering()
            .file(file("s#a[", "one"))
            .file(file("s#nosuch(a)", "two"))
            .file(file("s", "three").withContent(new Template("{{#url}}")))
            .file(file("s", "four").withContent(new EnvironmentFile(Map.of("A=B", "k"))));

    FetchFailure failure = rendering.failure();
    assertThat(failure.code()).isEqualTo(ExitCode.BAD_PLAN);
    assertThat(failure.sentences()).hasSize(4);
    assertThat(failure.sentences().get(0)).startsWith("one: s#a[: the selector: it is no JMESPath");
    assertThat(failure.sentences().get(1)).startsWith("two: s#nosuch(a): the selector: it is no");
    assertThat(failure.sentences().get(2)).startsWith("three: the template can't be used: line 1");
    assertThat(failure.sentences().get(3)).startsWith("four: \"A=B\" can't be the name");
  }

  @Test
  @DisplayName("tells the problems of all files at once, with the gravest code")
  void allProblems() {
    FetchFailure failure =
        new Rendering()
            .secret("s", "no json")
            .file(file("gone", "one"))
            .file(file("s", "two").withContent(new Formatted(Format.YAML)))
            .file(file("s#a", "three"))
            .file(file("s", "four"))
            .failure();

    assertThat(failure.code()).isEqualTo(ExitCode.NOT_FOUND);
    assertThat(failure.sentences()).hasSize(3);
    assertThat(failure.sentences().get(0)).isEqualTo("one: gone doesn't exist");
    assertThat(failure.sentences().get(1)).startsWith("two: s isn't valid JSON");
    assertThat(failure.sentences().get(2)).startsWith("three: s#a isn't valid JSON");
  }

  @Test
  @DisplayName("wipes the files that it made when another one fails")
  void wipes() throws Exception {
    SecretFile directory = file("s", "d").withContent(new KeyFiles(List.of()));
    Rendering rendering = new Rendering().secret("s", "{\"a\":\"value\"}").file(directory);
    RenderedFile rendered = rendering.renderer().render(rendering.results()).get(0);

    rendered.close();

    assertThat(Rendering.bytes(rendered)).isEqualTo(new byte[5]);
  }
}
