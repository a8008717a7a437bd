package io.github.secretscontroller.core;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/** The rule for the files of one plan: they can stand next to each other in one volume. */
final class VolumeLayout {

  private VolumeLayout() {}

  static void check(List<SecretFile> files) {
    requireNoCollision(files);
    requireOwnNames(files);
  }

  private static void requireNoCollision(List<SecretFile> files) {
    // With '/' sorted before every other character a directory comes right before what is in it.
    TreeMap<String, SecretFile> byPath = new TreeMap<>();
    for (SecretFile file : files) {
      if (byPath.put(file.path().replace('/', '\0'), file) != null) {
        throw new IllegalArgumentException("two files have the path \"" + file.path() + "\"");
      }
    }
    String previous = null;
    for (SecretFile file : byPath.values()) {
      if (previous != null && file.path().startsWith(previous + "/")) {
        throw new IllegalArgumentException(
            "\"" + previous + "\" can't be a file and the directory of \"" + file.path() + "\"");
      }
      previous = file.path();
    }
  }

  private static void requireOwnNames(List<SecretFile> files) {
    Set<String> names = new HashSet<>();
    for (SecretFile file : files) {
      if (file.name() != null && !names.add(file.name())) {
        throw new IllegalArgumentException("two files have the name \"" + file.name() + "\"");
      }
    }
  }
}
