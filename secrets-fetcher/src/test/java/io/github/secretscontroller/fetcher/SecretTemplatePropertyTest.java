package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Template;
import io.github.secretscontroller.core.SecretReference;
import java.net.URI;
import java.net.URLDecoder;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

@Label("A template")
class SecretTemplatePropertyTest {

  private static final ObjectMapper JACKSON = new ObjectMapper();

  private static String fill(String template, Object secret) throws Exception {
    return new String(
        new Rendering()
            .secret("s", JACKSON.writeValueAsBytes(secret))
            .file(SecretFile.of(SecretReference.parse("s"), "s").withName("s"))
            .file("s", new Template(template))
            .render()
            .get("file"),
        UTF_8);
  }

  @Property(tries = 300)
  @Label("puts every value in exactly")
  void exact(@ForAll("texts") String text) throws Exception {
    assertThat(fill("<{{s.v}}|{{{s.v}}}>", Map.of("v", text)))
        .isEqualTo("<" + text + "|" + text + ">");
    assertThat(fill("{{#s}}{{#.}}{{.}};{{/.}}{{/s}}", List.of(List.of(text, "x"))))
        .isEqualTo(text + ";x;");
  }

  @Property(tries = 300)
  @Label("encodes so that what decodes gives the value back")
  void encodings(@ForAll("texts") String text) throws Exception {
    Map<String, String> secret = Map.of("v", text);

    assertThat(Base64.getDecoder().decode(fill("{{#base64}}{{s.v}}{{/base64}}", secret)))
        .isEqualTo(text.getBytes(UTF_8));
    assertThat(JACKSON.readTree(fill("{\"v\":\"{{#json}}{{s.v}}{{/json}}\"}", secret)))
        .isEqualTo(JACKSON.valueToTree(secret));
    String encoded = fill("{{#url}}{{s.v}}{{/url}}", secret);
    assertThat(URLDecoder.decode(encoded, UTF_8)).isEqualTo(text);
    assertThat(URI.create("http://u:" + encoded + "@h/" + encoded + "?" + encoded + "#" + encoded))
        .extracting(URI::getUserInfo, URI::getPath, URI::getQuery, URI::getFragment)
        .containsExactly("u:" + text, "/" + text, text, text);
  }

  @Property(tries = 300)
  @Label("of plain text is that text")
  void plain(@ForAll("texts") String text) throws Exception {
    if (!text.contains("{{")) {
      assertThat(fill(text, Map.of())).isEqualTo(text);
    }
  }

  @Property(tries = 2000)
  @Label("in which nothing was found wrong without the engine is one to the engine, too")
  void agreement(@ForAll("pieces") List<String> pieces) {
    String text = String.join("", pieces);
    if (new Template(text).problems(Set.of("s", "t")).isEmpty()) {
      assertThatCode(() -> SecretTemplate.parse(text)).doesNotThrowAnyException();
    }
  }

  @Property(tries = 2000)
  @Label("that the engine refuses, or that it would put out with its braces, is found without it")
  void found(@ForAll("pieces") List<String> pieces) {
    String text = String.join("", pieces);
    String output;
    try (SecretContent s = content("{\"a\":[1,2]}");
        SecretContent t = content("x")) {
      output = new String(SecretTemplate.parse(text).render(Map.of("s", s, "t", t)), UTF_8);
    } catch (IllegalArgumentException | IndexOutOfBoundsException e) {
      assertThat(new Template(text).problems(Set.of("s", "t"))).isNotEmpty();
      return;
    } catch (Unusable e) {
      return;
    }
    if (output.contains("{{") && !text.contains("{{=")) {
      assertThat(new Template(text).problems(Set.of("s", "t"))).isNotEmpty();
    }
  }

  private static SecretContent content(String text) {
    return new SecretContent(text.getBytes(UTF_8), null);
  }

  @Provide
  Arbitrary<List<String>> pieces() {
    return Arbitraries.of(
            "{{s}}",
            "{{s.a}}",
            "{{{t}}}",
            "{{&t}}",
            "{{",
            "}}",
            "{",
            "}",
            "s",
            "!",
            "#",
            "/",
            "^",
            "{{#s}}",
            "{{/s}}",
            "{{^s}}",
            "{{#s.a}}",
            "{{/s.a}}",
            "{{.}}",
            "{{#url}}",
            "{{/url}}",
            "{{=<% %>=}}",
            "<%",
            "%>",
            "<%t%>",
            "<%={{ }}=%>",
            "{{=| |=}}",
            "|",
            "|t|",
            "{{! x }}",
            "{{$b}}",
            "{{/b}}",
            "=",
            " ",
            "\n",
            "x:-y",
            "<",
            ">",
            "%")
        .list()
        .ofMaxSize(12);
  }

  @Provide
  Arbitrary<String> texts() {
    return JsonArbitraries.texts();
  }
}
