package io.github.secretscontroller.core;

import java.util.Objects;

/**
 * A pattern over references, with which an operator says which secrets may be named: {@code *}
 * stands for any run of characters, {@code /} included, and {@code ?} for a single one, as in the
 * resources of an IAM policy.
 *
 * <pre>{@code
 * prod/*                                                     by name, in any account and region
 * arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/*  by ARN
 * ssm:/prod/*                                                parameters, by name or ARN
 * kms:*                                                      any sealed value
 * *                                                          every secret of Secrets Manager
 * }</pre>
 *
 * <p>A pattern that starts with {@code arn:} is compared with the ARN, so a reference that is a
 * plain name never matches it: nobody can tell from a name which account it will be read in. Any
 * other pattern is compared with the name, and has the scheme in front of it unless it means
 * Secrets Manager. A parameter below {@code /aws/reference/secretsmanager/}, by which Parameter
 * Store reads Secrets Manager, counts as the secret of that name. The name in an ARN matches with
 * its random suffix or without it. Versions, stages and selectors don't matter.
 *
 * <p>A partial ARN of a name like {@code prod/db-secret} can't be told from a full one of {@code
 * prod/db}, and {@code prod/db} matches both. What was meant shows in {@link SecretValue#origin},
 * the full ARN that AWS answered with: whoever enforces patterns asks again with that.
 *
 * @param text the pattern; never blank
 */
public record ReferencePattern(String text) {

  private static final String ARN = "arn:";
  // https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
  private static final String TO_SECRETS_MANAGER = "/aws/reference/secretsmanager/";
  private static final int SUFFIX = "-XXXXXX".length();

  /** Checks that there is a pattern. */
  public ReferencePattern {
    Objects.requireNonNull(text, "text");
    if (text.isBlank() || text.chars().anyMatch(c -> c <= ' ' || c == 0x7f)) {
      throw new IllegalArgumentException(
          "\""
              + text.strip()
              + "\" is no pattern; write a name or an ARN without spaces, with * for any"
              + " characters, such as prod/*");
    }
  }

  /** Whether the reference is one of those that the pattern means. */
  public boolean matches(SecretReference reference) {
    if (isToSecretsManager(reference)) {
      String prefix = SecretReference.SECRETS_MANAGER + ":";
      String glob = text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      return glob(glob, reference.name().substring(TO_SECRETS_MANAGER.length()));
    }
    if (text.startsWith(ARN)) {
      return reference.isArn() && matchesId(text, reference, reference.id());
    }
    String scheme = reference.scheme() + ":";
    if (text.startsWith(scheme)) {
      return matchesId(text.substring(scheme.length()), reference, reference.name());
    }
    return reference.scheme().equals(SecretReference.SECRETS_MANAGER)
        && matchesId(text, reference, reference.name());
  }

  private static boolean isToSecretsManager(SecretReference reference) {
    return reference.scheme().equals(SecretReference.PARAMETER_STORE)
        && reference
            .name()
            .regionMatches(true, 0, TO_SECRETS_MANAGER, 0, TO_SECRETS_MANAGER.length());
  }

  private static boolean matchesId(String glob, SecretReference reference, String id) {
    boolean suffixed =
        reference.isArn()
            && reference.scheme().equals(SecretReference.SECRETS_MANAGER)
            && hasSuffix(id);
    return glob(glob, id) || (suffixed && glob(glob, id.substring(0, id.length() - SUFFIX)));
  }

  /** Whether it ends as every full ARN does, though a name may end so, too. */
  private static boolean hasSuffix(String id) {
    int dash = id.length() - SUFFIX;
    if (dash <= 0 || id.charAt(dash) != '-') {
      return false;
    }
    for (int i = dash + 1; i < id.length(); i++) {
      char c = id.charAt(i);
      if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9')) {
        return false;
      }
    }
    return true;
  }

  /**
   * Linear but for a factor of the pattern's length: a star is only ever tried again at the last.
   */
  private static boolean glob(String glob, String id) {
    int g = 0;
    int i = 0;
    int star = -1;
    int resume = 0;
    while (i < id.length()) {
      if (g < glob.length() && glob.charAt(g) == '*') {
        star = g++;
        resume = i;
      } else if (g < glob.length() && (glob.charAt(g) == '?' || glob.charAt(g) == id.charAt(i))) {
        g++;
        i++;
      } else if (star >= 0) {
        g = star + 1;
        i = ++resume;
      } else {
        return false;
      }
    }
    while (g < glob.length() && glob.charAt(g) == '*') {
      g++;
    }
    return g == glob.length();
  }

  /** The pattern. */
  @Override
  public String toString() {
    return text;
  }
}
