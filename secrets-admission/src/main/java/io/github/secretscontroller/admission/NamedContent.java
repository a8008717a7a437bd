package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Content;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import io.github.secretscontroller.core.SecretFile.Template;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What the annotations about one short name make of its secret. */
final class NamedContent {

  static final String FORMAT = "format";
  static final String TEMPLATE = "template";
  static final String KEYS = "keys";
  static final String ENV = "env";

  /**
   * The kinds of annotations about it; a file has one content, so only one of them can be there.
   */
  static final List<String> KINDS = List.of(FORMAT, TEMPLATE, KEYS, ENV);

  /** Kubernetes' rule for the names of variables in an environment file. */
  private static final Pattern VARIABLE =
      Pattern.compile("(?!\\.$|\\.\\.)[-._a-zA-Z][-._a-zA-Z0-9]*");

  private final String name;
  private final Map<String, String> given;
  private final Set<String> secretNames;
  private final Findings findings;
  private final AnnotationValues values;

  /**
   * A reader of one secret's.
   *
   * @param name its short name
   * @param given what is said about it, by the kind of annotation
   * @param secretNames the short names of all secrets, which a template can use
   */
  NamedContent(String name, Map<String, String> given, Set<String> secretNames, Findings findings) {
    this.name = name;
    this.given = given;
    this.secretNames = secretNames;
    this.findings = findings;
    this.values = new AnnotationValues(findings);
  }

  /** What is written; where something is wrong with it, the exact bytes. */
  Content read() {
    String format = given.get(FORMAT);
    if (format != null) {
      return format(NamedSecrets.key(FORMAT, name), format);
    }
    String template = given.get(TEMPLATE);
    if (template != null) {
      return template(NamedSecrets.key(TEMPLATE, name), template);
    }
    String keys = given.get(KEYS);
    if (keys != null) {
      return keyFiles(NamedSecrets.key(KEYS, name), keys);
    }
    String env = given.get(ENV);
    return env != null ? environment(NamedSecrets.key(ENV, name), env) : Formatted.RAW;
  }

  private Content template(String key, String value) {
    Template template = new Template(value);
    if (value.isEmpty()) {
      findings.problem(key, value, "it is empty; write a text such as {{" + name + "}}");
    }
    for (String problem : template.problems(secretNames)) {
      findings.problem(key, value, problem);
    }
    return template;
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
                .map(NamedContent::text)
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
                + " has a / and can't be a file's name; select it by a path.NAME of its own");
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
