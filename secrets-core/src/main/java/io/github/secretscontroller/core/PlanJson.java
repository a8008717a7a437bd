package io.github.secretscontroller.core;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.github.secretscontroller.core.InjectionPlan.SecretFile;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The JSON form of {@link InjectionPlan}, by Jackson's streaming API: the fetcher reads one plan in
 * its life, and data binding would cost it more class loading than the whole document is worth.
 */
final class PlanJson {

  private static final JsonFactory FACTORY =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private PlanJson() {}

  static String write(InjectionPlan plan) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(text)) {
      json.writeStartObject();
      json.writeNumberField("version", InjectionPlan.FORMAT_VERSION);
      json.writeArrayFieldStart("files");
      for (SecretFile file : plan.files()) {
        json.writeStartObject();
        json.writeStringField("secret", file.secret().toString());
        json.writeStringField("path", file.path());
        if (file.mode() != SecretFile.DEFAULT_MODE) {
          json.writeStringField("mode", String.format("%04o", file.mode()));
        }
        if (file.optional()) {
          json.writeBooleanField("optional", true);
        }
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    // A '$' can only stand inside of a JSON string, where this escape means the same.
    return text.toString().replace("$", "\\u0024");
  }

  static InjectionPlan read(String text) {
    try (JsonParser json = FACTORY.createParser(text)) {
      require(json.nextToken() == JsonToken.START_OBJECT, "it is not a JSON object");
      Integer version = null;
      List<SecretFile> files = null;
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        String field = json.currentName();
        json.nextToken();
        switch (field) {
          case "version" -> {
            require(json.currentToken() == JsonToken.VALUE_NUMBER_INT, "\"version\" is no integer");
            version = json.getIntValue();
            requireKnown(version);
          }
          case "files" -> files = readFiles(json);
          default -> throw invalid("it has the unknown field \"" + field + "\"", null);
        }
      }
      require(json.nextToken() == null, "something follows the JSON object");
      if (version == null) {
        throw invalid("\"version\" is missing", null);
      }
      if (files == null) {
        throw invalid("\"files\" is missing", null);
      }
      return new InjectionPlan(files);
    } catch (JsonProcessingException e) {
      throw invalid(
          e.getOriginalMessage()
              + " at line "
              + e.getLocation().getLineNr()
              + ", column "
              + e.getLocation().getColumnNr(),
          e);
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory failed", e);
    }
  }

  private static void requireKnown(int version) {
    require(
        version == InjectionPlan.FORMAT_VERSION,
        "it has version "
            + version
            + ", and this program reads version "
            + InjectionPlan.FORMAT_VERSION
            + " only; use the webhook and the fetcher of one release");
  }

  private static List<SecretFile> readFiles(JsonParser json) throws IOException {
    require(json.currentToken() == JsonToken.START_ARRAY, "\"files\" is no array");
    List<SecretFile> files = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      String where = "files[" + files.size() + "]";
      require(json.currentToken() == JsonToken.START_OBJECT, where + " is no object");
      files.add(readFile(json, where));
    }
    return files;
  }

  private static SecretFile readFile(JsonParser json, String where) throws IOException {
    String secret = null;
    String path = null;
    int mode = SecretFile.DEFAULT_MODE;
    boolean optional = false;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      JsonToken value = json.nextToken();
      String fieldAt = where + "." + field;
      if (field.equals("optional")) {
        require(value.isBoolean(), fieldAt + " is neither true nor false");
        optional = json.getBooleanValue();
        continue;
      }
      require(value == JsonToken.VALUE_STRING, fieldAt + " is no string, or is unknown");
      switch (field) {
        case "secret" -> secret = json.getText();
        case "path" -> path = json.getText();
        case "mode" -> mode = readMode(json.getText(), fieldAt);
        default -> throw invalid(fieldAt + " is an unknown field", null);
      }
    }
    if (secret == null || path == null) {
      throw invalid(where + " needs \"secret\" and \"path\"", null);
    }
    try {
      return new SecretFile(SecretReference.parse(secret), path, mode, optional);
    } catch (IllegalArgumentException e) {
      throw invalid(where + ": " + e.getMessage(), e);
    }
  }

  private static int readMode(String text, String fieldAt) {
    require(text.matches("0?[0-7]{3}"), fieldAt + " must be octal, such as \"0444\"");
    return Integer.parseInt(text, 8);
  }

  private static void require(boolean condition, String otherwise) {
    if (!condition) {
      throw invalid(otherwise, null);
    }
  }

  private static IllegalArgumentException invalid(String reason, @Nullable Throwable cause) {
    return new IllegalArgumentException("not an injection plan: " + reason, cause);
  }
}
