package io.github.secretscontroller.admission;

import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The rule for where a pod may ask to have its secrets mounted. */
final class MountPath {

  private static final List<String> SYSTEM = List.of("/proc", "/sys", "/dev");

  // Where Kubernetes and EKS mount the tokens that are the pod's identity. /var/run is a link to
  // /run in most images.
  private static final List<String> TOKENS =
      List.of(
          "/var/run/secrets/kubernetes.io",
          "/var/run/secrets/eks.amazonaws.com",
          "/var/run/secrets/pods.eks.amazonaws.com",
          "/run/secrets/kubernetes.io",
          "/run/secrets/eks.amazonaws.com",
          "/run/secrets/pods.eks.amazonaws.com");

  private static final int LONGEST = 1024;

  private MountPath() {}

  /** Why {@code path}, normalised, can't be a mount path, and what to do; empty if it can. */
  static Optional<String> problem(String path) {
    return Optional.ofNullable(reason(path));
  }

  private static @Nullable String reason(String path) {
    if (!path.startsWith("/")) {
      return "it must be an absolute path, such as /etc/my-secrets";
    }
    if (path.length() > LONGEST) {
      return "it must have at most " + LONGEST + " characters";
    }
    if (path.equals("/")) {
      return "a mount there would hide the whole file system; name a directory, such as"
          + " /etc/my-secrets";
    }
    for (int i = 0; i < path.length(); i++) {
      if (path.charAt(i) == ':' || Character.isISOControl(path.charAt(i))) {
        return "Kubernetes allows no colon and no control character in it; leave them out";
      }
    }
    for (String segment : path.substring(1).split("/", -1)) {
      if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
        return "it must not have an empty segment, \".\" or \"..\"; write the path in full";
      }
    }
    for (String directory : SYSTEM) {
      if (PodTree.isWithin(path, directory)) {
        return "a mount there would hide " + directory + "; choose another directory";
      }
    }
    for (String directory : TOKENS) {
      if (PodTree.isWithin(path, directory) || PodTree.isWithin(directory, path)) {
        return "a mount there would hide the pod's own tokens below "
            + directory
            + "; choose another directory";
      }
    }
    return null;
  }
}
