package io.github.secretscontroller.admission.cli;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Reads and writes Kubernetes manifests, YAML or JSON, whatever they are about. */
final class Manifests {

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .enable(YAMLGenerator.Feature.ALWAYS_QUOTE_NUMBERS_AS_STRINGS)
          .enable(YAMLGenerator.Feature.INDENT_ARRAYS_WITH_INDICATOR)
          .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
          .disable(YAMLGenerator.Feature.SPLIT_LINES)
          .build();

  private Manifests() {}

  /** All objects of a file, those in a List too, in their order. */
  static List<ObjectNode> read(String file, InputStream standardInput) throws UsageException {
    String text = text(file, standardInput);
    List<ObjectNode> objects = new ArrayList<>();
    try {
      if (text.stripLeading().startsWith("{")) {
        readAll(JSON.readerFor(JsonNode.class).readValues(text), file, objects);
      } else {
        requireNoAlias(file, text);
        readAll(YAML.readerFor(JsonNode.class).readValues(text), file, objects);
      }
    } catch (JsonProcessingException | UncheckedIOException e) {
      throw new UsageException(file + invalid(e));
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory failed", e);
    }
    return objects;
  }

  /** One document of YAML, which ends in a line break. */
  static String yaml(JsonNode object) {
    try {
      return YAML.writeValueAsString(object);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** JSON for people. */
  static String json(JsonNode value) {
    return value.toPrettyString();
  }

  static ObjectNode parseJson(String text) {
    try {
      return (ObjectNode) JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String text(String file, InputStream standardInput) throws UsageException {
    try {
      byte[] bytes =
          file.equals("-") ? standardInput.readAllBytes() : Files.readAllBytes(Path.of(file));
      return new String(bytes, StandardCharsets.UTF_8);
    } catch (IOException | InvalidPathException e) {
      throw new UsageException(file + " can't be read (" + e.getClass().getSimpleName() + ")");
    }
  }

  private static void readAll(
      MappingIterator<JsonNode> documents, String file, List<ObjectNode> objects)
      throws IOException, UsageException {
    while (documents.hasNextValue()) {
      JsonNode document = documents.nextValue();
      if (document instanceof ObjectNode object) {
        addAll(object, objects);
      } else if (document != null && !document.isNull() && !document.isMissingNode()) {
        throw new UsageException(file + " has a document that is no Kubernetes object");
      }
    }
  }

  private static void addAll(ObjectNode object, List<ObjectNode> objects) {
    String kind = object.path("kind").asText("");
    if (!kind.endsWith("List") || !object.path("items").isArray()) {
      objects.add(object);
      return;
    }
    for (JsonNode item : object.get("items")) {
      if (item instanceof ObjectNode element) {
        // In a typed list the items needn't repeat their kind.
        if (!element.has("kind")) {
          element.put("kind", kind.substring(0, kind.length() - "List".length()));
        }
        addAll(element, objects);
      }
    }
  }

  /** Without this an alias would quietly be read as a text. */
  private static void requireNoAlias(String file, String text) throws IOException, UsageException {
    try (YAMLParser parser = YAML.getFactory().createParser(text)) {
      while (true) {
        JsonToken token = parser.nextToken();
        boolean more = token != null || parser.nextToken() != null;
        if (!more) {
          return;
        }
        if (parser.isCurrentAlias()) {
          throw new UsageException(
              file
                  + ", line "
                  + parser.currentTokenLocation().getLineNr()
                  + ": YAML aliases (*name) aren't supported; print the manifest in full first, as"
                  + " kubectl create --dry-run=client -o yaml does");
        }
      }
    }
  }

  /** Where, but not what: the parser's own message quotes the text, which may hold a value. */
  private static String invalid(Exception e) {
    Throwable cause = e instanceof UncheckedIOException unchecked ? unchecked.getCause() : e;
    JsonLocation at =
        cause instanceof JsonProcessingException problem ? problem.getLocation() : null;
    return (at == null ? "" : ", line " + at.getLineNr() + ", column " + at.getColumnNr())
        + ": it is no valid YAML or JSON; look for indentation, a missing quote, or a key that is"
        + " there twice";
  }
}
