package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.AppVariable;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Content;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Template;
import io.github.secretscontroller.core.SecretReference;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Secrets that have a short name {@code n}: {@code secret.n}, and what {@code file.n}, {@code
 * format.n} and the others say about it. A {@code template.n} may stand alone.
 */
final class NamedSecrets {

  private static final String SECRET = "secret";
  private static final String FILE = "file";
  private static final String PATH = "path";
  private static final String VERSION = "version";
  private static final String FORMAT = NamedContent.FORMAT;
  private static final String TEMPLATE = NamedContent.TEMPLATE;
  private static final String KEYS = NamedContent.KEYS;
  private static final String ENV = NamedContent.ENV;
  private static final String MODE = "mode";
  private static final String OPTIONAL = "optional";

  static final List<String> KINDS =
      List.of(SECRET, FILE, PATH, VERSION, FORMAT, TEMPLATE, KEYS, ENV, MODE, OPTIONAL);

  /** What only a secret can have. */
  private static final List<String> OF_A_SECRET =
      List.of(PATH, VERSION, FORMAT, KEYS, ENV, OPTIONAL);

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?");

  private static final Pattern VERSION_ID =
      Pattern.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  private static final Pattern PARAMETER_VERSION = Pattern.compile("[0-9]{1,10}");
  private static final Set<String> STAGES = Set.of("AWSCURRENT", "AWSPREVIOUS", "AWSPENDING");

  private final Map<String, Map<String, String>> valuesByKindByName;
  private final int fileMode;
  private final RequestDraft draft;
  private final Findings findings;
  private final AnnotationValues values;

  private NamedSecrets(
      Map<String, Map<String, String>> valuesByKindByName,
      int fileMode,
      RequestDraft draft,
      Findings findings) {
    this.valuesByKindByName = valuesByKindByName;
    this.fileMode = fileMode;
    this.draft = draft;
    this.findings = findings;
    this.values = new AnnotationValues(findings);
  }

  /** Whether the key, without the prefix, is one of these. */
  static boolean isOne(String key) {
    int dot = key.indexOf('.');
    return dot > 0 && KINDS.contains(key.substring(0, dot));
  }

  /** Adds what they ask for. */
  static void read(Map<String, String> ours, int fileMode, RequestDraft draft, Findings findings) {
    Map<String, Map<String, String>> byName = new TreeMap<>();
    ours.forEach(
        (fullKey, value) -> {
          String key = fullKey.substring(Annotations.PREFIX.length());
          if (isOne(key)) {
            int dot = key.indexOf('.');
            byName
                .computeIfAbsent(key.substring(dot + 1), name -> new LinkedHashMap<>())
                .put(key.substring(0, dot), value);
          }
        });
    NamedSecrets reader = new NamedSecrets(byName, fileMode, draft, findings);
    byName.forEach(reader::readOne);
  }

  /** The whole key of a kind of annotation about a short name. */
  static String key(String kind, String name) {
    return Annotations.PREFIX + kind + "." + name;
  }

  private void readOne(String name, Map<String, String> given) {
    if (!NAME.matcher(name).matches()) {
      given.forEach(
          (kind, value) ->
              findings.problem(
                  key(kind, name),
                  value,
                  "what follows \""
                      + kind
                      + ".\" is the secret's short name, which must have letters, digits, - and _"
                      + " only, and start and end with a letter or digit, as in "
                      + key(kind, "db")));
      return;
    }
    if (!given.containsKey(SECRET) && !given.containsKey(TEMPLATE)) {
      tellOrphans(name, given);
      return;
    }
    checkContradictions(name, given);
    SecretReference secret = null;
    if (given.containsKey(SECRET)) {
      secret = secret(name, given);
    }
    int mode = fileMode;
    String modeText = given.get(MODE);
    if (modeText != null) {
      mode = values.mode(key(MODE, name), modeText).orElse(fileMode);
    }
    boolean optional = false;
    String optionalText = given.get(OPTIONAL);
    if (optionalText != null) {
      optional = values.bool(key(OPTIONAL, name), optionalText).orElse(false);
    }
    addFile(name, given, secret, mode, optional);
  }

  private void tellOrphans(String name, Map<String, String> given) {
    given.forEach(
        (kind, value) ->
            findings.problem(
                key(kind, name),
                value,
                () ->
                    "there is no "
                        + key(SECRET, name)
                        + NearMiss.of(name, named())
                            .map(near -> "; did you mean " + key(kind, near) + "?")
                            .orElse("; add it, or remove this annotation")));
  }

  private Set<String> named() {
    return valuesByKindByName.entrySet().stream()
        .filter(entry -> entry.getValue().containsKey(SECRET))
        .map(Map.Entry::getKey)
        .collect(Collectors.toUnmodifiableSet());
  }

  private void checkContradictions(String name, Map<String, String> given) {
    String first = null;
    for (String content : NamedContent.KINDS) {
      String value = given.get(content);
      if (value == null) {
        continue;
      }
      if (first != null) {
        findings.problem(
            key(content, name),
            value,
            key(first, name)
                + " is there as well, but a file has one content; remove one of them, or give the"
                + " same secret a second short name");
      } else {
        first = content;
      }
    }
    String path = given.get(PATH);
    for (String content : List.of(KEYS, ENV)) {
      if (path != null && given.containsKey(content)) {
        findings.problem(
            key(PATH, name),
            path,
            "it selects one value, and "
                + key(content, name)
                + " takes the keys of the whole secret; remove one of them");
      }
    }
    if (!given.containsKey(SECRET)) {
      for (String kind : OF_A_SECRET) {
        String value = given.get(kind);
        if (value != null && !NamedContent.KINDS.contains(kind)) {
          findings.problem(
              key(kind, name),
              value,
              "it says something about a secret, but there is no "
                  + key(SECRET, name)
                  + "; add it, or remove this annotation");
        }
      }
    }
  }

  private SecretReference secret(String name, Map<String, String> given) {
    String text = given.getOrDefault(SECRET, "");
    Optional<SecretReference> parsed = values.reference(key(SECRET, name), text, text);
    SecretReference secret = parsed.orElse(AnnotationValues.ANY);
    String version = given.get(VERSION);
    if (version != null) {
      secret = version(name, version, secret);
    }
    String path = given.get(PATH);
    if (path != null && values.isSelector(key(PATH, name), path, path)) {
      if (secret.selector() != null) {
        findings.problem(
            key(PATH, name),
            path,
            key(SECRET, name) + " has a selector behind # already; remove one of them");
      }
      secret = secret.withSelector(path);
    }
    return secret;
  }

  private SecretReference version(String name, String value, SecretReference secret) {
    String key = key(VERSION, name);
    String text = value.strip();
    if (secret.versionStage() != null || secret.versionId() != null) {
      findings.problem(
          key, value, key(SECRET, name) + " has a version behind ? already; remove one of them");
    } else if (secret.scheme().equals(SecretReference.KMS)) {
      findings.problem(key, value, "a sealed value has no versions; remove this annotation");
    } else if (text.isEmpty() || text.chars().anyMatch(c -> c <= ' ' || c == 0x7f)) {
      findings.problem(
          key,
          value,
          "it must be AWSCURRENT, AWSPREVIOUS, another stage without spaces, or a version id");
    } else {
      boolean isId =
          (secret.scheme().equals(SecretReference.PARAMETER_STORE) ? PARAMETER_VERSION : VERSION_ID)
              .matcher(text)
              .matches();
      if (!isId && !STAGES.contains(text)) {
        NearMiss.of(text, STAGES)
            .ifPresent(
                stage ->
                    findings.warn(
                        key
                            + " is "
                            + Findings.quoted(text)
                            + ", which is taken for a stage of your own; did you mean "
                            + stage
                            + "?"));
      }
      return values
          .checked(
              key,
              value,
              "",
              () -> isId ? secret.withVersionId(text) : secret.withVersionStage(text))
          .orElse(secret);
    }
    return secret;
  }

  private void addFile(
      String name,
      Map<String, String> given,
      @Nullable SecretReference secret,
      int mode,
      boolean optional) {
    Content content = new NamedContent(name, given, named(), findings).read();
    boolean isEnvironment = content instanceof EnvironmentFile;
    String filename = given.get(FILE);
    String subject =
        filename != null ? key(FILE, name) : key(secret == null ? TEMPLATE : SECRET, name);
    String value =
        filename != null ? filename : given.getOrDefault(secret == null ? TEMPLATE : SECRET, "");
    String path = filename != null ? filename.strip() : isEnvironment ? "env/" + name : name;
    Content written = secret == null && !(content instanceof Template) ? new Template("") : content;
    values
        .file(
            subject,
            value,
            () ->
                new SecretFile(name, secret, null, path, written, mode, optional && secret != null))
        .ifPresent(
            file -> {
              draft.addFile(subject, value, file);
              if (content instanceof EnvironmentFile environment) {
                for (String variable : environment.keyByVariable().keySet()) {
                  draft.addVariable(
                      given.getOrDefault(ENV, ""),
                      new AppVariable(key(ENV, name), variable, path, optional));
                }
              }
            });
  }
}
