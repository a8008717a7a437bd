package io.github.secretscontroller.core;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * Changes a Pod while it is created, or refuses it: an extension point.
 *
 * <p>Mutators run in the order in which they were given to the handler; each sees the Pod as the
 * one before it left it. The handler, not the mutator, turns before and after into a JSON Patch,
 * and drops all changes if any mutator refuses.
 *
 * <p>An implementation is thread-safe; has no effect besides its edits of the tree, unless the
 * request isn't a dry run; is idempotent, since the API server may call again with the Pod as it
 * was patched; and keeps fields that it doesn't know. {@code PodMutatorContract} in the test kit
 * proves it.
 */
@FunctionalInterface
public interface PodMutator {

  /**
   * Edits the Pod in place, or refuses it.
   *
   * @param pod the whole Pod as a JSON tree, a copy that belongs to this call
   * @param request who asks for what
   * @return the verdict; after a refusal the edits don't matter
   */
  PodVerdict mutate(ObjectNode pod, PodRequest request);

  /**
   * Whether {@link #mutate} may have anything to do or to say, judged by what {@link PodRequest}
   * tells. Most Pods concern nobody; if no mutator is concerned, the handler never builds the tree.
   *
   * @return {@code true} by default
   */
  default boolean concerns(PodRequest request) {
    return true;
  }
}
