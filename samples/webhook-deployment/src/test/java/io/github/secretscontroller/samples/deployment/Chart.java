package io.github.secretscontroller.samples.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The chart in Helm's own engine, and what it renders. */
final class Chart {

  static final Path DIRECTORY = Path.of("chart");
  static final String NAMESPACE = "secrets-system";

  private static final YAMLMapper YAML = new YAMLMapper();

  private Chart() {}

  static String render(String kubeVersion, Map<String, Object> values) {
    TemplateCommand template =
        new Helm(DIRECTORY)
            .template()
            .withName("secrets-webhook")
            .withNamespace(NAMESPACE)
            .withKubeVersion(kubeVersion);
    values.forEach(template::set);
    return template.call();
  }

  /** With values as a user writes them in a file. */
  static String renderFile(Path values) {
    return new Helm(DIRECTORY)
        .template()
        .withName("secrets-webhook")
        .withNamespace(NAMESPACE)
        .withKubeVersion("1.33.0")
        .withValuesFile(values)
        .call();
  }

  static List<JsonNode> objects(String yaml) {
    List<JsonNode> objects = new ArrayList<>();
    try (MappingIterator<JsonNode> documents = YAML.readerFor(JsonNode.class).readValues(yaml)) {
      while (documents.hasNext()) {
        JsonNode object = documents.next();
        if (!object.isNull() && !object.isMissingNode()) {
          objects.add(object);
        }
      }
      return objects;
    } catch (IOException e) {
      throw new IllegalArgumentException("no YAML: " + e.getMessage() + "\n" + yaml, e);
    }
  }

  static List<JsonNode> objects(Path file) throws IOException {
    return objects(Files.readString(file));
  }

  static JsonNode only(List<JsonNode> objects, String kind) {
    List<JsonNode> found =
        objects.stream().filter(object -> object.path("kind").asText().equals(kind)).toList();
    if (found.size() != 1) {
      throw new AssertionError("there are " + found.size() + " of kind " + kind);
    }
    return found.get(0);
  }

  static JsonNode named(List<JsonNode> objects, String kind, String name) {
    return objects.stream()
        .filter(object -> object.path("kind").asText().equals(kind))
        .filter(object -> object.at("/metadata/name").asText().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("there is no " + kind + " " + name));
  }

  /**
   * Fails on a field that Kubernetes doesn't know, or that has the wrong type. Custom resources
   * have no model here: they are only checked for a name.
   */
  static void validate(JsonNode object) {
    if (object.at("/metadata/name").asText().isEmpty()) {
      throw new AssertionError("an object without a name: " + object);
    }
    String apiVersion = object.path("apiVersion").asText();
    String version = apiVersion.substring(apiVersion.indexOf('/') + 1);
    String kind = object.path("kind").asText();
    if (apiVersion.startsWith("cert-manager.io/")
        || apiVersion.startsWith("monitoring.coreos.com/")) {
      return;
    }
    String model =
        "io.kubernetes.client.openapi.models."
            + Character.toUpperCase(version.charAt(0))
            + version.substring(1)
            + kind;
    try {
      Class.forName(model)
          .getMethod("validateJsonElement", JsonElement.class)
          .invoke(null, JsonParser.parseString(object.toString()));
      // Types, too: the model reads each field.
      Class.forName(model).getMethod("fromJson", String.class).invoke(null, object.toString());
    } catch (InvocationTargetException e) {
      throw new AssertionError(kind + ": " + e.getCause().getMessage(), e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("Kubernetes knows no " + apiVersion + " " + kind, e);
    }
  }
}
