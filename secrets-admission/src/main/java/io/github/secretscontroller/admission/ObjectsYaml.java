package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import com.fasterxml.jackson.dataformat.yaml.YAMLParser;
import java.io.IOException;
import java.util.stream.Collectors;

/**
 * YAML of strangers as a tree whose scalars are all text, as they were written: {@code 0400} stays
 * {@code 0400}. Events are read one by one, and an alias is refused instead of expanded, so that
 * the tree is never larger than the text.
 */
final class ObjectsYaml {

  private static final int LONGEST = 64 * 1024;
  private static final int DEEPEST = 8;

  private static final YAMLFactory YAML =
      YAMLFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .streamReadConstraints(StreamReadConstraints.builder().maxNestingDepth(DEEPEST).build())
          .build();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  private ObjectsYaml() {}

  /**
   * Reads one document.
   *
   * @throws IllegalArgumentException if it is no YAML, or more of it than is needed here; the
   *     message tells why and what to do
   */
  static JsonNode read(String text) {
    if (text.length() > LONGEST) {
      throw new IllegalArgumentException(
          "it is longer than " + LONGEST + " characters; name fewer objects");
    }
    try (YAMLParser yaml = YAML.createParser(text)) {
      JsonNode tree = yaml.nextToken() == null ? NODES.nullNode() : value(yaml);
      if (yaml.nextToken() != null) {
        throw new IllegalArgumentException("it has more than one document; write one list");
      }
      return tree;
    } catch (StreamConstraintsException e) {
      throw new IllegalArgumentException(
          "it is nested more than " + DEEPEST + " levels deep; objects need four", e);
    } catch (JsonProcessingException e) {
      JsonLocation location = e.getLocation();
      throw new IllegalArgumentException(
          (location == null ? "it" : "line " + location.getLineNr())
              + " can't be read as YAML: "
              + withoutSnippets(e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new IllegalArgumentException("it can't be read as YAML", e);
    }
  }

  private static JsonNode value(YAMLParser yaml) throws IOException {
    if (yaml.isCurrentAlias()) {
      throw new IllegalArgumentException(
          "line "
              + yaml.currentTokenLocation().getLineNr()
              + " has the alias *"
              + yaml.getText()
              + "; write out what it stands for");
    }
    switch (yaml.currentToken()) {
      case START_OBJECT -> {
        ObjectNode object = NODES.objectNode();
        while (yaml.nextToken() == JsonToken.FIELD_NAME) {
          String field = yaml.currentName();
          yaml.nextToken();
          object.set(field, value(yaml));
        }
        return object;
      }
      case START_ARRAY -> {
        ArrayNode array = NODES.arrayNode();
        while (yaml.nextToken() != JsonToken.END_ARRAY) {
          array.add(value(yaml));
        }
        return array;
      }
      case VALUE_NULL -> {
        return NODES.nullNode();
      }
      case VALUE_STRING, VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT, VALUE_TRUE, VALUE_FALSE -> {
        return NODES.textNode(yaml.getText());
      }
      default ->
          throw new IllegalArgumentException(
              "line "
                  + yaml.currentTokenLocation().getLineNr()
                  + " has a value that is no text; write it as text");
    }
  }

  /** The parser's message shows the text around the mistake; what is said about it is enough. */
  private static String withoutSnippets(String message) {
    return message
        .lines()
        .filter(line -> !line.isBlank() && !line.startsWith(" "))
        .collect(Collectors.joining(", "));
  }
}
