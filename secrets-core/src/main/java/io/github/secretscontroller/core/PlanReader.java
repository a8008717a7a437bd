package io.github.secretscontroller.core;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import io.github.secretscontroller.core.InjectionPlan.HttpPost;
import io.github.secretscontroller.core.InjectionPlan.OnChange;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import io.github.secretscontroller.core.InjectionPlan.Sealed;
import io.github.secretscontroller.core.InjectionPlan.Signal;
import io.github.secretscontroller.core.ResolvedVolume.Part;
import io.github.secretscontroller.core.SecretFile.Content;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import io.github.secretscontroller.core.SecretFile.Template;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads the JSON form of {@link InjectionPlan}, by Jackson's streaming API: the fetcher reads one
 * plan in its life, and data binding would cost it more class loading than the whole document is
 * worth.
 */
final class PlanReader {

  private static final JsonFactory FACTORY =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final JsonParser json;

  private PlanReader(JsonParser json) {
    this.json = json;
  }

  static InjectionPlan read(String text) {
    try (JsonParser json = FACTORY.createParser(text)) {
      return new PlanReader(json).read();
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

  private InjectionPlan read() throws IOException {
    require(json.nextToken() == JsonToken.START_OBJECT, "it is not a JSON object");
    Integer version = null;
    boolean hasFiles = false;
    InjectionPlan.Builder plan = InjectionPlan.builder();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "version" -> {
          require(json.currentToken() == JsonToken.VALUE_NUMBER_INT, "\"version\" is no integer");
          version = json.getIntValue();
          requireKnown(version);
        }
        case "files" -> {
          hasFiles = true;
          plan.files(readFiles());
        }
        case "region" -> plan.region(string(field));
        case "failoverRegion" -> plan.failoverRegion(string(field));
        case "refresh" -> plan.refresh(readRefresh(field));
        case "onChange" -> plan.onChange(readOnChange(field));
        case "allowed" -> plan.allowed(readPatterns(field));
        case "sealed" -> plan.sealed(readSealed(field));
        case "resolve" -> plan.resolve(readResolved(field));
        default -> throw invalid("it has the unknown field \"" + field + "\"", null);
      }
    }
    require(json.nextToken() == null, "something follows the JSON object");
    require(version != null, "\"version\" is missing");
    require(hasFiles, "\"files\" is missing");
    return checked("", plan::build);
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

  private List<SecretFile> readFiles() throws IOException {
    require(json.currentToken() == JsonToken.START_ARRAY, "\"files\" is no array");
    List<SecretFile> files = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      String where = "files[" + files.size() + "]";
      require(json.currentToken() == JsonToken.START_OBJECT, where + " is no object");
      files.add(readFile(where));
    }
    return files;
  }

  private SecretFile readFile(String where) throws IOException {
    String name = null;
    String secret = null;
    String failover = null;
    String path = null;
    Content content = null;
    int mode = SecretFile.DEFAULT_MODE;
    boolean optional = false;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      String fieldAt = where + "." + field;
      json.nextToken();
      switch (field) {
        case "name" -> name = string(fieldAt);
        case "secret" -> secret = string(fieldAt);
        case "failover" -> failover = string(fieldAt);
        case "path" -> path = string(fieldAt);
        case "mode" -> mode = readMode(fieldAt);
        case "optional" -> optional = bool(fieldAt);
        case "format", "template", "keys", "env" -> {
          require(content == null, where + " has more than one of format, template, keys and env");
          content = readContent(field, fieldAt);
        }
        default -> throw invalid(fieldAt + " is an unknown field", null);
      }
    }
    boolean complete = path != null && (secret != null || content instanceof Template);
    if (!complete || path == null) {
      throw invalid(where + " needs \"secret\" and \"path\"", null);
    }
    String theName = name;
    String theSecret = secret;
    String theFailover = failover;
    String thePath = path;
    Content theContent = content == null ? Formatted.RAW : content;
    int theMode = mode;
    boolean isOptional = optional;
    return checked(
        where,
        () ->
            new SecretFile(
                theName,
                theSecret == null ? null : SecretReference.parse(theSecret),
                theFailover == null ? null : SecretReference.parse(theFailover),
                thePath,
                theContent,
                theMode,
                isOptional));
  }

  private Content readContent(String field, String fieldAt) throws IOException {
    return switch (field) {
      case "format" -> new Formatted(readFormat(fieldAt));
      case "template" -> new Template(string(fieldAt));
      case "keys" -> new KeyFiles(strings(fieldAt));
      default -> {
        Map<String, String> variables = readObject(fieldAt);
        yield checked(fieldAt, () -> new EnvironmentFile(variables));
      }
    };
  }

  private Format readFormat(String fieldAt) throws IOException {
    String text = string(fieldAt);
    for (Format format : Format.values()) {
      if (format.name().toLowerCase(Locale.ROOT).equals(text)) {
        return format;
      }
    }
    throw invalid(fieldAt + " is an unknown format", null);
  }

  private Refresh readRefresh(String where) throws IOException {
    require(json.currentToken() == JsonToken.START_OBJECT, "\"" + where + "\" is no object");
    Duration interval = Refresh.DEFAULT.interval();
    Duration staleAfter = null;
    boolean unready = false;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      String fieldAt = where + "." + field;
      json.nextToken();
      switch (field) {
        case "interval" -> interval = duration(fieldAt);
        case "staleAfter" -> staleAfter = duration(fieldAt);
        case "unreadyWhenStale" -> unready = bool(fieldAt);
        default -> throw invalid(fieldAt + " is an unknown field", null);
      }
    }
    Duration theInterval = interval;
    Duration theBound = staleAfter;
    boolean unreadyWhenStale = unready;
    return checked(where, () -> new Refresh(theInterval, theBound, unreadyWhenStale));
  }

  private OnChange readOnChange(String where) throws IOException {
    Map<String, String> fields = readObject(where);
    return checked(
        where,
        () -> {
          if (fields.keySet().equals(Set.of("post"))) {
            return new HttpPost(URI.create(fields.getOrDefault("post", "")));
          }
          if (fields.keySet().equals(Set.of("signal", "process"))) {
            return new Signal(
                fields.getOrDefault("signal", ""), fields.getOrDefault("process", ""));
          }
          throw new IllegalArgumentException("it needs \"signal\" and \"process\", or \"post\"");
        });
  }

  private List<ReferencePattern> readPatterns(String where) throws IOException {
    List<String> texts = strings(where);
    return checked(where, () -> texts.stream().map(ReferencePattern::new).toList());
  }

  private List<ResolvedVolume> readResolved(String where) throws IOException {
    require(json.currentToken() == JsonToken.START_ARRAY, "\"" + where + "\" is no array");
    List<ResolvedVolume> volumes = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      String at = where + "[" + volumes.size() + "]";
      require(json.currentToken() == JsonToken.START_OBJECT, at + " is no object");
      volumes.add(readResolvedVolume(at));
    }
    return volumes;
  }

  private ResolvedVolume readResolvedVolume(String at) throws IOException {
    String volume = null;
    List<Part> parts = List.of(Part.REFERENCES);
    boolean environment = false;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      String fieldAt = at + "." + field;
      json.nextToken();
      switch (field) {
        case "volume" -> volume = string(fieldAt);
        case "parts" -> parts = strings(fieldAt).stream().map(part -> part(part, fieldAt)).toList();
        case "environment" -> environment = bool(fieldAt);
        default -> throw invalid(fieldAt + " is an unknown field", null);
      }
    }
    if (volume == null) {
      throw invalid(at + " needs \"volume\"", null);
    }
    String theVolume = volume;
    List<Part> theParts = parts;
    boolean isEnvironment = environment;
    return checked(at, () -> new ResolvedVolume(theVolume, theParts, isEnvironment));
  }

  private static Part part(String text, String fieldAt) {
    for (Part part : Part.values()) {
      if (part.name().toLowerCase(Locale.ROOT).equals(text)) {
        return part;
      }
    }
    throw invalid(fieldAt + " has the unknown part \"" + text + "\"", null);
  }

  private Sealed readSealed(String where) throws IOException {
    require(json.currentToken() == JsonToken.START_OBJECT, "\"" + where + "\" is no object");
    List<String> keys = null;
    String cluster = null;
    String namespace = null;
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      String fieldAt = where + "." + field;
      json.nextToken();
      switch (field) {
        case "keys" -> keys = strings(fieldAt);
        case "cluster" -> cluster = string(fieldAt);
        case "namespace" -> namespace = string(fieldAt);
        default -> throw invalid(fieldAt + " is an unknown field", null);
      }
    }
    if (keys == null || cluster == null || namespace == null) {
      throw invalid(where + " needs \"keys\", \"cluster\" and \"namespace\"", null);
    }
    return new Sealed(keys, cluster, namespace);
  }

  private Map<String, String> readObject(String where) throws IOException {
    require(json.currentToken() == JsonToken.START_OBJECT, "\"" + where + "\" is no object");
    Map<String, String> fields = new LinkedHashMap<>();
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      fields.put(field, string(where + "." + field));
    }
    return fields;
  }

  private int readMode(String fieldAt) throws IOException {
    String text = string(fieldAt);
    require(text.matches("0?[0-7]{3}"), fieldAt + " must be octal, such as \"0444\"");
    return Integer.parseInt(text, 8);
  }

  private Duration duration(String fieldAt) throws IOException {
    String text = string(fieldAt);
    try {
      return Duration.parse(text);
    } catch (DateTimeException e) {
      throw invalid(fieldAt + " is no duration such as \"PT5M\"", e);
    }
  }

  private List<String> strings(String fieldAt) throws IOException {
    require(json.currentToken() == JsonToken.START_ARRAY, "\"" + fieldAt + "\" is no array");
    List<String> strings = new ArrayList<>();
    while (json.nextToken() != JsonToken.END_ARRAY) {
      strings.add(string(fieldAt + "[" + strings.size() + "]"));
    }
    return strings;
  }

  private String string(String fieldAt) throws IOException {
    require(json.currentToken() == JsonToken.VALUE_STRING, fieldAt + " is no string");
    return json.getText();
  }

  private boolean bool(String fieldAt) throws IOException {
    require(json.currentToken().isBoolean(), fieldAt + " is neither true nor false");
    return json.getBooleanValue();
  }

  /** The same reason, with the place in the document in front of it. */
  private static <T> T checked(String where, Supplier<T> value) {
    try {
      return value.get();
    } catch (IllegalArgumentException e) {
      throw invalid((where.isEmpty() ? "" : where + ": ") + e.getMessage(), e);
    }
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
