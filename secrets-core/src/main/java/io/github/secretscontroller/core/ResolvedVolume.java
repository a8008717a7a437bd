package io.github.secretscontroller.core;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * A volume of native Secrets in an {@link InjectionPlan}: the one that kubelet fills has
 * references, and the one that the pod's containers read has, in files of the same names, what they
 * refer to.
 *
 * @param volume the name of the pod's volume
 * @param parts what kubelet fills it from; at least one. A single part is mounted at {@link
 *     InjectionPlan#RESOLVE_MOUNT_PATH}{@code /references/VOLUME}, and several of them at {@code
 *     references/VOLUME/0} and so on; where two have a file of one name, the later part has it, as
 *     in a projected volume
 * @param environment whether the files aren't for containers but for kubelet, which reads variables
 *     from them ({@code fileKeyRef}): each then holds its value under the key {@link
 *     #ENVIRONMENT_KEY}
 */
public record ResolvedVolume(String volume, List<Part> parts, boolean environment) {

  /** The only key in a file that kubelet reads a variable from. */
  public static final String ENVIRONMENT_KEY = "value";

  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

  /** Where files of a volume come from; in the JSON document in lower case. */
  public enum Part {
    /** Native Secrets: every file holds a reference. */
    REFERENCES,
    /** Secrets that may be native: what is no reference is copied as it is. */
    MIXED,
    /** Something else, such as a ConfigMap: copied, whatever it looks like. */
    VERBATIM
  }

  /** Checks that the name is one that a volume can have. */
  public ResolvedVolume {
    parts = List.copyOf(parts);
    if (!NAME.matcher(volume).matches()) {
      throw new IllegalArgumentException(
          "\"" + volume + "\" can't be the name of a volume that is resolved");
    }
    if (parts.isEmpty()) {
      throw new IllegalArgumentException("the volume \"" + volume + "\" has no parts");
    }
  }

  /** A volume with files of this kind only, for the pod's containers. */
  public static ResolvedVolume of(String volume, Part part) {
    return new ResolvedVolume(volume, List.of(part), false);
  }

  static void requireOwnNames(List<ResolvedVolume> volumes) {
    Set<String> names = new HashSet<>();
    for (ResolvedVolume each : volumes) {
      if (!names.add(each.volume())) {
        throw new IllegalArgumentException(
            "the volume \"" + each.volume() + "\" is resolved twice");
      }
    }
  }
}
