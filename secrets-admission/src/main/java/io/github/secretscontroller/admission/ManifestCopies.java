package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Copies of a manifest that tools keep in annotations: kubectl's, and any other that is the JSON of
 * a Secret. Their values are replaced by the references, under the same keys of the same fields, so
 * that kubectl still finds what it compares: a key that is gone, a key that is new.
 */
final class ManifestCopies {

  static final String LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

  // Strict, since what is read over here is not replaced either.
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static final int SHORTEST_LEAK = 8;

  private ManifestCopies() {}

  /**
   * Rewrites the copies in place.
   *
   * @param handled which keys are replaced
   * @param texts what stands for a key now; for one that the Secret no longer has, too
   */
  static void rewrite(
      ObjectNode annotations, Predicate<String> handled, Function<String, String> texts) {
    for (Map.Entry<String, JsonNode> annotation : annotations.properties()) {
      String text = annotation.getValue().asText();
      boolean kubectl = annotation.getKey().equals(LAST_APPLIED);
      if (!kubectl && !text.stripLeading().startsWith("{")) {
        continue;
      }
      ObjectNode manifest = parse(text);
      if (manifest == null) {
        if (kubectl) {
          // It could hold anything.
          throw new NativeRefusal(
              "its annotation " + LAST_APPLIED + " is not the JSON of a manifest; remove it");
        }
        continue;
      }
      if (kubectl || manifest.path("kind").asText().equals("Secret")) {
        replace(manifest, "data", handled, key -> base64(texts.apply(key)));
        replace(manifest, "stringData", handled, texts::apply);
        String rewritten = manifest + (text.endsWith("\n") ? "\n" : "");
        if (!manifest.equals(parse(text))) {
          annotations.put(annotation.getKey(), rewritten);
        }
      }
    }
  }

  /** Warnings about annotations that hold a value all the same, because somebody wrote it there. */
  static List<String> leaks(ObjectNode secret, SortedMap<String, byte[]> values) {
    List<String> warnings = new ArrayList<>();
    for (Map.Entry<String, JsonNode> annotation :
        secret.path("metadata").path("annotations").properties()) {
      byte[] text = annotation.getValue().asText().getBytes(StandardCharsets.UTF_8);
      values.forEach(
          (key, value) -> {
            // Shorter ones are in many a text by chance.
            if (value.length >= SHORTEST_LEAK
                && (contains(text, value) || contains(text, Base64.getEncoder().encode(value)))) {
              warnings.add(
                  "annotation "
                      + annotation.getKey()
                      + " holds the value of key "
                      + key
                      + ", and is stored as it is; remove it there");
            }
          });
    }
    return warnings;
  }

  private static boolean contains(byte[] text, byte[] part) {
    for (int i = 0; i + part.length <= text.length; i++) {
      if (Arrays.equals(text, i, i + part.length, part, 0, part.length)) {
        return true;
      }
    }
    return false;
  }

  private static void replace(
      ObjectNode manifest, String field, Predicate<String> handled, UnaryOperator<String> value) {
    JsonNode values = manifest.path(field);
    if (values instanceof ObjectNode object) {
      for (Map.Entry<String, JsonNode> entry : object.properties()) {
        if (handled.test(entry.getKey())) {
          object.put(entry.getKey(), value.apply(entry.getKey()));
        }
      }
    } else if (!values.isMissingNode() && !values.isNull()) {
      manifest.remove(field);
    }
  }

  private static @Nullable ObjectNode parse(String text) {
    try {
      return MAPPER.readTree(text) instanceof ObjectNode object ? object : null;
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }
}
