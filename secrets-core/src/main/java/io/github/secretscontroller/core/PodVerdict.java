package io.github.secretscontroller.core;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What a {@link PodMutator} decided.
 *
 * @see #allow()
 * @see #refuse(int, String)
 */
public sealed interface PodVerdict {

  /** The Pod may be created as the tree now stands, with nothing to say about it. */
  static PodVerdict allow() {
    return Allowed.SILENTLY;
  }

  /**
   * The Pod must not be created.
   *
   * @param httpStatus 400 for a Pod that asks for something impossible, 403 for one that asks for
   *     something it may not have
   * @param message names the Pod, the annotation, the value and the fix
   */
  static PodVerdict refuse(int httpStatus, String message) {
    return new Refused(httpStatus, message);
  }

  /**
   * The Pod may be created as the tree now stands.
   *
   * @param warnings sentences that kubectl shows to whoever sent the request
   * @param auditAnnotations added to the API server's audit log, under the webhook's name; a key
   *     has at most 63 characters, letters, digits, {@code -}, {@code _} and {@code .}, with a
   *     letter or digit at both ends
   */
  record Allowed(List<String> warnings, Map<String, String> auditAnnotations)
      implements PodVerdict {

    private static final Allowed SILENTLY = new Allowed(List.of(), Map.of());

    /** The part of a qualified name behind the slash; the API server drops any other key. */
    private static final Pattern AUDIT_KEY =
        Pattern.compile("[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?");

    /** Copies both, and checks the keys. */
    public Allowed {
      warnings = List.copyOf(warnings);
      auditAnnotations = Map.copyOf(auditAnnotations);
      for (String key : auditAnnotations.keySet()) {
        if (!AUDIT_KEY.matcher(key).matches()) {
          throw new IllegalArgumentException(
              "an audit annotation's key has at most 63 letters, digits, '-', '_' and '.', and"
                  + " starts and ends with a letter or digit; not: "
                  + key);
        }
      }
    }
  }

  /**
   * The Pod must not be created.
   *
   * @param httpStatus the code that the API server reports to the client, 400 to 499
   * @param message shown to the client
   */
  record Refused(int httpStatus, String message) implements PodVerdict {

    /** Checks the code. */
    public Refused {
      if (httpStatus < 400 || httpStatus > 499) {
        throw new IllegalArgumentException("a refusal needs a status of 400 to 499: " + httpStatus);
      }
    }
  }
}
