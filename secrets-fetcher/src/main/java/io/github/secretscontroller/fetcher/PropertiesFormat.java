package io.github.secretscontroller.fetcher;

import java.util.Map;

/**
 * {@code java.util.Properties}, one line for each key. Not by its own {@code store}, which adds the
 * date, so that the same value would be another file each time.
 */
final class PropertiesFormat {

  private PropertiesFormat() {}

  static byte[] render(SecretContent content) throws Unusable {
    StringBuilder line = new StringBuilder();
    try (SecretBuffer out = new SecretBuffer()) {
      for (Map.Entry<String, String> field : content.revealFields().entrySet()) {
        line.setLength(0);
        escape(field.getKey(), true, line);
        line.append('=');
        escape(field.getValue(), false, line);
        out.text(line.append('\n'));
      }
      return out.take();
    }
  }

  /** All in ASCII, since older readers take the file for ISO 8859-1 and newer ones for UTF-8. */
  private static void escape(String text, boolean key, StringBuilder line) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == ' ') {
        line.append(key || i == 0 ? "\\ " : " ");
      } else if (c == '\n') {
        line.append("\\n");
      } else if ("\\=:#!".indexOf(c) >= 0) {
        line.append('\\').append(c);
      } else if (c < ' ' || c > '~') {
        line.append(Json.unicodeEscape(c));
      } else {
        line.append(c);
      }
    }
  }
}
