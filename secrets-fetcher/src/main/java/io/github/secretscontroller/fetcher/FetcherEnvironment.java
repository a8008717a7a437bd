package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What to do and where, as the environment variables tell it. A variable that is empty counts as
 * not set.
 *
 * @param plan what to publish
 * @param root the directory that stands for the volume
 */
record FetcherEnvironment(InjectionPlan plan, Path root) {

  static final String PLAN = InjectionPlan.ENVIRONMENT_VARIABLE;
  static final String PLAN_FILE = "SECRETS_PLAN_FILE";
  static final String ROOT = "SECRETS_ROOT";
  static final String RESOLVE_ROOT = "SECRETS_RESOLVE_ROOT";
  static final String HEALTH_PORT = "SECRETS_HEALTH_PORT";
  static final String LEGACY_SECRET = "SECRET_ARN";
  static final String LEGACY_FILE_NAME = "SECRET_FILENAME";

  private static final int DEFAULT_HEALTH_PORT = 18321;
  private static final String LEGACY_ROOT = "/tmp";
  private static final String LEGACY_DEFAULT_NAME = "secret";

  /**
   * Reads the variables.
   *
   * @throws FetchFailure with {@link ExitCode#BAD_PLAN} and a sentence that names the variable
   */
  static FetcherEnvironment read(Map<String, String> environment) throws FetchFailure {
    List<String> plans = new ArrayList<>();
    for (String name : List.of(PLAN, PLAN_FILE, LEGACY_SECRET)) {
      if (isSet(environment, name)) {
        plans.add(name);
      }
    }
    if (plans.isEmpty()) {
      throw badPlan(
          "there is no plan: set " + PLAN + ", " + PLAN_FILE + " or the older " + LEGACY_SECRET);
    }
    if (plans.size() > 1) {
      throw badPlan(
          "there is more than one plan, and nobody can tell which one counts: set only one of "
              + String.join(", ", plans));
    }
    boolean legacy = plans.contains(LEGACY_SECRET);
    if (!legacy && isSet(environment, LEGACY_FILE_NAME)) {
      throw badPlan(
          LEGACY_FILE_NAME
              + " belongs to "
              + LEGACY_SECRET
              + "; in a plan each file names its own path, so remove the variable");
    }
    InjectionPlan plan = legacy ? legacyPlan(environment) : plan(environment);
    String root = legacy ? LEGACY_ROOT : InjectionPlan.VOLUME_MOUNT_PATH;
    return new FetcherEnvironment(plan, path(ROOT, environment, root));
  }

  private static InjectionPlan plan(Map<String, String> environment) throws FetchFailure {
    boolean inline = isSet(environment, PLAN);
    String name = inline ? PLAN : PLAN_FILE;
    String json =
        inline ? environment.getOrDefault(PLAN, "") : readFile(path(PLAN_FILE, environment, ""));
    try {
      return InjectionPlan.parse(json);
    } catch (IllegalArgumentException e) {
      throw badPlan(name + ": " + e.getMessage());
    }
  }

  private static String readFile(Path file) throws FetchFailure {
    try {
      if (Files.size(file) > InjectionPlan.MAX_JSON_BYTES) {
        throw badPlan(
            PLAN_FILE
                + ": "
                + file
                + " is larger than the "
                + InjectionPlan.MAX_JSON_BYTES
                + " bytes that a plan may have");
      }
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw badPlan(PLAN_FILE + ": there is no file " + file);
    } catch (CharacterCodingException e) {
      throw badPlan(PLAN_FILE + ": " + file + " isn't UTF-8 text");
    } catch (IOException e) {
      throw badPlan(PLAN_FILE + ": can't read " + file + ": " + e);
    }
  }

  private static InjectionPlan legacyPlan(Map<String, String> environment) throws FetchFailure {
    SecretReference secret;
    try {
      secret = SecretReference.parse(environment.getOrDefault(LEGACY_SECRET, ""));
    } catch (IllegalArgumentException e) {
      throw badPlan(LEGACY_SECRET + ": " + e.getMessage());
    }
    try {
      String path = legacyPath(environment.getOrDefault(LEGACY_FILE_NAME, ""));
      return InjectionPlan.of(List.of(SecretFile.of(secret, path)));
    } catch (IllegalArgumentException e) {
      throw badPlan(LEGACY_FILE_NAME + ": " + e.getMessage());
    }
  }

  /**
   * The path that the older program meant: a leading slash is the volume's root, repeated slashes
   * and dots are what they are to Linux, and a directory gets the default name.
   */
  private static String legacyPath(String fileName) {
    List<String> segments = new ArrayList<>();
    for (String segment : fileName.split("/", -1)) {
      if (!segment.isEmpty() && !segment.equals(".")) {
        segments.add(segment);
      }
    }
    if (fileName.matches("(.*/)?\\.?")) {
      segments.add(LEGACY_DEFAULT_NAME);
    }
    return String.join("/", segments);
  }

  /** The path in a variable, or {@code otherwise} if the variable isn't set. */
  static Path path(String name, Map<String, String> environment, String otherwise)
      throws FetchFailure {
    String text = isSet(environment, name) ? environment.getOrDefault(name, "") : otherwise;
    try {
      return Path.of(text).toAbsolutePath().normalize();
    } catch (InvalidPathException e) {
      throw badPlan(name + ": \"" + text + "\" is no path: " + e.getReason());
    }
  }

  /** Where a sidecar answers probes; 0 for any port. */
  static int healthPort(Map<String, String> environment) throws FetchFailure {
    if (!isSet(environment, HEALTH_PORT)) {
      return DEFAULT_HEALTH_PORT;
    }
    String text = environment.getOrDefault(HEALTH_PORT, "");
    try {
      int port = Integer.parseInt(text);
      if (port >= 0 && port <= 65535) {
        return port;
      }
    } catch (NumberFormatException e) {
      // Told below, together with numbers that are no port.
    }
    throw badPlan(HEALTH_PORT + " must be a port, 1 to 65535, or 0 for any, not \"" + text + "\"");
  }

  static boolean isSet(Map<String, String> environment, String name) {
    return !environment.getOrDefault(name, "").isEmpty();
  }

  private static FetchFailure badPlan(String sentence) {
    return new FetchFailure(ExitCode.BAD_PLAN, sentence);
  }
}
