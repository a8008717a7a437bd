package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The YAML form of {@link NativeSecretsConfig}: strict, one option for each builder method. All
 * problems of the section are told at once.
 */
final class NativeSecretsYaml {

  static final String SECTION = "nativeSecrets";

  private static final YAMLMapper YAML =
      YAMLMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private static final List<String> OPTIONS =
      List.of(
          "cluster",
          "namespaces",
          "excludedNamespaces",
          "layout",
          "versions",
          "nameTemplate",
          "profile");

  private NativeSecretsYaml() {}

  /** The names of all options, with the section's. */
  static List<String> options() {
    return OPTIONS.stream().map(option -> SECTION + "." + option).toList();
  }

  static NativeSecretsConfig.Builder read(Path file) {
    try {
      return NativeSecretsConfig.fromYaml(Files.readString(file));
    } catch (IOException e) {
      throw new UncheckedIOException("can't read " + file, e);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  static void read(String text, NativeSecretsConfig.Builder builder) {
    JsonNode section;
    try {
      section = YAML.readTree(text).path(SECTION);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "the configuration is no valid YAML: " + e.getOriginalMessage(), e);
    }
    if (!section.isMissingNode() && !section.isNull()) {
      read(section, builder);
    }
  }

  static void read(JsonNode section, NativeSecretsConfig.Builder builder) {
    if (!section.isObject()) {
      throw new IllegalArgumentException(
          SECTION + " must be a mapping of " + String.join(", ", OPTIONS));
    }
    List<String> problems = new ArrayList<>();
    section
        .properties()
        .forEach(
            option -> {
              try {
                apply(option.getKey(), option.getValue(), builder);
              } catch (IllegalArgumentException e) {
                problems.add(String.valueOf(e.getMessage()));
              }
            });
    if (problems.isEmpty()) {
      // For what only shows when all of it is known.
      builder.build();
    }
    ConfigChecks.require(problems);
  }

  private static void apply(String option, JsonNode value, NativeSecretsConfig.Builder builder) {
    switch (option) {
      case "cluster" -> builder.cluster(scalar(option, value));
      case "namespaces" -> builder.namespaces(list(option, value));
      case "excludedNamespaces" -> builder.excludedNamespaces(list(option, value));
      case "layout" -> builder.layout(constant(NativeSecretsConfig.Layout.class, option, value));
      case "versions" ->
          builder.versions(constant(NativeSecretsConfig.Versions.class, option, value));
      case "nameTemplate" -> builder.nameTemplate(scalar(option, value));
      case "profile" -> {
        if (!scalar(option, value).equals("nase")) {
          throw new IllegalArgumentException(
              SECTION + ".profile can be nase only, not \"" + scalar(option, value) + "\"");
        }
        builder.naseProfile();
      }
      default ->
          throw new IllegalArgumentException(
              "the option \""
                  + SECTION
                  + "."
                  + option
                  + "\" is unknown"
                  + NearMiss.of(option, OPTIONS)
                      .map(meant -> "; did you mean " + SECTION + "." + meant + "?")
                      .orElse(""));
    }
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String option, JsonNode value) {
    List<String> allowed = new ArrayList<>();
    for (E constant : type.getEnumConstants()) {
      String name = constant.name().toLowerCase(Locale.ROOT);
      if (name.equals(scalar(option, value))) {
        return constant;
      }
      allowed.add(name);
    }
    throw new IllegalArgumentException(
        SECTION
            + "."
            + option
            + " must be "
            + String.join(" or ", allowed)
            + ", not \""
            + scalar(option, value)
            + "\"");
  }

  private static List<String> list(String option, JsonNode value) {
    if (!value.isArray()) {
      throw new IllegalArgumentException(SECTION + "." + option + " must be a list");
    }
    List<String> list = new ArrayList<>();
    value.forEach(element -> list.add(scalar(option, element)));
    return list;
  }

  private static String scalar(String option, JsonNode value) {
    if (!value.isValueNode() || value.isNull()) {
      throw new IllegalArgumentException(SECTION + "." + option + " must be a single value");
    }
    return value.asText();
  }
}
