package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Content;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import io.github.secretscontroller.core.SecretFile.Template;
import io.github.secretscontroller.core.SecretReference;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("No failure of rendering")
class RenderingCanaryTest {

  private static final String CANARY = "Canary9d41Value";

  /** Values that are wrong in every way that there is, each with the canary in it. */
  private static final List<String> SECRETS =
      List.of(
          "CANARY",
          "{CANARY}",
          "{\"a\":CANARY}",
          "{\"a\":\"CANARY",
          "{\"a\":\"CANARY\"} CANARY",
          "{\"a\":\"CANARY\",\"a\":\"CANARY\"}",
          "{\"a\":tCANARY}",
          "{\"a\":1CANARY}",
          "\"CANARY\"",
          "[\"CANARY\"]",
          "{\"a\":\"CANARY\\u0000\"}",
          "{\"a\":\"CANARY'\"}",
          "{\"a\":\"CANARY\\r\\n\"}",
          "{\"a\":\"CANARY\\ud800\"}",
          "{\"a\":[\"CANARY\",null]}",
          "{\"a\":{\"b\":\"CANARY\"}}",
          "{\"a-b\":\"CANARY\",\"../x\":\"CANARY\",\"a/b\":\"CANARY\"}",
          "-----BEGIN CANARY-----\nCANARY\n-----END CANARY-----",
          "-----BEGIN PRIVATE KEY-----\nCANARY\n-----END PRIVATE KEY-----",
          "-----BEGIN CERTIFICATE-----\nCANARY\n-----END CERTIFICATE-----",
          "{\"tls.key\":\"CANARY\",\"tls.crt\":\"CANARY\",\"password\":\"CANARYä\"}",
          "{\"tls.crt\":\"-----BEGIN CERTIFICATE-----\\nCANARY\\n-----END CERTIFICATE-----\"}");

  private static final List<String> SELECTORS =
      List.of(
          "",
          "#a",
          "#a.b.c",
          "#x",
          "#length(a)",
          "#abs(a)",
          "#a[0].b",
          "#sort(a)",
          "#sum(a)",
          "#max_by(@, &a)",
          "#to_number(a)",
          "#join(a, a)",
          "#keys(a)",
          "#merge(@, a)",
          "#a[?abs(@) > `1`]");

  private static final List<String> TEMPLATES =
      List.of(
          "{{s.x}}",
          "{{s.a.b.c}}",
          "{{#s}}{{x}}{{/s}}",
          "{{#s.a}}{{y}}{{/s.a}}",
          "{{#s.a}}{{#.}}{{.}}{{z}}{{/.}}{{/s.a}}",
          "{{#base64}}{{s}}{{this.nope}}{{/base64}}",
          "{{#url}}{{s}}{{/url}}{{#json}}{{s.a}}{{s.b}}{{/json}}",
          "{{s}}{{#s}}{{json}}{{/s}}");

  @Test
  @DisplayName("shows a value, be it plain, in base64 or in hexadecimal")
  void nothingLeaks() throws Exception {
    int failures = 0;
    for (Content content : contents()) {
      for (String selector : SELECTORS) {
        for (String secret : SECRETS) {
          failures += check(secret.replace("CANARY", CANARY), selector, content);
        }
      }
    }
    // Otherwise the test would show nothing.
    assertThat(failures).isGreaterThan(2000);
  }

  private static List<Content> contents() {
    List<Content> contents = new ArrayList<>();
    for (Format format : Format.values()) {
      contents.add(new Formatted(format));
    }
    contents.add(new KeyFiles(List.of()));
    contents.add(new KeyFiles(List.of("missing")));
    contents.add(new EnvironmentFile(Map.of("V", "a")));
    contents.add(new EnvironmentFile(Map.of("V", "missing")));
    TEMPLATES.forEach(text -> contents.add(new Template(text)));
    return contents;
  }

  private static int check(String secret, String selector, Content content) throws Exception {
    SecretFile file =
        SecretFile.of(SecretReference.parse("s" + selector), "file")
            .withName("s")
            .withContent(content);
    try {
      new Rendering().secret("s", secret).file(file).render();
      return 0;
    } catch (FetchFailure e) {
      assertThat(e.code()).isEqualTo(ExitCode.UNUSABLE);
      assertThat(e.getCause()).isNull();
      assertThat(e.getSuppressed()).isEmpty();
      String shown = (e + " " + e.oneSentence()).toLowerCase(Locale.ROOT);
      for (String form : forms()) {
        assertThat(shown).as(selector + " of " + secret).doesNotContain(form);
      }
      return 1;
    }
  }

  private static List<String> forms() {
    byte[] bytes = CANARY.getBytes(UTF_8);
    return List.of(
        CANARY.toLowerCase(Locale.ROOT),
        HexFormat.of().formatHex(bytes),
        Base64.getEncoder().encodeToString(bytes).toLowerCase(Locale.ROOT));
  }

  @Test
  @DisplayName("nor does anything that holds one")
  void toStrings() throws Exception {
    byte[] bytes = CANARY.getBytes(UTF_8);
    try (RenderedFile file = new RenderedFile("path", 0444, bytes.clone());
        SecretContent content = new SecretContent(bytes.clone(), null);
        SecretBuffer buffer = new SecretBuffer()) {
      buffer.text(CANARY);
      String pem =
          "-----BEGIN KEY-----\n"
              + Base64.getEncoder().encodeToString(bytes)
              + "\n-----END KEY-----";
      assertThat(List.of(file, content, buffer, Pem.blocks(pem)).toString()).doesNotContain(CANARY);
      assertThat(content.revealText()).isEqualTo(CANARY);
    }
  }
}
