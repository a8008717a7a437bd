package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Reads a pod's annotations: the only place that gives their text a meaning. All problems are found
 * in one pass.
 */
final class Annotations {

  static final String PREFIX = "secrets.k8s.aws/";

  static final String SWITCH = PREFIX + "sidecarInjectorWebhook";
  static final String SECRET_ARN = PREFIX + "secret-arn";
  static final String MOUNT_PATH = PREFIX + "mount-path";
  static final String SECRET_FILENAME = PREFIX + "secret-filename";

  /** Written by the webhook; never read, since anybody can write them. */
  static final String STATUS = PREFIX + "status";

  /** Written by the webhook; never read, since anybody can write them. */
  static final String PLAN_DIGEST = PREFIX + "plan-digest";

  private static final String LEGACY_MOUNT_PATH = "/tmp";
  private static final String LEGACY_FILE = "secret";
  private static final String MULTI_SECRET_DIRECTORY = "/secrets/";

  private static final Set<String> KNOWN =
      Set.of(SWITCH, SECRET_ARN, MOUNT_PATH, SECRET_FILENAME, STATUS, PLAN_DIGEST);

  private static final Set<String> SCHEMES =
      Set.of(SecretReference.SECRETS_MANAGER, SecretReference.PARAMETER_STORE, SecretReference.KMS);

  private final Map<String, String> ours;
  private final int fileMode;
  private final List<String> problems = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();

  private Annotations(Map<String, String> ours, int fileMode) {
    this.ours = ours;
    this.fileMode = fileMode;
  }

  /**
   * What the annotations say.
   *
   * @param request what is asked for, or {@code null} if nothing is or if there are problems
   * @param problems sentences that name the annotation, its value and the fix
   * @param warnings what looks like a mistake but needn't be one
   */
  record Reading(
      @Nullable InjectionRequest request, List<String> problems, List<String> warnings) {}

  /** Whether any key is ours, or looks as if it were meant to be. */
  static boolean concern(Map<String, String> annotations) {
    return annotations.keySet().stream()
        .anyMatch(key -> key.startsWith(PREFIX) || isAlmostOurs(key));
  }

  /**
   * Reads all annotations of a pod.
   *
   * @param fileMode the mode of files whose annotations ask for none
   */
  static Reading read(Map<String, String> annotations, int fileMode) {
    TreeMap<String, String> ours = new TreeMap<>();
    List<String> almost = new ArrayList<>();
    annotations.forEach(
        (key, value) -> {
          if (key.startsWith(PREFIX)) {
            ours.put(key, value);
          } else if (isAlmostOurs(key)) {
            almost.add(key);
          }
        });
    Annotations reader = new Annotations(ours, fileMode);
    almost.stream()
        .sorted()
        .forEach(
            key ->
                reader.warnings.add(
                    "annotation "
                        + shown(key)
                        + " is ignored; the prefix is "
                        + PREFIX
                        + " (secrets, with an s)"));
    InjectionRequest request = reader.read();
    return new Reading(
        reader.problems.isEmpty() ? request : null,
        List.copyOf(reader.problems),
        List.copyOf(reader.warnings));
  }

  private @Nullable InjectionRequest read() {
    warnAboutUnknownKeys();
    String secretArn = ours.get(SECRET_ARN);
    if (isSwitchedOff(secretArn != null)) {
      return null;
    }
    if (secretArn == null) {
      warnAboutMissingSecret();
      return null;
    }
    return isMultiSecret(secretArn) ? readMultiSecret(secretArn) : readSingleSecret(secretArn);
  }

  private void warnAboutUnknownKeys() {
    for (String key : ours.keySet()) {
      if (!KNOWN.contains(key)) {
        Optional<String> meant = NearMiss.of(key, KNOWN);
        warnings.add(
            "annotation "
                + shown(key)
                + " is unknown and ignored"
                + meant.map(known -> "; did you mean " + known + "?").orElse(""));
      }
    }
  }

  private boolean isSwitchedOff(boolean asksForSecrets) {
    String value = ours.get(SWITCH);
    if (value == null || value.equals("enabled")) {
      return false;
    }
    if (value.equals("disabled")) {
      return true;
    }
    warnings.add(
        SWITCH
            + " is "
            + quoted(value)
            + ", which is neither \"enabled\" nor \"disabled\""
            + (asksForSecrets ? "; the secrets are injected all the same" : ""));
    return false;
  }

  private void warnAboutMissingSecret() {
    for (String key : List.of(SWITCH, MOUNT_PATH, SECRET_FILENAME)) {
      if (ours.containsKey(key)) {
        warnings.add(
            "annotation " + key + " has no effect, since no secret is named; add " + SECRET_ARN);
      }
    }
  }

  /** One secret, one file, in the layout of the original injector. */
  private @Nullable InjectionRequest readSingleSecret(String text) {
    Optional<SecretReference> secret = reference(SECRET_ARN, text, text);
    String mountPath = PodTree.normalise(ours.getOrDefault(MOUNT_PATH, LEGACY_MOUNT_PATH));
    checkMountPath(MOUNT_PATH, ours.getOrDefault(MOUNT_PATH, LEGACY_MOUNT_PATH), mountPath);
    List<SecretFile> files = new ArrayList<>();
    String filename = ours.getOrDefault(SECRET_FILENAME, "");
    // Without a secret the file is checked all the same.
    SecretReference any = SecretReference.parse("any");
    file(SECRET_FILENAME, filename, secret.orElse(any), legacyPath(filename)).ifPresent(files::add);
    return request(
        files,
        List.of(new AppMount(MOUNT_PATH, mountPath, null, !mountPath.equals(LEGACY_MOUNT_PATH))));
  }

  /**
   * The original's meaning, without its escapes: a leading slash is the volume's root, and a
   * directory gets a file named {@code secret}. {@code x/b} used to become {@code /tmpx/b}, outside
   * of the volume; it is {@code /tmp/x/b} here.
   */
  private static String legacyPath(String filename) {
    String path = filename.startsWith("/") ? filename.substring(1) : filename;
    return path.isEmpty() || path.endsWith("/") ? path + LEGACY_FILE : path;
  }

  private static boolean isMultiSecret(String text) {
    return text.indexOf(',') >= 0 || pathStart(text) >= 0;
  }

  /** Where {@code :/path} starts behind a secret's name; a scheme's own colon is none. */
  private static int pathStart(String entry) {
    String parameterStore = SecretReference.PARAMETER_STORE + ":";
    return entry.indexOf(":/", entry.startsWith(parameterStore) ? parameterStore.length() : 0);
  }

  /** {@code ARN[:/path],...}: each secret a file, mounted for itself at its path. */
  private @Nullable InjectionRequest readMultiSecret(String text) {
    for (String key : List.of(MOUNT_PATH, SECRET_FILENAME)) {
      if (ours.containsKey(key)) {
        warnings.add(
            key
                + " is ignored, since "
                + SECRET_ARN
                + " lists several secrets or a path; write the path behind each ARN, as in"
                + " ARN:/path");
      }
    }
    List<SecretFile> files = new ArrayList<>();
    List<AppMount> mounts = new ArrayList<>();
    for (String element : text.split(",", -1)) {
      String entry = element.strip();
      if (entry.isEmpty()) {
        problem(SECRET_ARN, text, "it has an empty entry; remove the comma that is too many");
        continue;
      }
      int colon = pathStart(entry);
      Optional<SecretReference> secret =
          reference(SECRET_ARN, text, colon < 0 ? entry : entry.substring(0, colon));
      if (secret.isEmpty()) {
        continue;
      }
      String path =
          colon < 0
              ? MULTI_SECRET_DIRECTORY + relative(secret.get().name())
              : entry.substring(colon + 1);
      checkMountPath(SECRET_ARN, text, path);
      file(SECRET_ARN, text, secret.get(), relative(path))
          .ifPresent(
              file -> {
                files.add(file);
                mounts.add(new AppMount(SECRET_ARN, path, file.path(), true));
              });
    }
    return request(files, mounts);
  }

  private static String relative(String path) {
    return path.startsWith("/") ? path.substring(1) : path;
  }

  private @Nullable InjectionRequest request(List<SecretFile> files, List<AppMount> mounts) {
    if (!problems.isEmpty()) {
      return null;
    }
    try {
      return new InjectionRequest(
          InjectionPlan.of(files), mounts, null, Set.of(), Map.of(), List.of());
    } catch (IllegalArgumentException e) {
      problem(SECRET_ARN, ours.getOrDefault(SECRET_ARN, ""), e.getMessage() + "; change one");
      return null;
    }
  }

  private Optional<SecretReference> reference(String key, String value, String text) {
    try {
      SecretReference reference = SecretReference.parse(text.strip());
      if (!SCHEMES.contains(reference.scheme())) {
        problem(
            key,
            value,
            "secrets of \""
                + reference.scheme()
                + ":\" are not known here; give an ARN or a name of AWS Secrets Manager");
        return Optional.empty();
      }
      return Optional.of(reference);
    } catch (IllegalArgumentException e) {
      problem(
          key, value, e.getMessage() + "; give the ARN or the name of a secret in Secrets Manager");
      return Optional.empty();
    }
  }

  private Optional<SecretFile> file(String key, String value, SecretReference secret, String path) {
    try {
      return Optional.of(SecretFile.of(secret, path).withMode(fileMode));
    } catch (IllegalArgumentException e) {
      problem(key, value, e.getMessage() + "; give a path inside the volume, such as db/password");
      return Optional.empty();
    }
  }

  private void checkMountPath(String key, String value, String path) {
    MountPath.problem(path).ifPresent(reason -> problem(key, value, reason));
  }

  private void problem(String key, String value, String reason) {
    problems.add("annotation " + key + " is " + quoted(value) + ": " + reason);
  }

  private static boolean isAlmostOurs(String key) {
    int slash = key.indexOf('/');
    return slash >= 0 && NearMiss.isWithin(2, key.substring(0, slash + 1), PREFIX);
  }

  private static String quoted(String value) {
    return "\"" + shown(value) + "\"";
  }

  /** Bounded, and without anything that could forge a line. */
  private static String shown(String text) {
    String bounded = text.length() <= 200 ? text : text.substring(0, 200) + "...";
    StringBuilder printable = new StringBuilder();
    bounded.chars().forEach(c -> printable.append(Character.isISOControl(c) ? '?' : (char) c));
    return printable.toString();
  }
}
