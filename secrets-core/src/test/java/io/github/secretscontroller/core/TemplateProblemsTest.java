package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.SecretFile.Template;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A template, before there is any value,")
class TemplateProblemsTest {

  private static List<String> problems(String template) {
    return new Template(template).problems(Set.of("db", "token"));
  }

  @ParameterizedTest(name = "[{index}] {0}")
  @ValueSource(
      strings = {
        "",
        "plain } } { { text",
        "{{db}} {{ db.user }} {{{db.password}}} {{&token}} {{db.tls.crt}}",
        "{{nobody.key:-default}} {{db.port:-5432}} {{#nobody:-}}x{{/nobody:-}}",
        "{{#db.hosts}}{{name}}{{.}}{{^-last}},{{/-last}}{{-index}}{{/db.hosts}}",
        "{{#db}}{{#whatever}}{{else}}{{/whatever}}{{/db}}",
        "{{^db.tls}}{{token}}{{/db.tls}}",
        "{{#base64}}{{#url}}{{db.user}}{{/url}}:{{token}}{{/base64}} {{#json}}x{{/json}}",
        "{{! a comment,\nof {{ two lines }}{{=<% %>=}}<%db.user%> {{anything",
        "{{=| |=}}|db| {{x}} |={{ }}=|{{token}}",
        "{{$block}}{{db}}{{/block}}{{this.db.user}}"
      })
  @DisplayName("has no problem where some value can fill it in")
  void fine(String template) {
    assertThat(problems(template)).isEmpty();
  }

  @ParameterizedTest(name = "[{index}] {0}")
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{{db.user                 | line 1, column 1: {{db.user is a tag that no }} closes; add it",
        "ab {{db.user} c           | line 1, column 4: {{db.user} c is a tag that no }} closes; add it",
        "{{db {{token}}            | line 1, column 1: {{db {{token}} is a tag that no }} closes",
        "{{{db}} x                 | line 1, column 1: {{{db}} must end with }}}",
        "x{{}}                     | line 1, column 2: a tag is empty; write the name of a secret",
        "{{ }}                     | line 1, column 1: a tag is empty; write the name of a secret",
        "{{#}}{{/}}                | line 1, column 1: a tag is empty; write the name of a secret",
        "{{#db}}x                  | line 1, column 1: {{#db}} is never closed; add {{/db}} where",
        "{{^db.tls}}{{#url}}{{/url}} | {{^db.tls}} is never closed; add {{/db.tls}} where it ends",
        "{{db}}{{/db}}             | line 1, column 7: {{/db}} closes no section; remove it",
        "{{#db}}{{/token}}         | {{/token}} stands where {{/db}} must close the section of line 1",
        "{{=x=}}                   | {{=x=}} must name two delimiters of one or two characters, as",
        "{{=<<< >=}}               | {{=<<< >=}} must name two delimiters",
        "{{=}}                     | {{=}} must name two delimiters",
        "{{=\u00e9 %=}}            | must name two delimiters of one or two characters",
        "{{== %=}}                 | must name two delimiters of one or two characters",
        "{{>/etc/passwd}}          | it includes another template, {{>/etc/passwd}}, and there are none",
        "{{<p}}{{/p}}              | it includes another template, {{<p}}, and there are none",
        "{{dbb.user}}              | no secret is called \"dbb\" (the names are db, token); correct it",
        "{{#dbs}}{{x}}{{/dbs}}     | no secret is called \"dbs\" (the names are db, token); correct it",
        "{{^dbs}}x{{/dbs}}         | no secret is called \"dbs\" (the names are db, token); correct it",
        "{{#ur}}{{db}}{{/ur}}      | no secret is called \"ur\" (the names are db, token); correct it",
        "{{#url}}{{dbb}}{{/url}}   | line 1, column 9: no secret is called \"dbb\"",
        "{{^db.a}}{{dbb}}{{/db.a}} | line 1, column 10: no secret is called \"dbb\"",
        "{{base64.x}}              | no secret is called \"base64\"",
        "{{.db}}                   | no secret is called \"\"",
        "{{.}}                     | {{.}} means an element of a list, and stands outside of its section",
        "{{url}}                   | the helper url stands without a section; write {{#url}}...{{/url}}"
      })
  @DisplayName("is told its one problem, where it stands and what to do")
  void problem(String template, String expected) {
    assertThat(problems(template)).singleElement().asString().contains(expected);
  }

  @Test
  @DisplayName("is told the line and column, and what there is on one line only")
  void place() {
    assertThat(problems("a\nbc {{db\n.user}}"))
        .containsExactly("line 2, column 4: {{db...}} must stand on one line");
  }

  @Test
  @DisplayName("is told every name that no secret has, once for each place")
  void all() {
    assertThat(problems("{{a}}{{b.c}}\n{{db}}{{a}}"))
        .satisfiesExactly(
            first -> assertThat(first).startsWith("line 1, column 1: no secret is called \"a\""),
            second -> assertThat(second).startsWith("line 1, column 6: no secret is called \"b\""),
            third -> assertThat(third).startsWith("line 2, column 7: no secret is called \"a\""));
  }

  @Test
  @DisplayName("is told that no secret has a name, if none has")
  void noNames() {
    assertThat(new Template("{{db}}").problems(Set.of()))
        .singleElement()
        .asString()
        .contains("(none has a name)");
  }

  @Test
  @DisplayName("can't use a secret that has the name of a helper")
  void helper() {
    assertThat(new Template("{{db}}").problems(Set.of("db", "url")))
        .containsExactly(
            "it can't tell the secret \"url\" from the helper of that name; rename the secret");
  }

  @Test
  @DisplayName("can't nest its sections without bounds")
  void deep() {
    String hundred = "{{#db}}".repeat(100) + "{{/db}}".repeat(100);
    assertThat(problems(hundred)).isEmpty();
    assertThat(problems("{{#db}}" + hundred + "{{/db}}"))
        .singleElement()
        .asString()
        .endsWith("sections are nested more than 100 deep; nest fewer");
  }
}
