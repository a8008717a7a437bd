package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Gives the injected container the AWS identity that the pod's own containers have.
 *
 * <p>EKS injects a role (IRSA) or Pod Identity into the containers that it sees. If its webhook ran
 * before this one, it hasn't seen ours, which would then silently use the node's role. If it runs
 * later, it adds the identity itself.
 *
 * @see <a href="https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html">EKS: grant
 *     workloads access</a>
 */
final class PodIdentity {

  private static final List<String> TOKEN_FILES =
      List.of("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

  private static final List<String> VARIABLES =
      List.of(
          "AWS_STS_REGIONAL_ENDPOINTS",
          "AWS_DEFAULT_REGION",
          "AWS_REGION",
          "AWS_ROLE_ARN",
          "AWS_ROLE_SESSION_NAME",
          "AWS_WEB_IDENTITY_TOKEN_FILE",
          "AWS_CONTAINER_CREDENTIALS_FULL_URI",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

  private PodIdentity() {}

  /** Copies variables and token mounts, unless the container has an identity already. */
  static void copy(JsonNode podSpec, ObjectNode fetcher) {
    if (!tokenFiles(fetcher).isEmpty()) {
      return;
    }
    for (ObjectNode container : PodTree.objects(podSpec, "containers")) {
      List<ObjectNode> mounts = new ArrayList<>();
      for (String tokenFile : tokenFiles(container)) {
        mountOf(container, tokenFile).ifPresent(mounts::add);
      }
      if (!mounts.isEmpty()) {
        copyVariables(container, fetcher);
        for (ObjectNode mount : mounts) {
          String path = PodTree.text(mount, "mountPath");
          if (PodTree.find(fetcher, "volumeMounts", "mountPath", path).isEmpty()) {
            PodTree.arrayOf(fetcher, "volumeMounts").add(mount.deepCopy());
          }
        }
        return;
      }
    }
  }

  private static List<String> tokenFiles(JsonNode container) {
    List<String> files = new ArrayList<>();
    for (String name : TOKEN_FILES) {
      PodTree.find(container, "env", "name", name)
          .map(variable -> PodTree.text(variable, "value"))
          .filter(path -> !path.isEmpty())
          .ifPresent(files::add);
    }
    return files;
  }

  private static Optional<ObjectNode> mountOf(JsonNode container, String file) {
    return PodTree.objects(container, "volumeMounts").stream()
        .filter(m -> PodTree.isWithin(file, PodTree.normalise(PodTree.text(m, "mountPath"))))
        .findFirst();
  }

  private static void copyVariables(JsonNode container, ObjectNode fetcher) {
    for (String name : VARIABLES) {
      Optional<ObjectNode> variable = PodTree.find(container, "env", "name", name);
      if (variable.isPresent() && PodTree.find(fetcher, "env", "name", name).isEmpty()) {
        PodTree.arrayOf(fetcher, "env").add(variable.get().deepCopy());
      }
    }
  }
}
