package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.Supplier;
import java.util.regex.Pattern;

/** The kinds of values that several annotations have. Each is read, or told as a problem. */
final class AnnotationValues {

  private static final Set<String> SCHEMES =
      Set.of(SecretReference.SECRETS_MANAGER, SecretReference.PARAMETER_STORE, SecretReference.KMS);
  private static final Pattern MODE = Pattern.compile("0?[0-7]{3}");

  /** Stands for a secret that has a mistake, so that the rest is checked all the same. */
  static final SecretReference ANY = SecretReference.parse("any");

  private final Findings findings;

  AnnotationValues(Findings findings) {
    this.findings = findings;
  }

  /**
   * A reference to a secret, its selector checked.
   *
   * @param text the reference, where {@code value} has more than one
   */
  Optional<SecretReference> reference(String subject, String value, String text) {
    SecretReference reference;
    try {
      reference = SecretReference.parse(text.strip());
    } catch (IllegalArgumentException e) {
      findings.problem(
          subject,
          value,
          e.getMessage() + "; give the ARN or the name of a secret in Secrets Manager");
      return Optional.empty();
    }
    if (!SCHEMES.contains(reference.scheme())) {
      findings.problem(
          subject,
          value,
          "secrets of \""
              + reference.scheme()
              + ":\" are not known here; give an ARN or a name of AWS Secrets Manager");
      return Optional.empty();
    }
    String selector = reference.selector();
    return selector == null || isSelector(subject, value, selector)
        ? Optional.of(reference)
        : Optional.empty();
  }

  /** Whether {@code jmesPath} can be evaluated. */
  boolean isSelector(String subject, String value, String jmesPath) {
    Optional<String> problem = Selectors.problem(jmesPath);
    problem.ifPresent(reason -> findings.problem(subject, value, reason));
    return problem.isEmpty();
  }

  /** The permission bits that an octal text means. */
  OptionalInt mode(String subject, String value) {
    String text = value.strip();
    if (!MODE.matcher(text).matches()) {
      findings.problem(subject, value, "it must be an octal file mode, such as 0400 or 0440");
      return OptionalInt.empty();
    }
    int mode = Integer.parseInt(text, 8);
    return checked(subject, value, "", () -> SecretFile.of(ANY, "any").withMode(mode)).isPresent()
        ? OptionalInt.of(mode)
        : OptionalInt.empty();
  }

  /** What a constructor accepts; what it says otherwise is the problem, followed by the fix. */
  <T> Optional<T> checked(String subject, String value, String fix, Supplier<T> made) {
    try {
      return Optional.of(made.get());
    } catch (IllegalArgumentException e) {
      findings.problem(subject, value, e.getMessage() + fix);
      return Optional.empty();
    }
  }

  /** A file in the volume. */
  Optional<SecretFile> file(String subject, String value, Supplier<SecretFile> made) {
    return checked(subject, value, "; give a path inside the volume, such as db/password", made);
  }

  /** {@code true} or {@code false}. */
  Optional<Boolean> bool(String subject, String value) {
    return switch (value.strip()) {
      case "true" -> Optional.of(true);
      case "false" -> Optional.of(false);
      default -> {
        findings.problem(subject, value, "it must be true or false");
        yield Optional.empty();
      }
    };
  }

  /** The elements between commas: at least one, none empty, none twice. */
  List<String> list(String subject, String value) {
    Set<String> elements = new LinkedHashSet<>();
    for (String element : value.split(",", -1)) {
      String text = element.strip();
      if (text.isEmpty()) {
        findings.problem(subject, value, "it has an empty entry; remove the comma, or fill it in");
      } else if (!elements.add(text)) {
        findings.problem(subject, value, Findings.quoted(text) + " stands there twice; remove one");
      }
    }
    return new ArrayList<>(elements);
  }
}
