package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Template;
import io.github.secretscontroller.core.SecretReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A template")
class SecretTemplateTest {

  private static final String DB =
      "{\"user\":\"ann\",\"password\":\"<p&s'\\\"\\n>\",\"port\":5432,\"rate\":1.10,\"tls\":false,"
          + "\"none\":null,\"empty\":\"\",\"hosts\":[{\"name\":\"a\"},{\"name\":\"b\"}],"
          + "\"tags\":[\"x\",\"y\"],\"nested\":{\"a.b\":{\"c\":1}},\"tls.crt\":\"CERT\"}";

  private static Rendering rendering(String template) {
    return new Rendering()
        .secret("prod/db", DB)
        .secret("prod/token", "tok en/+ü")
        .secret("prod/binary", new byte[] {(byte) 0xff})
        .file(named("db", "prod/db"))
        .file(named("token", "prod/token"))
        .file(named("binary", "prod/binary"))
        .file(named("part", "prod/db#nested"))
        .file(
            new SecretFile(
                null, null, null, "conf", new Template(template), SecretFile.DEFAULT_MODE, false));
  }

  private static SecretFile named(String name, String reference) {
    return SecretFile.of(SecretReference.parse(reference), "raw/" + name).withName(name);
  }

  private static String fill(String template) throws FetchFailure {
    return new String(
        rendering(template).render().get("conf"), java.nio.charset.StandardCharsets.UTF_8);
  }

  private static String badPlan(String template) {
    FetchFailure failure = rendering(template).failure();
    assertThat(failure.code()).isEqualTo(ExitCode.BAD_PLAN);
    return failure.oneSentence();
  }

  private static String failure(String template) {
    FetchFailure failure = rendering(template).failure();
    assertThat(failure.code()).isEqualTo(ExitCode.UNUSABLE);
    assertThat(failure.sentences()).hasSize(1);
    return failure.oneSentence();
  }

  @ParameterizedTest(name = "{0} becomes {1}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{{db.user}}:{{ db.port }}              | ann:5432",
        "{{db.rate}} {{db.tls}}                 | 1.10 false",
        "{{token}}                              | tok en/+ü",
        "{{{token}}} {{&token}}                 | tok en/+ü tok en/+ü",
        "{{db.tags}} {{db.nested}}              | [\"x\",\"y\"] {\"a.b\":{\"c\":1}}",
        "{{db.nested.a.b.c}} {{db.tls.crt}}     | 1 CERT",
        "{{part}} {{part.a.b.c}}                | {\"a.b\":{\"c\":1}} 1",
        "{{#db.hosts}}{{name}};{{/db.hosts}}    | a;b;",
        "{{#db.tags}}{{.}}{{^-last}},{{/-last}}{{/db.tags}} | x,y",
        "{{#db}}{{user}}-{{token}}{{/db}}       | ann-tok en/+ü",
        "{{#db.tls}}on{{/db.tls}}{{^db.tls}}off{{/db.tls}} | off",
        "{{db.nothing:-none}} {{db.port:-1}}    | none 5432",
        "{{db.none:-null}} {{db.empty:-empty}}  | null empty",
        "{{nobody.key:-a:-b.c}}                 | a:-b.c",
        "{{#db.ca:-}}ca={{db.ca}}{{/db.ca:-}}.  | .",
        "{{#db.hosts}}{{port:-80}}{{/db.hosts}} | 8080",
        "{{#base64}}{{db.user}}:{{db.port}}{{/base64}} | YW5uOjU0MzI=",
        "{{#url}}{{token}}*~{{/url}}            | tok%20en%2F%2B%C3%BC%2A~",
        "{{#json}}{{db.password}}{{/json}}      | <p&s'\\\"\\n>",
        "{{#base64}}{{#url}}{{token}}{{/url}}{{/base64}} | dG9rJTIwZW4lMkYlMkIlQzMlQkM=",
        "{{! a comment }}{{=<% %>=}}<%db.user%>{{x}} | ann{{x}}"
      })
  void fills(String template, String expected) throws Exception {
    assertThat(fill(template)).isEqualTo(expected);
  }

  @Test
  @DisplayName("puts a value in as it is, without escaping it for HTML or reading it as a template")
  void exact() throws Exception {
    assertThat(fill("{{db.password}}")).isEqualTo("<p&s'\"\n>");
    assertThat(
            new Rendering()
                .secret("s", "{\"a\":\"{{db.b}}{{>x}}\"}")
                .file(named("db", "s"))
                .file("s", new Template("{{db.a}}"))
                .render()
                .get("file"))
        .asString()
        .isEqualTo("{{db.b}}{{>x}}");
  }

  @Nested
  @DisplayName("names what is missing, and what there is")
  class Missing {

    @Test
    @DisplayName("a key")
    void key() {
      assertThat(failure("a\n{{db.pasword}}"))
          .startsWith(
              "conf: the template can't be filled in at line 2: \"db.pasword\" is missing or null (of"
                  + " the secret db, its keys are \"user\", \"password\", \"port\",")
          .endsWith("); correct it, or give a default as in {{name:-default}}");
    }

    @Test
    @DisplayName("a secret, before anything is read")
    void secret() {
      assertThat(badPlan("{{dbb.password}}"))
          .isEqualTo(
              "conf: the template can't be used: line 1, column 1: no secret is called \"dbb\" (the"
                  + " names are binary, db, part, token); correct it, or give a default as in"
                  + " {{name:-default}}");
    }

    @Test
    @DisplayName("a secret in a section over a value, whose keys could be meant")
    void secretInSection() {
      assertThat(failure("{{#db}}{{dbb.password}}{{/db}}"))
          .contains("\"dbb", "the named secrets are \"db\", \"token\", \"binary\", \"part\"");
    }

    @Test
    @DisplayName("a null")
    void nothing() {
      assertThat(failure("{{db.none}}")).contains("\"db.none\" is missing or null");
    }

    @Test
    @DisplayName("in a section, too, as a typing error would drop it silently")
    void section() {
      assertThat(failure("{{#db.ca}}x{{/db.ca}}")).contains("\"db.ca\" is missing");
      assertThat(failure("{{^db.ca}}x{{/db.ca}}")).contains("\"db.ca\" is missing");
    }

    @Test
    @DisplayName("a key of a secret that isn't JSON, or isn't text")
    void notJson() {
      assertThat(failure("{{token.key}}")).contains("of the secret token, which isn't valid JSON");
      assertThat(failure("{{binary}}")).contains("a secret in it isn't UTF-8 text");
    }

    @Test
    @DisplayName("a secret that couldn't be read is told once")
    void unread() {
      FetchFailure failure = rendering("{{db.user}}").file(named("gone", "gone")).failure();

      assertThat(failure.code()).isEqualTo(ExitCode.NOT_FOUND);
      assertThat(failure.sentences()).containsExactly("raw/gone: gone doesn't exist");
    }

    @Test
    @DisplayName("an optional secret that doesn't exist can have a default")
    void optional() throws Exception {
      Rendering rendering =
          rendering("{{gone.key:-none}}").file(named("gone", "gone").withOptional(true));

      assertThat(rendering.render().get("conf")).asString().isEqualTo("none");
    }
  }

  @Nested
  @DisplayName("can do nothing but fill in")
  class NoCode {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "{{db.class}}",
          "{{db.getClass}}",
          "{{db.user.class}}",
          "{{db.user.length}}",
          "{{db.user.bytes}}",
          "{{db.port.class.name}}",
          "{{db.hosts.size}}",
          "{{db.hosts.0}}",
          "{{db.entrySet}}",
          "{{db.content}}",
          "{{db.content.whole}}",
          "{{#db}}{{class.classLoader}}{{/db}}",
          "{{#db}}{{values}}{{/db}}",
          "{{#db}}{{names}}{{/db}}",
          "{{#db}}{{steps}}{{/db}}",
          "{{this.class.classLoader}}",
          "{{this.values}}",
          "{{#db.user}}{{length}}{{/db.user}}",
          "{{#db.hosts}}{{hashCode}}{{/db.hosts}}",
          "{{#db}}{{base64.class}}{{/db}}"
        })
    @DisplayName("no Java object can be reached")
    void noReflection(String template) {
      assertThat(failure(template)).contains(" is missing or null (");
    }

    @ParameterizedTest
    @ValueSource(strings = {"{{>/etc/passwd}}", "{{#db}}{{>db}}{{/db}}", "{{<p}}{{/p}}"})
    @DisplayName("no other template can be included")
    void noPartials(String template) {
      assertThat(badPlan(template)).contains("it includes another template");
    }

    @Test
    @DisplayName("its text can't grow without bounds")
    void bounded() {
      String list = "{\"l\":[" + "1,".repeat(999) + "1]}";
      String nested = "{{#s.l}}{{#s.l}}{{#s.l}}HERE{{/s.l}}{{/s.l}}{{/s.l}}";

      for (String inner : new String[] {"", "0123456789", "{{#base64}}x{{/base64}}"}) {
        FetchFailure failure =
            new Rendering()
                .secret("s", list)
                .file(named("s", "s"))
                .file("s", new Template(nested.replace("HERE", inner)))
                .failure();
        assertThat(failure.code()).isEqualTo(ExitCode.UNUSABLE);
        assertThat(failure.oneSentence()).containsAnyOf("more than 1000000 steps", "grows beyond");
      }
    }

    @Test
    @DisplayName("it can't be nested without bounds")
    void nested() {
      String template = "{{#db}}".repeat(6_000) + "{{/db}}".repeat(6_000);

      assertThat(badPlan(template)).contains("nest fewer");
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(
      strings = {
        "{{#db}}",
        "{{/db}}",
        "{{#a}}{{/b}}",
        "{{}}",
        "{{#}}{{/}}",
        "{{db.user}",
        "{{=x=}}",
        "{{{db}}",
        "a {{db.user"
      })
  @DisplayName("that is none is a bad plan")
  void malformed(String template) {
    assertThat(badPlan(template)).startsWith("conf: the template can't be used: line 1, column ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{{#db}}{{base64}}{{/db}}", "{{#db.l}}{{.}}{{/db.l}}"})
  @DisplayName("refuses what has no text")
  void noText(String template) {
    FetchFailure failure =
        new Rendering()
            .secret("s", "{\"l\":[null]}")
            .file(named("db", "s"))
            .file("s", new Template(template))
            .failure();
    assertThat(failure.oneSentence()).containsAnyOf("without a section", "a list has a null");
  }

  @Test
  @DisplayName("can't use a secret that has the name of a helper")
  void helperName() {
    FetchFailure failure = rendering("{{db.user}}").file(named("url", "prod/token")).failure();

    assertThat(failure.code()).isEqualTo(ExitCode.BAD_PLAN);
    assertThat(failure.oneSentence()).contains("\"url\"", "rename the secret");
  }

  @Test
  @DisplayName("can have the name of a helper itself, since nothing can name it")
  void namedAsHelper() throws Exception {
    SecretFile json =
        new SecretFile("json", null, null, "conf.json", new Template("{{db.user}}"), 0444, false);

    assertThat(rendering("x").file(json).render().get("conf.json")).asString().isEqualTo("ann");
  }
}
