package io.github.secretscontroller.core;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
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
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Writes the JSON form of {@link InjectionPlan}. Apart from {@link PlanReader}, since the fetcher
 * only ever reads one.
 */
final class PlanWriter {

  private static final JsonFactory FACTORY = new JsonFactory();

  private PlanWriter() {}

  static String write(InjectionPlan plan) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = FACTORY.createGenerator(text)) {
      json.writeStartObject();
      json.writeNumberField("version", InjectionPlan.FORMAT_VERSION);
      json.writeArrayFieldStart("files");
      for (SecretFile file : plan.files()) {
        write(json, file);
      }
      json.writeEndArray();
      writeIfPresent(json, "region", plan.region());
      writeIfPresent(json, "failoverRegion", plan.failoverRegion());
      write(json, plan.refresh());
      write(json, plan.onChange());
      if (!plan.allowed().isEmpty()) {
        writeAll(json, "allowed", plan.allowed());
      }
      Sealed sealed = plan.sealed();
      if (sealed != null) {
        json.writeObjectFieldStart("sealed");
        writeAll(json, "keys", sealed.keys());
        json.writeStringField("cluster", sealed.cluster());
        json.writeStringField("namespace", sealed.namespace());
        json.writeEndObject();
      }
      if (!plan.resolve().isEmpty()) {
        json.writeArrayFieldStart("resolve");
        for (ResolvedVolume volume : plan.resolve()) {
          write(json, volume);
        }
        json.writeEndArray();
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    // A '$' can only stand inside of a JSON string, where this escape means the same.
    return text.toString().replace("$", "\\u0024");
  }

  private static void write(JsonGenerator json, SecretFile file) throws IOException {
    json.writeStartObject();
    writeIfPresent(json, "name", file.name());
    writeIfPresent(json, "secret", file.secret());
    writeIfPresent(json, "failover", file.failover());
    json.writeStringField("path", file.path());
    Content content = file.content();
    if (content instanceof Formatted formatted) {
      if (formatted.format() != Format.RAW) {
        json.writeStringField("format", formatted.format().name().toLowerCase(Locale.ROOT));
      }
    } else if (content instanceof Template template) {
      json.writeStringField("template", template.text());
    } else if (content instanceof KeyFiles keyFiles) {
      writeAll(json, "keys", keyFiles.keys());
    } else if (content instanceof EnvironmentFile environment) {
      json.writeObjectFieldStart("env");
      for (Map.Entry<String, String> variable : environment.keyByVariable().entrySet()) {
        json.writeStringField(variable.getKey(), variable.getValue());
      }
      json.writeEndObject();
    }
    if (file.mode() != SecretFile.DEFAULT_MODE) {
      json.writeStringField("mode", String.format("%04o", file.mode()));
    }
    if (file.optional()) {
      json.writeBooleanField("optional", true);
    }
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, ResolvedVolume volume) throws IOException {
    json.writeStartObject();
    json.writeStringField("volume", volume.volume());
    if (!volume.parts().equals(List.of(Part.REFERENCES))) {
      writeAll(
          json,
          "parts",
          volume.parts().stream().map(part -> part.name().toLowerCase(Locale.ROOT)).toList());
    }
    if (volume.environment()) {
      json.writeBooleanField("environment", true);
    }
    json.writeEndObject();
  }

  private static void write(JsonGenerator json, Refresh refresh) throws IOException {
    if (!isDefault(refresh)) {
      json.writeObjectFieldStart("refresh");
      json.writeStringField("interval", refresh.interval().toString());
      writeIfPresent(json, "staleAfter", refresh.staleAfter());
      if (refresh.unreadyWhenStale()) {
        json.writeBooleanField("unreadyWhenStale", true);
      }
      json.writeEndObject();
    }
  }

  /** The equality of a record is put together at run time, which takes a process's start 10 ms. */
  private static boolean isDefault(Refresh refresh) {
    return refresh.interval().equals(Refresh.DEFAULT.interval())
        && Objects.equals(refresh.staleAfter(), Refresh.DEFAULT.staleAfter())
        && refresh.unreadyWhenStale() == Refresh.DEFAULT.unreadyWhenStale();
  }

  private static void write(JsonGenerator json, OnChange onChange) throws IOException {
    if (onChange instanceof Signal signal) {
      json.writeObjectFieldStart("onChange");
      json.writeStringField("signal", signal.signal());
      json.writeStringField("process", signal.process());
      json.writeEndObject();
    } else if (onChange instanceof HttpPost post) {
      json.writeObjectFieldStart("onChange");
      json.writeStringField("post", post.url().toString());
      json.writeEndObject();
    }
  }

  private static void writeIfPresent(JsonGenerator json, String field, @Nullable Object value)
      throws IOException {
    if (value != null) {
      json.writeStringField(field, value.toString());
    }
  }

  private static void writeAll(JsonGenerator json, String field, List<?> values)
      throws IOException {
    json.writeArrayFieldStart(field);
    for (Object value : values) {
      json.writeString(value.toString());
    }
    json.writeEndArray();
  }
}
