package io.github.secretscontroller.core;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The keys of a Kubernetes Secret as one JSON document, by which the webhook that writes it and the
 * fetcher that reads it agree: text as a string, and what is no UTF-8 as {@code {"$base64":
 * "..."}}. The same keys and values give the same bytes. Written as bytes, so that the result can
 * be wiped.
 */
public final class SecretDocument {

  private static final String BINARY = "$base64";

  private static final Pattern ENCODED = Pattern.compile("\\{\"\\$base64\":\"([^\"\\\\]*)\"}");

  /** Streams: the fetcher, which starts with every pod, does without data binding. */
  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();

  private static final byte[] HEX = "0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

  private SecretDocument() {}

  /** The document; the caller wipes it. */
  public static byte[] encode(SortedMap<String, byte[]> values) {
    int most = 2;
    for (Map.Entry<String, byte[]> entry : values.entrySet()) {
      // At most six bytes for one, and the frame of a binary value.
      most += entry.getKey().length() + 6 * entry.getValue().length + 32;
    }
    ByteBuffer out = ByteBuffer.allocate(most);
    out.put((byte) '{');
    for (Map.Entry<String, byte[]> entry : values.entrySet()) {
      if (out.position() > 1) {
        out.put((byte) ',');
      }
      string(out, entry.getKey().getBytes(StandardCharsets.UTF_8));
      out.put((byte) ':');
      if (isText(entry.getValue())) {
        string(out, entry.getValue());
      } else {
        byte[] base64 = Base64.getEncoder().encode(entry.getValue());
        out.put(("{\"" + BINARY + "\":\"").getBytes(StandardCharsets.US_ASCII));
        out.put(base64).put((byte) '"').put((byte) '}');
        Arrays.fill(base64, (byte) 0);
      }
    }
    out.put((byte) '}');
    byte[] document = Arrays.copyOf(out.array(), out.position());
    Arrays.fill(out.array(), (byte) 0);
    return document;
  }

  /**
   * The value of one key, empty if it isn't there; the caller wipes it. What others wrote, such as
   * a number, is taken as its text.
   */
  public static Optional<byte[]> value(byte[] document, String key) {
    try (JsonParser json = JSON.createParser(document)) {
      byte[] found = null;
      if (json.nextToken() == JsonToken.START_OBJECT) {
        while (json.nextToken() != JsonToken.END_OBJECT) {
          boolean wanted = json.currentName().equals(key);
          json.nextToken();
          if (wanted) {
            found = bytes(json);
          }
          json.skipChildren();
        }
      }
      return Optional.ofNullable(found);
    } catch (IOException | IllegalArgumentException somebodyElses) {
      // No JSON, or in an encoding that it only seems to have; memory itself is always readable.
      return Optional.empty();
    }
  }

  private static byte @Nullable [] bytes(JsonParser json) throws IOException {
    if (json.currentToken() == JsonToken.VALUE_NULL) {
      return null;
    }
    if (!json.currentToken().isStructStart()) {
      return json.getText().getBytes(StandardCharsets.UTF_8);
    }
    StringWriter copy = new StringWriter();
    try (JsonGenerator out = JSON.createGenerator(copy)) {
      out.copyCurrentStructure(json);
    }
    String text = copy.toString();
    Matcher binary = ENCODED.matcher(text);
    return binary.matches()
        ? Base64.getDecoder().decode(binary.group(1))
        : text.getBytes(StandardCharsets.UTF_8);
  }

  /** The selector of a key: a JMESPath identifier, quoted where it must be. */
  public static String selector(String key) {
    return key.matches("[A-Za-z_][A-Za-z0-9_]*") ? key : '"' + key + '"';
  }

  /** The key of such a selector. */
  public static String key(String selector) {
    return selector.length() > 1 && selector.startsWith("\"") && selector.endsWith("\"")
        ? selector.substring(1, selector.length() - 1)
        : selector;
  }

  private static boolean isText(byte[] value) {
    try {
      CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value));
      Arrays.fill(text.array(), '\0');
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  private static void string(ByteBuffer out, byte[] text) {
    out.put((byte) '"');
    for (byte b : text) {
      if (b == '"' || b == '\\') {
        out.put((byte) '\\').put(b);
      } else if (b >= 0 && b < ' ') {
        out.put("\\u00".getBytes(StandardCharsets.US_ASCII)).put(HEX[b >> 4]).put(HEX[b & 15]);
      } else {
        out.put(b);
      }
    }
    out.put((byte) '"');
  }
}
