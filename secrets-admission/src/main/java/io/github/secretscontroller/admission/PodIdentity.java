package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
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
 * <p>Only mounts of ServiceAccount tokens are copied: anything else could put files over those of
 * our image.
 *
 * @see <a href="https://docs.aws.amazon.com/eks/latest/userguide/service-accounts.html">EKS: grant
 *     workloads access</a>
 */
final class PodIdentity {

  /** What the identity webhooks set. */
  static final List<String> VARIABLES =
      List.of(
          "AWS_STS_REGIONAL_ENDPOINTS",
          "AWS_DEFAULT_REGION",
          "AWS_REGION",
          "AWS_ROLE_ARN",
          "AWS_ROLE_SESSION_NAME",
          "AWS_WEB_IDENTITY_TOKEN_FILE",
          "AWS_CONTAINER_CREDENTIALS_FULL_URI",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

  private static final List<String> TOKEN_FILES =
      List.of("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

  /** Where the API server itself mounts the pod's own token, in every container. */
  private static final String OWN_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount";

  private PodIdentity() {}

  /**
   * Copies variables and token mounts from the first of the pod's containers that has an identity,
   * unless ours has one already.
   */
  static void copy(JsonNode spec, ObjectNode fetcher) {
    if (!tokenFiles(fetcher).isEmpty()) {
      return;
    }
    List<ObjectNode> containers = new ArrayList<>(PodTree.objects(spec, "containers"));
    containers.addAll(PodTree.objects(spec, "initContainers"));
    for (ObjectNode container : containers) {
      List<ObjectNode> mounts = new ArrayList<>();
      for (String tokenFile : tokenFiles(container)) {
        mountOf(container, tokenFile, spec).ifPresent(mounts::add);
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

  /** Whether the mount brings a token, and nothing but one. */
  static boolean isTokenMount(JsonNode mount, JsonNode spec) {
    String path = PodTree.normalise(PodTree.text(mount, "mountPath"));
    String ours = InjectionPlan.VOLUME_MOUNT_PATH;
    if (PodTree.isWithin(path, ours) || PodTree.isWithin(ours, path)) {
      return false;
    }
    if (path.equals(OWN_TOKEN)) {
      return true;
    }
    return PodTree.find(spec, "volumes", "name", PodTree.text(mount, "name"))
        .map(volume -> volume.path("projected").path("sources"))
        .filter(sources -> !sources.isEmpty())
        .filter(sources -> sources.valueStream().allMatch(s -> s.has("serviceAccountToken")))
        .isPresent();
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

  private static Optional<ObjectNode> mountOf(JsonNode container, String file, JsonNode spec) {
    return PodTree.objects(container, "volumeMounts").stream()
        .filter(m -> PodTree.isWithin(file, PodTree.normalise(PodTree.text(m, "mountPath"))))
        .filter(mount -> isTokenMount(mount, spec))
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
