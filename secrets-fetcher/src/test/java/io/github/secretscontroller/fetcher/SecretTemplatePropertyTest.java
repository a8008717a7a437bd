package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Template;
import io.github.secretscontroller.core.SecretReference;
import java.net.URI;
import java.net.URLDecoder;
import java.util.Base64;
import java.util.List;
import java.util.Map;
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

  @Provide
  Arbitrary<String> texts() {
    return JsonArbitraries.texts();
  }
}
