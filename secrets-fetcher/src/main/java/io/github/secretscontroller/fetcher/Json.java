package io.github.secretscontroller.fetcher;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * JSON as Java's own collections: {@code Map}, {@code List}, {@code String}, {@code Number}, {@code
 * Boolean} and {@code null}, with keys in their order and numbers with their digits.
 *
 * <p>By Jackson's streaming API alone: loading its data binding would cost the start more than the
 * secret is worth.
 */
final class Json {

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .build();

  private Json() {}

  /**
   * Reads one document.
   *
   * @throws Unusable with the place, and not a character of the document, if it isn't JSON, or has
   *     the same key twice
   */
  static @Nullable Object read(byte[] document) throws Unusable {
    try (JsonParser json = FACTORY.createParser(document)) {
      if (json.nextToken() == null) {
        throw new Unusable("is empty, which is no JSON; store a JSON document");
      }
      Object value = value(json);
      if (json.nextToken() != null) {
        throw invalid("something follows the document at ", json);
      }
      return value;
    } catch (JsonProcessingException e) {
      throw new Unusable(
          "isn't valid JSON at line "
              + e.getLocation().getLineNr()
              + ", column "
              + e.getLocation().getColumnNr()
              + "; store a JSON document in which no key comes twice");
    } catch (IOException e) {
      throw new Unusable("isn't valid JSON, as it isn't UTF-8 text; store a JSON document");
    }
  }

  private static Unusable invalid(String reason, JsonParser json) {
    return new Unusable(
        "isn't valid JSON: "
            + reason
            + "line "
            + json.currentLocation().getLineNr()
            + ", column "
            + json.currentLocation().getColumnNr()
            + "; store one JSON document");
  }

  /** The depth is bounded by Jackson, at 1000. */
  private static @Nullable Object value(JsonParser json) throws IOException {
    switch (json.currentToken()) {
      case START_OBJECT -> {
        Map<String, @Nullable Object> object = new LinkedHashMap<>();
        while (json.nextToken() != JsonToken.END_OBJECT) {
          String key = json.currentName();
          json.nextToken();
          object.put(key, value(json));
        }
        return object;
      }
      case START_ARRAY -> {
        List<@Nullable Object> array = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          array.add(value(json));
        }
        return array;
      }
      case VALUE_NULL -> {
        return null;
      }
      case VALUE_TRUE, VALUE_FALSE -> {
        return json.getBooleanValue();
      }
      case VALUE_STRING -> {
        return json.getText();
      }
      default -> {
        return ExactNumber.of(json.getText());
      }
    }
  }

  /** The text of a value: a scalar's own, and JSON without spaces of an array or an object. */
  static String text(@Nullable Object value) {
    return value instanceof String text ? text : document(value);
  }

  /** The document without spaces. */
  static String document(@Nullable Object value) {
    StringBuilder text = new StringBuilder();
    write(value, text);
    return text.toString();
  }

  private static void write(@Nullable Object value, StringBuilder text) {
    if (value instanceof Map<?, ?> object) {
      char before = '{';
      for (Map.Entry<?, ?> entry : object.entrySet()) {
        text.append(before);
        quote((String) entry.getKey(), text);
        text.append(':');
        write(entry.getValue(), text);
        before = ',';
      }
      text.append(before == '{' ? "{}" : "}");
    } else if (value instanceof List<?> array) {
      char before = '[';
      for (Object element : array) {
        text.append(before);
        write(element, text);
        before = ',';
      }
      text.append(before == '[' ? "[]" : "]");
    } else if (value instanceof String string) {
      quote(string, text);
    } else {
      text.append(value);
    }
  }

  private static void quote(String string, StringBuilder text) {
    text.append('"');
    escape(string, text);
    text.append('"');
  }

  /** What stands between the quotes of a JSON string. */
  static void escape(CharSequence string, StringBuilder text) {
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < string.length()
              && Character.isLowSurrogate(string.charAt(i + 1));
      if (pair) {
        text.append(c).append(string.charAt(++i));
      } else if (c == '"' || c == '\\') {
        text.append('\\').append(c);
      } else if (c == '\n') {
        text.append("\\n");
      } else if (c < ' ' || Character.isSurrogate(c)) {
        text.append(unicodeEscape(c));
      } else {
        text.append(c);
      }
    }
  }

  /** The escape that JSON, YAML and properties have in common. */
  static String unicodeEscape(char c) {
    return "\\u" + Integer.toHexString(0x10000 | c).substring(1);
  }
}
