package io.github.secretscontroller.core;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The facts of an admission request about a Pod, for {@link PodMutator}.
 *
 * @param uid the API server's id of this request
 * @param namespace where the Pod is created; the Pod itself may not say
 * @param podName the Pod's name, or {@code null} if the API server generates it later
 * @param owner the controller, such as {@code ReplicaSet web-66f6bb988f}, or {@code null}
 * @param generateName the prefix of a generated name, or {@code null}
 * @param operation the API operation, such as {@code CREATE}
 * @param dryRun whether the request must have no side effect
 * @param userName who sent the request; often a controller's ServiceAccount
 * @param annotations the Pod's annotations as they were sent
 */
public record PodRequest(
    String uid,
    String namespace,
    @Nullable String podName,
    @Nullable String owner,
    @Nullable String generateName,
    String operation,
    boolean dryRun,
    String userName,
    Map<String, String> annotations) {

  /** Copies the annotations. */
  public PodRequest {
    annotations = Map.copyOf(annotations);
  }

  /**
   * How to name the Pod in a message: by its name, else by its owner, else by its generated name's
   * prefix.
   */
  public String describePod() {
    if (podName != null) {
      return "pod " + namespace + "/" + podName;
    }
    if (owner != null) {
      return "pod of " + owner + " in namespace " + namespace;
    }
    return generateName != null
        ? "pod " + namespace + "/" + generateName + "*"
        : "a pod without a name in namespace " + namespace;
  }
}
