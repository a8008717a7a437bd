package io.github.secretscontroller.admission;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The version of a cluster, as far as it decides what a pod can have.
 *
 * @param major 1 so far
 * @param minor such as 29
 */
record KubernetesVersion(int major, int minor) {

  /** Since when a restartable init container, a native sidecar, needs no feature gate. */
  static final KubernetesVersion NATIVE_SIDECARS = new KubernetesVersion(1, 29);

  /** Since when {@code fileKeyRef} exists (feature EnvFiles, on by default since 1.35). */
  static final KubernetesVersion ENVIRONMENT_FILES = new KubernetesVersion(1, 34);

  /** Also what an API server says of itself: {@code v1.29.3-eks-7f9e4d5}. */
  private static final Pattern TEXT = Pattern.compile("v?([0-9]{1,4})\\.([0-9]{1,4})([.+-].*)?");

  static KubernetesVersion parse(String text) {
    Matcher matcher = TEXT.matcher(text.strip());
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "kubernetesVersion must look like 1.29 or v1.29.3, not \"" + text + "\"");
    }
    return new KubernetesVersion(
        Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
  }

  boolean isOlderThan(KubernetesVersion other) {
    return major != other.major ? major < other.major : minor < other.minor;
  }

  @Override
  public String toString() {
    return major + "." + minor;
  }
}
