package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.SecretReference;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a plan says of a reference that is found only when the pod runs. */
final class ReferenceCheck {

  /** A sealed value of the largest size, with room. */
  private static final int LONGEST = 64 * 1024;

  private static final String CURRENT = "AWSCURRENT";

  private static final Pattern VERSION =
      Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  private final InjectionPlan plan;

  ReferenceCheck(InjectionPlan plan) {
    this.plan = plan;
  }

  /**
   * The reference that a file's content is; {@code null} if it is none. A mere name isn't one: a
   * password can look like that, and would be shown in a message about a secret that isn't there.
   * So the webhook writes nothing but ARNs, sealed values, and names with a version or, where the
   * current one is followed, with {@code ?stage=AWSCURRENT}.
   */
  static @Nullable SecretReference reference(byte[] content) {
    if (content.length == 0 || content.length > LONGEST) {
      return null;
    }
    for (byte b : content) {
      if (b <= ' ' || b >= 0x7f) {
        return null;
      }
    }
    try {
      SecretReference reference =
          SecretReference.parse(new String(content, StandardCharsets.US_ASCII));
      boolean certain =
          reference.isArn()
              || reference.scheme().equals(SecretReference.KMS)
              || CURRENT.equals(reference.versionStage())
              || (reference.versionId() != null
                  && VERSION.matcher(reference.versionId()).matches());
      return certain ? reference : null;
    } catch (IllegalArgumentException noReference) {
      return null;
    }
  }

  /** Why the reference may not be read, or can't be. */
  Optional<String> problem(String where, SecretReference reference) {
    boolean allowed = plan.allowed().isEmpty();
    for (ReferencePattern pattern : plan.allowed()) {
      allowed |= pattern.matches(reference);
    }
    if (!allowed) {
      return Optional.of(
          where
              + ": the operator doesn't allow "
              + reference.describe()
              + " here; allowed are "
              + plan.allowed());
    }
    if (reference.scheme().equals(SecretReference.KMS) && plan.sealed() == null) {
      return Optional.of(
          where
              + ": "
              + reference.describe()
              + " is sealed, and the plan's \"sealed\" must tell with which keys, for which cluster"
              + " and namespace");
    }
    return Optional.empty();
  }
}
