package io.github.secretscontroller.core;

import java.util.List;
import java.util.Map;

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
   * @param auditAnnotations added to the API server's audit log, under the webhook's name
   */
  record Allowed(List<String> warnings, Map<String, String> auditAnnotations)
      implements PodVerdict {

    private static final Allowed SILENTLY = new Allowed(List.of(), Map.of());

    /** Copies both. */
    public Allowed {
      warnings = List.copyOf(warnings);
      auditAnnotations = Map.copyOf(auditAnnotations);
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
