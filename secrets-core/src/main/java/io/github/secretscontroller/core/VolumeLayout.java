package io.github.secretscontroller.core;

import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The rule for the files of one plan: they can stand next to each other in one volume. */
final class VolumeLayout {

  private VolumeLayout() {}

  static void check(List<SecretFile> files) {
    requireNoCollision(files);
    requireOwnDirectories(files);
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

  /**
   * Environment files are regular files at the place where they are mounted from. All others are
   * reached by a link with the name of their top directory, so the two can't be in one.
   */
  private static void requireOwnDirectories(List<SecretFile> files) {
    Map<String, SecretFile> linked = new HashMap<>();
    for (SecretFile file : files) {
      if (!(file.content() instanceof EnvironmentFile)) {
        linked.putIfAbsent(topDirectory(file), file);
      }
    }
    for (SecretFile file : files) {
      SecretFile other = linked.get(topDirectory(file));
      if (file.content() instanceof EnvironmentFile && other != null) {
        throw new IllegalArgumentException(
            "the environment file \""
                + file.path()
                + "\" can't share the directory \""
                + topDirectory(file)
                + "\" with \""
                + other.path()
                + "\"; give one of the two another path");
      }
    }
  }

  private static String topDirectory(SecretFile file) {
    int slash = file.path().indexOf('/');
    return slash < 0 ? file.path() : file.path().substring(0, slash);
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
