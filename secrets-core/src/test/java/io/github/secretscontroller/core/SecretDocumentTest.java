package io.github.secretscontroller.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A document of a Secret's keys")
class SecretDocumentTest {

  @Test
  @DisplayName("gives back text and bytes as they were")
  void roundTrip() {
    byte[] text = "quote \" backslash \\ line\n, ünïcödé".getBytes(UTF_8);
    byte[] binary = {(byte) 0xff, 0, (byte) 0x80, '"'};
    byte[] document =
        SecretDocument.encode(
            new TreeMap<>(Map.of("text", text, "binary", binary, "empty", new byte[0])));
    assertThat(SecretDocument.value(document, "text")).contains(text);
    assertThat(SecretDocument.value(document, "binary")).contains(binary);
    assertThat(SecretDocument.value(document, "empty")).contains(new byte[0]);
    assertThat(SecretDocument.value(document, "other")).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "{\"key\": 12}                              | 12",
        "{\"key\": true}                            | true",
        "{\"a\": {\"key\": 1}, \"key\": [1, {\"b\": null}]} | [1,{\"b\":null}]",
        "{\"key\": {\"$base64\": \"eA==\", \"b\": \"c\"}}   | {\"$base64\":\"eA==\",\"b\":\"c\"}",
        "{\"key\": {\"$base64\": \"eA==\"}}             | x",
        "{\"key\": 1, \"key\": \"last\"}                | last",
      })
  @DisplayName("takes what others wrote as its text")
  void others(String document, String value) {
    assertThat(text(document)).contains(value);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no JSON",
        "[\"key\"]",
        "\"key\"",
        "{\"key\": null}",
        "{\"a\": {\"key\": 1}}",
        "{\"key\": \"cut",
        "{\"key\": \"cut off\"",
        "{\"key\": {\"$base64\": \"?\"}}",
      })
  @DisplayName("has no value where there is none that could be meant")
  void none(String document) {
    assertThat(text(document)).isEmpty();
  }

  private static Optional<String> text(String document) {
    return SecretDocument.value(document.getBytes(UTF_8), "key").map(v -> new String(v, UTF_8));
  }
}
