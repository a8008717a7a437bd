package io.github.secretscontroller.fetcher;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What one file is made of: the bytes of a secret, or what a selector selects in them. Closing
 * wipes the bytes. Not thread-safe.
 */
final class SecretContent implements AutoCloseable {

  private static final int MOST_KEYS_SHOWN = 20;

  private final byte[] whole;
  private final @Nullable Selection selection;

  /** Takes over {@code whole}, and wipes it when closed. */
  SecretContent(byte[] whole, @Nullable Selection selection) {
    this.whole = whole;
    this.selection = selection;
  }

  /**
   * The exact bytes; of a selection its text.
   *
   * @return a copy, which the caller wipes
   */
  byte[] revealBytes() throws Unusable {
    if (selection == null) {
      return whole.clone();
    }
    try (SecretBuffer out = new SecretBuffer()) {
      return out.text(Json.text(revealJson())).take();
    }
  }

  /** As {@link #revealBytes}, as text. */
  String revealText() throws Unusable {
    if (selection != null) {
      return Json.text(revealJson());
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(whole)).toString();
    } catch (CharacterCodingException e) {
      throw new Unusable("isn't UTF-8 text; write it with the format raw, which keeps every byte");
    }
  }

  /** The JSON document, or the part of it that is selected; see {@link Json}. */
  @Nullable Object revealJson() throws Unusable {
    Object document = Json.read(whole);
    if (selection == null) {
      return document;
    }
    Object selected = selection.of(document);
    if (selected == null) {
      throw new Unusable(
          "has nothing that the selector matches (" + keysOf(document) + "); correct the selector");
    }
    return selected;
  }

  /** As {@link #revealJson}, if that is an object. */
  Map<?, ?> revealObject() throws Unusable {
    if (revealJson() instanceof Map<?, ?> object) {
      return object;
    }
    throw new Unusable(
        "is JSON, but no object with keys; store an object, or use the format raw or json");
  }

  /** The text of each key's value. A {@code null} counts as not there, as it does for JMESPath. */
  Map<String, String> revealFields() throws Unusable {
    Map<String, String> fields = new LinkedHashMap<>();
    for (Map.Entry<?, ?> entry : revealObject().entrySet()) {
      if (entry.getValue() != null) {
        fields.put((String) entry.getKey(), Json.text(entry.getValue()));
      }
    }
    return fields;
  }

  /** Names the keys that there are, for messages. Names, never values. */
  static String keysOf(@Nullable Object json) {
    if (json instanceof Map<?, ?> object) {
      return object.isEmpty() ? "it has no keys" : "its keys are " + names(object.keySet());
    }
    return json instanceof List<?> ? "it is an array" : "it is a single value";
  }

  /** Some names in one line, not too many. */
  static String names(Collection<?> names) {
    List<String> shown =
        names.stream().limit(MOST_KEYS_SHOWN).map(name -> quoted(String.valueOf(name))).toList();
    return String.join(", ", shown)
        + (names.size() > MOST_KEYS_SHOWN
            ? " and " + (names.size() - MOST_KEYS_SHOWN) + " more"
            : "");
  }

  /** A name in quotes, not too long. */
  static String quoted(String name) {
    return "\"" + (name.length() <= 60 ? name : name.substring(0, 60) + "...") + "\"";
  }

  @Override
  public void close() {
    Arrays.fill(whole, (byte) 0);
  }
}
