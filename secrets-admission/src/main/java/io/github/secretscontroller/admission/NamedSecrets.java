package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.AppVariable;
import io.github.secretscontroller.core.InjectionPlan.Content;
import io.github.secretscontroller.core.InjectionPlan.EnvironmentFile;
import io.github.secretscontroller.core.InjectionPlan.Format;
import io.github.secretscontroller.core.InjectionPlan.Formatted;
import io.github.secretscontroller.core.InjectionPlan.KeyFiles;
import io.github.secretscontroller.core.InjectionPlan.SecretFile;
import io.github.secretscontroller.core.InjectionPlan.Template;
import io.github.secretscontroller.core.SecretReference;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
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
  private static final String FORMAT = "format";
  private static final String TEMPLATE = "template";
  private static final String KEYS = "keys";
  private static final String ENV = "env";
  private static final String MODE = "mode";
  private static final String OPTIONAL = "optional";

  static final List<String> KINDS =
      List.of(SECRET, FILE, PATH, VERSION, FORMAT, TEMPLATE, KEYS, ENV, MODE, OPTIONAL);

  /** What makes the file: a file has one content only. */
  private static final List<String> CONTENTS = List.of(FORMAT, TEMPLATE, KEYS, ENV);

  /** What only a secret can have. */
  private static final List<String> OF_A_SECRET =
      List.of(PATH, VERSION, FORMAT, KEYS, ENV, OPTIONAL);

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?");

  /** Kubernetes' rule for the names of variables in an environment file. */
  private static final Pattern VARIABLE =
      Pattern.compile("(?!\\.$|\\.\\.)[-._a-zA-Z][-._a-zA-Z0-9]*");

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

  private static String key(String kind, String name) {
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
    List<String> named =
        valuesByKindByName.entrySet().stream()
            .filter(entry -> entry.getValue().containsKey(SECRET))
            .map(Map.Entry::getKey)
            .toList();
    Optional<String> meant = NearMiss.of(name, named);
    given.forEach(
        (kind, value) ->
            findings.problem(
                key(kind, name),
                value,
                "there is no "
                    + key(SECRET, name)
                    + meant
                        .map(near -> "; did you mean " + key(kind, near) + "?")
                        .orElse("; add it, or remove this annotation")));
  }

  private void checkContradictions(String name, Map<String, String> given) {
    String first = null;
    for (String content : CONTENTS) {
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
        if (value != null && !CONTENTS.contains(kind)) {
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
    Content content = content(name, given);
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

  /** What is written; where something is wrong with it, the exact bytes. */
  private Content content(String name, Map<String, String> given) {
    String format = given.get(FORMAT);
    if (format != null) {
      return format(key(FORMAT, name), format);
    }
    String template = given.get(TEMPLATE);
    if (template != null) {
      if (template.isEmpty()) {
        findings.problem(
            key(TEMPLATE, name), template, "it is empty; write a text such as {{" + name + "}}");
      }
      return new Template(template);
    }
    String keys = given.get(KEYS);
    if (keys != null) {
      return keyFiles(key(KEYS, name), keys);
    }
    String env = given.get(ENV);
    return env != null ? environment(key(ENV, name), env) : Formatted.RAW;
  }

  private Content format(String key, String value) {
    for (Format format : Format.values()) {
      if (text(format).equals(value.strip())) {
        return new Formatted(format);
      }
    }
    findings.problem(
        key,
        value,
        "it must be one of "
            + Arrays.stream(Format.values())
                .map(NamedSecrets::text)
                .collect(Collectors.joining(", ")));
    return Formatted.RAW;
  }

  private static String text(Format format) {
    return format.name().toLowerCase(Locale.ROOT);
  }

  private Content keyFiles(String key, String value) {
    if (value.strip().equals("*")) {
      return new KeyFiles(List.of());
    }
    List<String> keys = values.list(key, value);
    for (String each : keys) {
      if (each.equals("*")) {
        findings.problem(key, value, "* means all keys; write * alone, or the keys without it");
      } else if (each.indexOf('/') >= 0) {
        findings.problem(
            key,
            value,
            "the key "
                + Findings.quoted(each)
                + " has a / and can't be a file's name; use path."
                + " to select it");
      } else {
        values.checked(
            key,
            value,
            "; name a key that can be a file's name",
            () -> SecretFile.of(AnnotationValues.ANY, each));
      }
    }
    return new KeyFiles(keys);
  }

  /** {@code VAR=key,...}. */
  private Content environment(String key, String value) {
    Map<String, String> keyByVariable = new LinkedHashMap<>();
    for (String entry : values.list(key, value)) {
      int equals = entry.indexOf('=');
      String variable = equals < 0 ? entry : entry.substring(0, equals).strip();
      String secretKey = equals < 0 ? "" : entry.substring(equals + 1).strip();
      if (secretKey.isEmpty()) {
        findings.problem(
            key,
            value,
            Findings.quoted(entry)
                + " names no key of the secret; write VARIABLE=key, such as DB_USER=username");
      } else if (!VARIABLE.matcher(variable).matches()) {
        findings.problem(
            key,
            value,
            Findings.quoted(variable)
                + " is no name for a variable; it must have letters, digits, _, - and . only, and not"
                + " start with a digit or two dots");
      } else if (keyByVariable.putIfAbsent(variable, secretKey) != null) {
        findings.problem(key, value, "it sets " + variable + " twice; remove one");
      }
    }
    return keyByVariable.isEmpty() ? Formatted.RAW : new EnvironmentFile(keyByVariable);
  }
}
