package io.github.secretscontroller.samples.deployment;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.introspect.Annotated;
import com.fasterxml.jackson.databind.introspect.JacksonAnnotationIntrospector;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import io.fabric8.certmanager.api.model.v1.Certificate;
import io.fabric8.certmanager.api.model.v1.Issuer;
import io.fabric8.openshift.api.model.monitoring.v1.PrometheusRule;
import io.fabric8.openshift.api.model.monitoring.v1.ServiceMonitor;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The chart in Helm's own engine, and what it renders. */
final class Chart {

  static final Path DIRECTORY = Path.of("chart");
  static final String NAMESPACE = "secrets-system";

  private static final YAMLMapper YAML = new YAMLMapper();

  /** Of cert-manager and of the Prometheus operator. */
  private static final Map<String, Class<?>> CUSTOM =
      Map.of(
          "cert-manager.io/v1/Issuer", Issuer.class,
          "cert-manager.io/v1/Certificate", Certificate.class,
          "monitoring.coreos.com/v1/ServiceMonitor", ServiceMonitor.class,
          "monitoring.coreos.com/v1/PrometheusRule", PrometheusRule.class);

  private static final JsonMapper STRICT =
      JsonMapper.builder()
          .annotationIntrospector(new NoAnySetters())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .build();

  private Chart() {}

  static String render(String kubeVersion, Map<String, Object> values) {
    return render(NAMESPACE, kubeVersion, values);
  }

  static String render(String namespace, String kubeVersion, Map<String, Object> values) {
    TemplateCommand template =
        new Helm(DIRECTORY)
            .template()
            .withName("secrets-webhook")
            .withNamespace(namespace)
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

  /** The environment of the Deployment's container. */
  static Map<String, String> environment(List<JsonNode> objects) {
    Map<String, String> env = new HashMap<>();
    for (JsonNode variable :
        only(objects, "Deployment").at("/spec/template/spec/containers/0/env")) {
      env.put(variable.path("name").asText(), variable.path("value").asText());
    }
    return env;
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

  /** Fails on a field that Kubernetes, or whose resource it is, doesn't know or has as another. */
  static void validate(JsonNode object) {
    if (object.at("/metadata/name").asText().isEmpty()) {
      throw new AssertionError("an object without a name: " + object);
    }
    String kind = object.path("kind").asText();
    Class<?> custom = CUSTOM.get(object.path("apiVersion").asText() + "/" + kind);
    try {
      if (custom != null) {
        STRICT.treeToValue(object, custom);
      } else {
        Class<?> model = Class.forName(model(object.path("apiVersion").asText(), kind));
        model
            .getMethod("validateJsonElement", JsonElement.class)
            .invoke(null, JsonParser.parseString(object.toString()));
        // Types, too: the model reads each field.
        model.getMethod("fromJson", String.class).invoke(null, object.toString());
      }
    } catch (JsonProcessingException e) {
      throw new AssertionError(kind + ": " + e.getOriginalMessage(), e);
    } catch (InvocationTargetException e) {
      throw new AssertionError(kind + ": " + e.getCause().getMessage(), e.getCause());
    } catch (ReflectiveOperationException e) {
      throw new LinkageError("nobody knows the kind " + kind, e);
    }
  }

  private static String model(String apiVersion, String kind) {
    String version = apiVersion.substring(apiVersion.indexOf('/') + 1);
    return "io.kubernetes.client.openapi.models."
        + Character.toUpperCase(version.charAt(0))
        + version.substring(1)
        + kind;
  }

  /** Where a model would keep what it doesn't know, an unknown field is an error. */
  private static final class NoAnySetters extends JacksonAnnotationIntrospector {

    private static final long serialVersionUID = 1L;

    @Override
    public Boolean hasAnySetter(Annotated annotated) {
      return Boolean.FALSE;
    }
  }
}
