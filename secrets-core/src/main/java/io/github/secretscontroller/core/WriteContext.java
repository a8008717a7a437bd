package io.github.secretscontroller.core;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * On whose behalf a secret is written: the Kubernetes object that it belongs to. Backends record it
 * (as tags, or as the encryption context of an envelope) and refuse to overwrite what belongs to
 * another owner.
 *
 * @param cluster the operator's name for the cluster; never empty
 * @param namespace the object's namespace; never empty
 * @param name the object's name; never empty
 * @param previousReference what the object referred to before this write, if it was written before;
 *     a backend without names of its own compares with the value there to stay idempotent
 */
public record WriteContext(
    String cluster, String namespace, String name, @Nullable SecretReference previousReference) {

  /** Checks that no part is empty. */
  public WriteContext {
    requireText(cluster, "cluster");
    requireText(namespace, "namespace");
    requireText(name, "name");
  }

  /** A context without a previous reference. */
  public static WriteContext of(String cluster, String namespace, String name) {
    return new WriteContext(cluster, namespace, name, null);
  }

  /** The same owner, with what it referred to before. */
  public WriteContext replacing(@Nullable SecretReference previous) {
    return new WriteContext(cluster, namespace, name, previous);
  }

  /** What the object referred to before this write. */
  public Optional<SecretReference> previous() {
    return Optional.ofNullable(previousReference);
  }

  private static void requireText(String text, String what) {
    Objects.requireNonNull(text, what);
    if (text.isBlank()) {
      throw new IllegalArgumentException("the " + what + " of a write context is empty");
    }
  }
}
