package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Each key of a JSON object as a file of its own. */
final class KeyFilesFormat {

  private KeyFilesFormat() {}

  static List<RenderedFile> render(SecretContent content, SecretFile directory, KeyFiles wanted)
      throws Unusable {
    Map<String, String> fields = content.revealFields();
    List<String> keys = wanted.keys().isEmpty() ? List.copyOf(fields.keySet()) : wanted.keys();
    if (keys.isEmpty()) {
      throw new Unusable("has no keys that could become files; store an object that has some");
    }
    List<String> missing = keys.stream().filter(key -> !fields.containsKey(key)).toList();
    if (!missing.isEmpty()) {
      throw new Unusable(
          "has no key "
              + SecretContent.names(missing)
              + " ("
              + SecretContent.keysOf(fields)
              + "); name keys that there are");
    }
    List<RenderedFile> files = new ArrayList<>();
    try {
      for (String key : keys) {
        requireFileName(directory, key);
        try (SecretBuffer out = new SecretBuffer()) {
          out.text(fields.getOrDefault(key, ""));
          files.add(new RenderedFile(directory.path() + "/" + key, directory.mode(), out.take()));
        }
      }
    } catch (Unusable e) {
      files.forEach(RenderedFile::close);
      throw e;
    }
    return files;
  }

  private static void requireFileName(SecretFile directory, String key) throws Unusable {
    if (key.indexOf('/') >= 0) {
      throw notAFileName(key, "it has a /");
    }
    try {
      // The plan's own rule for paths.
      new SecretFile(
          null,
          directory.secret(),
          null,
          directory.path() + "/" + key,
          directory.content(),
          directory.mode(),
          false);
    } catch (IllegalArgumentException e) {
      throw notAFileName(key, "it is empty, too long, starts with .. or has control characters");
    }
  }

  private static Unusable notAFileName(String key, String reason) {
    return new Unusable(
        "has the key "
            + SecretContent.quoted(key)
            + ", which can't be a file's name, since "
            + reason
            + "; name the keys that are wanted, or rename it");
  }
}
