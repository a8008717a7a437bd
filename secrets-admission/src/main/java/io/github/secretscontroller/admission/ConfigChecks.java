package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.Mode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/** What the values of {@link InjectorConfig}'s options must look like. */
final class ConfigChecks {

  private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final Pattern REGION = Pattern.compile("[a-z]+(-[a-z]+)+-[0-9]+");
  private static final Pattern KEY_ARN =
      Pattern.compile("arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+");
  private static final Set<String> PULL_POLICIES = Set.of("Always", "IfNotPresent", "Never");

  /** What the webhook itself sets, or what would lead the fetcher away from it. */
  private static final Set<String> RESERVED =
      Set.of(
          "SECRETS_PLAN",
          "SECRETS_PLAN_FILE",
          "SECRETS_HEALTH_PORT",
          "SECRET_ARN",
          "SECRET_FILENAME");

  private ConfigChecks() {}

  /** Throws one exception for all problems, if there are any. */
  static void require(List<String> problems) {
    if (problems.size() == 1) {
      throw new IllegalArgumentException(problems.get(0));
    }
    if (!problems.isEmpty()) {
      throw new IllegalArgumentException(
          "the configuration has " + problems.size() + " problems: " + String.join("; ", problems));
    }
  }

  static String text(String option, String value) {
    if (value.isBlank()) {
      throw new IllegalArgumentException(option + " must not be empty");
    }
    return value;
  }

  static List<String> texts(String option, List<String> values) {
    values.forEach(value -> text(option, value));
    return List.copyOf(values);
  }

  static String pullPolicy(String policy) {
    if (!PULL_POLICIES.contains(policy)) {
      throw new IllegalArgumentException(
          "imagePullPolicy must be Always, IfNotPresent or Never, not \"" + policy + "\"");
    }
    return policy;
  }

  static String variable(String name) {
    if (!VARIABLE.matcher(name).matches()) {
      throw new IllegalArgumentException("env: \"" + name + "\" is no name for a variable");
    }
    if (RESERVED.contains(name)) {
      throw new IllegalArgumentException(
          "env: " + name + " can't be set here, since the plan and the volume are the webhook's");
    }
    return name;
  }

  static String quantity(String option, String quantity) {
    if (Quantity.of(quantity).isEmpty()) {
      throw new IllegalArgumentException(
          option + " must be a quantity such as 50m or 64Mi, not \"" + quantity + "\"");
    }
    return quantity;
  }

  static Map<String, String> quantities(String option, Map<String, String> quantityByResource) {
    quantityByResource.forEach((resource, value) -> quantity(option + "." + resource, value));
    return Collections.unmodifiableMap(new LinkedHashMap<>(quantityByResource));
  }

  static Mode mode(String mode) {
    return switch (mode) {
      case "init" -> Mode.INIT;
      case "sidecar" -> Mode.SIDECAR;
      case "init+sidecar" -> Mode.INIT_AND_SIDECAR;
      default ->
          throw new IllegalArgumentException(
              "defaultMode must be init, sidecar or init+sidecar, not \"" + mode + "\"");
    };
  }

  static String region(String region) {
    if (!REGION.matcher(region).matches()) {
      throw new IllegalArgumentException(
          "defaultRegion must look like eu-west-1, not \"" + region + "\"");
    }
    return region;
  }

  static int port(int port) {
    // Below 1024 a container without capabilities can't listen everywhere.
    if (port < 1024 || port > 65535) {
      throw new IllegalArgumentException("healthPort must be 1024 to 65535, not " + port);
    }
    return port;
  }

  static KmsSettings kms(List<String> keys, String cluster) {
    text("kms.cluster", cluster);
    if (keys.isEmpty()) {
      throw new IllegalArgumentException("kms.keys must name the ARN of one key at least");
    }
    for (String key : keys) {
      if (!KEY_ARN.matcher(key).matches()) {
        throw new IllegalArgumentException(
            "kms.keys must be ARNs such as arn:aws:kms:eu-west-1:123456789012:key/ID, not \""
                + key
                + "\"");
      }
    }
    return new KmsSettings(List.copyOf(keys), cluster);
  }
}
