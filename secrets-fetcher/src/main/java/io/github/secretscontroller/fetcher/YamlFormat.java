package io.github.secretscontroller.fetcher;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * YAML that readers of version 1.1 and of 1.2 understand alike. Every string is in double quotes:
 * without them {@code no} is a boolean to some, {@code 1e3} a number, and {@code 12:30} the number
 * 750.
 */
final class YamlFormat {

  private static final Pattern PLAIN_KEY = Pattern.compile("[A-Za-z_][A-Za-z0-9_-]*");
  private static final Set<String> WORDS =
      Set.of("y", "n", "yes", "no", "on", "off", "true", "false", "null");

  /** YAML allows 1024 characters to a key that stands before its colon on one line. */
  private static final int LONGEST_SIMPLE_KEY = 500;

  private final StringBuilder text = new StringBuilder();

  private YamlFormat() {}

  static byte[] render(SecretContent content) throws Unusable {
    YamlFormat yaml = new YamlFormat();
    yaml.node(content.revealJson(), 0, "");
    try (SecretBuffer out = new SecretBuffer()) {
      return out.text(yaml.text).take();
    }
  }

  /** A value behind {@code before}: on the same line, or as a block below it. */
  private void node(@Nullable Object value, int indent, String before) {
    String line = before.isEmpty() ? "" : "\n";
    if (value instanceof Map<?, ?> object && !object.isEmpty()) {
      text.append(line);
      object.forEach((key, field) -> entry((String) key, field, indent));
    } else if (value instanceof List<?> array && !array.isEmpty()) {
      text.append(line);
      for (Object element : array) {
        indent(indent).append('-');
        node(element, indent + 2, "-");
      }
    } else {
      text.append(before.isEmpty() ? "" : " ");
      scalar(value);
      text.append('\n');
    }
  }

  private void entry(String key, @Nullable Object value, int indent) {
    indent(indent);
    if (PLAIN_KEY.matcher(key).matches()
        && !WORDS.contains(key.toLowerCase(Locale.ROOT))
        && key.length() <= LONGEST_SIMPLE_KEY) {
      text.append(key);
    } else if (key.length() <= LONGEST_SIMPLE_KEY) {
      quote(key);
    } else {
      text.append("? ");
      quote(key);
      text.append('\n');
      indent(indent);
    }
    text.append(':');
    node(value, indent + 2, ":");
  }

  private StringBuilder indent(int spaces) {
    return text.append(" ".repeat(spaces));
  }

  private void scalar(@Nullable Object value) {
    if (value instanceof String string) {
      quote(string);
    } else if (value instanceof Number number) {
      text.append(number(number.toString()));
    } else {
      text.append(Json.document(value));
    }
  }

  /** YAML 1.1 takes {@code 1e5} for a string: a float needs a point there, and a sign. */
  private static String number(String digits) {
    int exponent = Math.max(digits.indexOf('e'), digits.indexOf('E'));
    if (exponent < 0) {
      return digits;
    }
    String mantissa = digits.substring(0, exponent);
    String power = digits.substring(exponent + 1);
    return mantissa
        + (mantissa.contains(".") ? "" : ".0")
        + "e"
        + (Character.isDigit(power.charAt(0)) ? "+" : "")
        + power;
  }

  /** JSON's escapes are YAML's too; YAML has more characters that mustn't stand for themselves. */
  private void quote(String string) {
    StringBuilder json = new StringBuilder();
    Json.escape(string, json);
    text.append('"');
    for (int i = 0; i < json.length(); i++) {
      char c = json.charAt(i);
      boolean printable = c <= '~' || (c >= '\u00a0' && c != '\u2028' && c != '\u2029');
      if (printable && c != '\ufeff' && c < '\ufffe') {
        text.append(c);
      } else {
        text.append(Json.unicodeEscape(c));
      }
    }
    text.append('"');
  }
}
