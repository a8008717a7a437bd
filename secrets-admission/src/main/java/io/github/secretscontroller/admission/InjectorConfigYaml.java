package io.github.secretscontroller.admission;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import io.github.secretscontroller.core.ReferencePattern;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The YAML form of {@link InjectorConfig}: strict, and one option for each builder method. All
 * problems of a document are told at once.
 */
final class InjectorConfigYaml {

  // Numbers keep every digit: 1.30 is a version, not 1.3.
  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build();

  private static final List<String> OPTIONS =
      List.of(
          "fetcherImage",
          "imageMirrors",
          "imagePullPolicy",
          "imagePullSecrets",
          "env",
          "resources",
          "volumeSizeLimit",
          "tmpSizeLimit",
          "excludedNamespaces",
          "defaultMode",
          "defaultRegion",
          "refresh",
          "healthPort",
          "kms",
          "environmentFiles",
          "allowHostNamespaces",
          "kubernetesVersion",
          "policy",
          NativeSecretsYaml.SECTION);

  private final InjectorConfig.Builder builder;
  private final List<String> problems = new ArrayList<>();

  private InjectorConfigYaml(InjectorConfig.Builder builder) {
    this.builder = builder;
  }

  /** The names of all options. */
  static List<String> options() {
    return OPTIONS;
  }

  static InjectorConfig.Builder readFile(String file) {
    try {
      return InjectorConfig.fromYaml(Files.readString(Path.of(file)));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    } catch (IOException e) {
      throw new UncheckedIOException("WEBHOOK_CONFIG, " + file + ", can't be read", e);
    }
  }

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
    InjectorConfigYaml reader = new InjectorConfigYaml(builder);
    document
        .properties()
        .forEach(option -> reader.attempt(() -> reader.apply(option.getKey(), option.getValue())));
    reader.problems.addAll(builder.contradictions());
    ConfigChecks.require(reader.problems);
  }

  /** Notes a problem, so that those after it are found too. */
  private void attempt(Runnable step) {
    try {
      step.run();
    } catch (IllegalArgumentException e) {
      problems.add(String.valueOf(e.getMessage()));
    }
  }

  private void apply(String option, JsonNode value) {
    switch (option) {
      case "fetcherImage" -> builder.fetcherImage(scalar(option, value));
      case "imageMirrors" -> builder.imageMirrors(list(option, value));
      case "imagePullPolicy" -> builder.imagePullPolicy(scalar(option, value));
      case "imagePullSecrets" -> builder.imagePullSecrets(list(option, value));
      case "env" -> map(option, value).forEach((name, v) -> attempt(() -> builder.env(name, v)));
      case "resources" -> applyResources(option, value);
      case "volumeSizeLimit" -> builder.volumeSizeLimit(scalar(option, value));
      case "tmpSizeLimit" -> builder.tmpSizeLimit(scalar(option, value));
      case "excludedNamespaces" -> builder.excludedNamespaces(list(option, value));
      case "defaultMode" -> builder.defaultMode(scalar(option, value));
      case "defaultRegion" -> builder.defaultRegion(scalar(option, value));
      case "refresh" -> applyRefresh(option, value);
      case "healthPort" -> builder.healthPort(integer(option, value));
      case "kms" -> applyKms(option, value);
      case "environmentFiles" -> builder.environmentFiles(bool(option, value));
      case "allowHostNamespaces" -> builder.allowHostNamespaces(bool(option, value));
      case "kubernetesVersion" -> builder.kubernetesVersion(scalar(option, value));
      case "policy" -> applyPolicy(option, value);
      case NativeSecretsYaml.SECTION -> {
        // NativeSecretsConfig reads it; here it is checked, so that all problems are told at once,
        // and one option means something to pods.
        NativeSecretsYaml.read(value, NativeSecretsConfig.builder());
        if (PodTree.text(value, "profile").equals("nase")) {
          builder.naseProfile();
        }
      }
      default -> throw unknown("", option, OPTIONS);
    }
  }

  private void applyResources(String option, JsonNode value) {
    requireMapping(option, value, List.of("requests", "limits", "maximum"));
    value
        .properties()
        .forEach(
            entry ->
                attempt(
                    () -> {
                      Map<String, String> quantities =
                          map(option + "." + entry.getKey(), entry.getValue());
                      switch (entry.getKey()) {
                        case "requests" -> builder.requests(quantities);
                        case "limits" -> builder.limits(quantities);
                        default -> builder.maximum(quantities);
                      }
                    }));
  }

  private void applyRefresh(String option, JsonNode value) {
    requireMapping(option, value, List.of("interval", "staleAfter", "unreadyWhenStale"));
    Duration interval =
        value.has("interval")
            ? duration(option + ".interval", value.get("interval"))
            : Refresh.DEFAULT.interval();
    Duration staleAfter =
        value.has("staleAfter") ? duration(option + ".staleAfter", value.get("staleAfter")) : null;
    boolean unready =
        value.has("unreadyWhenStale")
            && bool(option + ".unreadyWhenStale", value.get("unreadyWhenStale"));
    try {
      builder.refresh(new Refresh(interval, staleAfter, unready));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(option + ": " + e.getMessage(), e);
    }
  }

  private void applyKms(String option, JsonNode value) {
    requireMapping(option, value, List.of("keys", "cluster"));
    if (!value.has("keys") || !value.has("cluster")) {
      throw new IllegalArgumentException(option + " needs keys and cluster");
    }
    builder.kms(
        list(option + ".keys", value.get("keys")),
        scalar(option + ".cluster", value.get("cluster")));
  }

  private void applyPolicy(String option, JsonNode value) {
    if (!value.isArray()) {
      throw new IllegalArgumentException(option + " must be a list of rules");
    }
    List<PolicyRule> rules = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      String at = option + "[" + i + "]";
      JsonNode rule = value.get(i);
      attempt(() -> rules.add(rule(at, rule)));
    }
    builder.policy(rules);
  }

  private static PolicyRule rule(String at, JsonNode rule) {
    requireMapping(at, rule, List.of("namespaces", "serviceAccounts", "secrets"));
    List<String> namespaces = patterns(at, "namespaces", rule);
    List<String> serviceAccounts =
        rule.has("serviceAccounts") ? patterns(at, "serviceAccounts", rule) : List.of("*");
    List<String> secrets = patterns(at, "secrets", rule);
    try {
      return new PolicyRule(
          namespaces, serviceAccounts, secrets.stream().map(ReferencePattern::new).toList());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(at + ": " + e.getMessage(), e);
    }
  }

  private static List<String> patterns(String at, String option, JsonNode rule) {
    return rule.has(option) ? list(at + "." + option, rule.get(option)) : List.of();
  }

  private static void requireMapping(String option, JsonNode value, List<String> known) {
    if (!value.isObject()) {
      throw new IllegalArgumentException(
          option + " must be a mapping of " + String.join(", ", known));
    }
    value
        .properties()
        .forEach(
            entry -> {
              if (!known.contains(entry.getKey())) {
                throw unknown(option + ".", entry.getKey(), known);
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

  private static int integer(String option, JsonNode value) {
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw new IllegalArgumentException(option + " must be a whole number");
    }
    return value.intValue();
  }

  private static boolean bool(String option, JsonNode value) {
    if (!value.isBoolean()) {
      throw new IllegalArgumentException(option + " must be true or false");
    }
    return value.booleanValue();
  }

  private static Duration duration(String option, JsonNode value) {
    String text = scalar(option, value);
    return DurationText.parse(text)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    option + " must be a duration such as 5m or PT5M, not \"" + text + "\""));
  }

  private static IllegalArgumentException unknown(
      String parent, String option, List<String> known) {
    return new IllegalArgumentException(
        "the option \""
            + parent
            + option
            + "\" is unknown"
            + NearMiss.of(option, known)
                .map(meant -> "; did you mean " + parent + meant + "?")
                .orElse(""));
  }
}
