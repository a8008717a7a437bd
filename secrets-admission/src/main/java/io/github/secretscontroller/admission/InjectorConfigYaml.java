package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The YAML form of {@link InjectorConfig}: strict, and one option for each builder method. */
final class InjectorConfigYaml {

  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private InjectorConfigYaml() {}

  static void read(String text, InjectorConfig.Builder builder) {
    JsonNode document;
    try {
      document = YAML.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "the configuration is no valid YAML: " + e.getOriginalMessage(), e);
    }
    if (document.isMissingNode() || document.isNull()) {
      return;
    }
    if (!document.isObject()) {
      throw new IllegalArgumentException("the configuration must be a YAML mapping of options");
    }
    document.properties().forEach(option -> apply(option.getKey(), option.getValue(), builder));
  }

  private static void apply(String option, JsonNode value, InjectorConfig.Builder builder) {
    switch (option) {
      case "fetcherImage" -> builder.fetcherImage(scalar(option, value));
      case "imagePullPolicy" -> builder.imagePullPolicy(scalar(option, value));
      case "env" -> map(option, value).forEach(builder::env);
      case "resources" -> applyResources(value, builder);
      case "volumeSizeLimit" -> builder.volumeSizeLimit(scalar(option, value));
      case "tmpSizeLimit" -> builder.tmpSizeLimit(scalar(option, value));
      case "excludedNamespaces" -> builder.excludedNamespaces(list(option, value));
      // Read by NativeSecretsConfig.
      case NativeSecretsYaml.SECTION -> {}
      default -> throw unknown(option);
    }
  }

  private static void applyResources(JsonNode value, InjectorConfig.Builder builder) {
    if (!value.isObject()) {
      throw new IllegalArgumentException("resources must be a mapping of requests and limits");
    }
    value
        .properties()
        .forEach(
            entry -> {
              String option = "resources." + entry.getKey();
              switch (entry.getKey()) {
                case "requests" -> builder.requests(map(option, entry.getValue()));
                case "limits" -> builder.limits(map(option, entry.getValue()));
                default -> throw unknown(option);
              }
            });
  }

  private static Map<String, String> map(String option, JsonNode value) {
    if (!value.isObject()) {
      throw new IllegalArgumentException(option + " must be a mapping of names to values");
    }
    Map<String, String> map = new LinkedHashMap<>();
    value
        .properties()
        .forEach(
            entry ->
                map.put(entry.getKey(), scalar(option + "." + entry.getKey(), entry.getValue())));
    return map;
  }

  private static List<String> list(String option, JsonNode value) {
    if (!value.isArray()) {
      throw new IllegalArgumentException(option + " must be a list");
    }
    List<String> list = new ArrayList<>();
    value.forEach(element -> list.add(scalar(option, element)));
    return list;
  }

  private static String scalar(String option, JsonNode value) {
    if (!value.isValueNode() || value.isNull()) {
      throw new IllegalArgumentException(option + " must be a single value");
    }
    return value.asText();
  }

  private static IllegalArgumentException unknown(String option) {
    return new IllegalArgumentException("the option \"" + option + "\" is unknown");
  }
}
