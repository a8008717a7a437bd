package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Reads a pod's annotations: the only place that gives their text a meaning. All problems are found
 * in one pass, in a time that grows with the size of the text alone.
 */
final class Annotations {

  static final String PREFIX = "secrets.k8s.aws/";

  static final String SWITCH = PREFIX + "sidecarInjectorWebhook";
  static final String SECRET_ARN = LegacyAnnotations.SECRET_ARN;
  static final String MOUNT_PATH = PREFIX + "mount-path";

  /** Written by the webhook; never read, since anybody can write them. */
  static final String STATUS = PREFIX + "status";

  /** Written by the webhook; never read, since anybody can write them. */
  static final String PLAN_DIGEST = PREFIX + "plan-digest";

  private static final String LEGACY_MOUNT_PATH = "/tmp";
  private static final String DEFAULT_MOUNT_PATH = "/var/run/secrets/k8s.aws";

  /** What Kubernetes allows for all annotations of an object; it looks only after the webhooks. */
  private static final int LONGEST = 256 * 1024;

  /** What has an effect only where a secret is named. */
  private static final List<String> DETAILS =
      Stream.of(
              List.of(SWITCH, MOUNT_PATH),
              LegacyAnnotations.DETAILS,
              List.of(CsiObjects.PATH_TRANSLATION),
              PodWide.KEYS)
          .flatMap(List::stream)
          .toList();

  static final Set<String> KNOWN =
      Stream.of(DETAILS, List.of(SECRET_ARN, CsiObjects.OBJECTS, STATUS, PLAN_DIGEST))
          .flatMap(List::stream)
          .collect(Collectors.toUnmodifiableSet());

  private final Map<String, String> ours;
  private final int fileMode;
  private final Findings findings;
  private final RequestDraft draft;

  private Annotations(Map<String, String> ours, int fileMode, Findings findings) {
    this.ours = ours;
    this.fileMode = fileMode;
    this.findings = findings;
    this.draft = new RequestDraft(findings);
  }

  /**
   * What the annotations say.
   *
   * @param request what is asked for, or {@code null} if no secret is named or if there are
   *     problems
   * @param podWide what is said about the pod as a whole, or {@code null} if nothing is asked for
   *     or if there are problems
   * @param problems sentences that name the annotation, its value and the fix
   * @param warnings what looks like a mistake but needn't be one
   */
  record Reading(
      @Nullable InjectionRequest request,
      @Nullable PodWide podWide,
      List<String> problems,
      List<String> warnings) {

    /** The same with one more warning. */
    Reading withWarning(String warning) {
      List<String> more = new ArrayList<>(warnings);
      more.add(warning);
      return new Reading(request, podWide, problems, more);
    }
  }

  /** Whether any key is ours, or looks as if it were meant to be. */
  static boolean concern(Map<String, String> annotations) {
    for (String key : annotations.keySet()) {
      if (key.startsWith(PREFIX) || isAlmostOurs(key)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Reads all annotations of a pod.
   *
   * @param fileMode the mode of files whose annotations ask for none
   */
  static Reading read(Map<String, String> annotations, int fileMode) {
    Findings findings = new Findings();
    TreeMap<String, String> ours = new TreeMap<>();
    Set<String> almost = new TreeSet<>();
    annotations.forEach(
        (key, value) -> {
          if (key.startsWith(PREFIX)) {
            ours.put(key, value);
          } else if (isAlmostOurs(key)) {
            almost.add(key);
          }
        });
    for (String key : almost) {
      findings.warn(
          "annotation "
              + Findings.shown(key)
              + " is ignored; the prefix is "
              + PREFIX
              + " (secrets, with an s)");
    }
    return new Annotations(ours, fileMode, findings).read();
  }

  private Reading read() {
    if (isTooLong() || hasHalfCharacters()) {
      return result(null);
    }
    warnAboutUnknownKeys();
    boolean hasNamed = hasNamedSecret();
    boolean asked =
        hasNamed
            || ours.containsKey(SECRET_ARN)
            || ours.containsKey(CsiObjects.OBJECTS)
            || ours.containsKey(PodWide.RESOLVE);
    if (isSwitchedOff(asked)) {
      return result(null);
    }
    if (!asked) {
      warnAboutMissingSecret();
      return result(null);
    }
    PodWide podWide = PodWide.read(ours, findings);
    boolean single = LegacyAnnotations.read(ours, fileMode, draft, findings);
    NamedSecrets.read(ours, fileMode, draft, findings);
    CsiObjects.read(ours, podWide, fileMode, draft, findings);
    if (single || hasNamed || ours.containsKey(CsiObjects.OBJECTS)) {
      mountVolume(single ? LEGACY_MOUNT_PATH : DEFAULT_MOUNT_PATH);
    } else {
      warnIfIgnored(MOUNT_PATH, "each secret of a list is mounted at its own path");
    }
    if (!ours.containsKey(SECRET_ARN)) {
      LegacyAnnotations.DETAILS.forEach(key -> warnIfIgnored(key, "there is no " + SECRET_ARN));
    }
    if (!ours.containsKey(CsiObjects.OBJECTS)) {
      warnIfIgnored(CsiObjects.PATH_TRANSLATION, "there is no " + CsiObjects.OBJECTS);
    }
    draft.checkCollisions();
    return result(podWide);
  }

  private boolean hasNamedSecret() {
    for (String key : ours.keySet()) {
      if (NamedSecrets.isOne(name(key))) {
        return true;
      }
    }
    return false;
  }

  private Reading result(@Nullable PodWide podWide) {
    boolean accepted = podWide != null && !findings.hasProblems();
    return new Reading(
        accepted && podWide != null && draft.hasFiles() ? draft.build(podWide) : null,
        accepted ? podWide : null,
        findings.problems(),
        findings.warnings());
  }

  private boolean isTooLong() {
    long length = 0;
    for (Map.Entry<String, String> annotation : ours.entrySet()) {
      length += annotation.getKey().length() + annotation.getValue().length();
    }
    if (length > LONGEST) {
      findings.problem(
          PREFIX + "...",
          length + " characters",
          "Kubernetes allows " + LONGEST + " for all annotations together; name fewer secrets");
    }
    return length > LONGEST;
  }

  /** Half of a surrogate pair is no text: it could be written into no document. */
  private boolean hasHalfCharacters() {
    ours.forEach(
        (key, value) -> {
          if (hasHalfCharacter(key) || hasHalfCharacter(value)) {
            findings.problem(
                key,
                value,
                "it has half of a surrogate pair where a character should be; remove it");
          }
        });
    return findings.hasProblems();
  }

  private static boolean hasHalfCharacter(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        // A whole pair counts as one code point, whose second half is skipped.
        if (!Character.isSupplementaryCodePoint(text.codePointAt(i++))) {
          return true;
        }
      }
    }
    return false;
  }

  private void warnAboutUnknownKeys() {
    for (String key : ours.keySet()) {
      if (!KNOWN.contains(key) && !NamedSecrets.isOne(name(key))) {
        findings.warn(
            () ->
                "annotation "
                    + Findings.shown(key)
                    + " is unknown and ignored"
                    + meant(name(key)).map(known -> "; did you mean " + known + "?").orElse(""));
      }
    }
  }

  private static Optional<String> meant(String name) {
    List<String> candidates = new ArrayList<>();
    KNOWN.forEach(known -> candidates.add(name(known)));
    int dot = name.indexOf('.');
    if (dot > 0) {
      NamedSecrets.KINDS.forEach(kind -> candidates.add(kind + name.substring(dot)));
    }
    return NearMiss.of(name, candidates).map(PREFIX::concat);
  }

  private boolean isSwitchedOff(boolean asksForSecrets) {
    String value = ours.get(SWITCH);
    if (value == null || value.equals("enabled")) {
      return false;
    }
    if (value.equals("disabled")) {
      return true;
    }
    findings.warn(
        SWITCH
            + " is "
            + Findings.quoted(value)
            + ", which is neither \"enabled\" nor \"disabled\""
            + (asksForSecrets ? "; the secrets are injected all the same" : ""));
    return false;
  }

  private void warnAboutMissingSecret() {
    for (String key : DETAILS) {
      if (ours.containsKey(key)) {
        findings.warn(
            "annotation "
                + key
                + " has no effect, since no secret is named; add "
                + SECRET_ARN
                + " or "
                + PREFIX
                + "secret.NAME");
      }
    }
  }

  private void warnIfIgnored(String key, String reason) {
    if (ours.containsKey(key)) {
      findings.warn(key + " is ignored, since " + reason);
    }
  }

  /** The volume as a whole, read-only but for the legacy {@code /tmp}, where programs write. */
  private void mountVolume(String otherwise) {
    String value = ours.getOrDefault(MOUNT_PATH, otherwise);
    String path = PodTree.normalise(value);
    MountPath.problem(path).ifPresent(reason -> findings.problem(MOUNT_PATH, value, reason));
    draft.addMount(new AppMount(MOUNT_PATH, path, null, !path.equals(LEGACY_MOUNT_PATH)));
  }

  private static String name(String key) {
    return key.substring(PREFIX.length());
  }

  private static boolean isAlmostOurs(String key) {
    int slash = key.indexOf('/');
    return slash >= 0 && NearMiss.isWithin(2, key.substring(0, slash + 1), PREFIX);
  }
}
