package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The grammar in which kubelet reads environment files for {@code fileKeyRef}, Kubernetes 1.35
 * (https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/3721-support-for-env-files):
 * {@code NAME='value'}, where a value may have several lines, and no escape exists.
 */
final class EnvironmentFileFormat {

  private static final Pattern NAME = Pattern.compile("[-._a-zA-Z][-._a-zA-Z0-9]*");

  /** Kubelet reads lines with Go's {@code bufio.Scanner}, whose buffer has 64 KiB. */
  private static final int LONGEST_LINE = 64 * 1024 - 1;

  private EnvironmentFileFormat() {}

  /** Why no secret at all could be made into this file, or {@code null}. */
  static @Nullable String problem(EnvironmentFile file) {
    for (String name : file.keyByVariable().keySet()) {
      if (!NAME.matcher(name).matches()) {
        return SecretContent.quoted(name)
            + " can't be the name of an environment variable; use letters, digits, _, - and .";
      }
    }
    return null;
  }

  static byte[] render(SecretContent content, EnvironmentFile file) throws Unusable {
    Map<String, String> fields = content.revealFields();
    try (SecretBuffer out = new SecretBuffer()) {
      for (Map.Entry<String, String> variable : file.keyByVariable().entrySet()) {
        String name = variable.getKey();
        String value = fields.get(variable.getValue());
        if (value == null) {
          throw new Unusable(
              "has no key "
                  + SecretContent.quoted(variable.getValue())
                  + " for the variable "
                  + name
                  + " ("
                  + SecretContent.keysOf(fields)
                  + "); name one that there is");
        }
        requireCarried(name, value);
        int start = out.size();
        out.text(name).text("='").text(value).text("'\n");
        requireShortLines(name, value, out.size() - start);
      }
      return out.take();
    }
  }

  private static void requireCarried(String name, String value) throws Unusable {
    String reason = null;
    if (value.isEmpty()) {
      reason = "is empty, which kubelet takes for missing";
    } else if (value.indexOf('\'') >= 0) {
      reason = "has a single quote, which ends a value";
    } else if (value.indexOf('\0') >= 0) {
      reason = "has a NUL, which no environment can hold";
    } else if (value.contains("\r\n")) {
      reason = "has a line that ends in CR LF, of which kubelet drops the CR";
    }
    if (reason != null) {
      throw uncarried(name, reason);
    }
  }

  /** Looks at the single lines only if all together are too long for one. */
  private static void requireShortLines(String name, String value, int bytes) throws Unusable {
    if (bytes <= LONGEST_LINE) {
      return;
    }
    String before = name + "='";
    for (String line : (before + value + "'").split("\n", -1)) {
      try (SecretBuffer measured = new SecretBuffer()) {
        if (measured.text(line).size() > LONGEST_LINE) {
          throw uncarried(name, "has a line longer than the 64 KiB that kubelet reads");
        }
      }
    }
  }

  private static Unusable uncarried(String name, String reason) {
    return new Unusable(
        "can't become the environment variable "
            + name
            + ": the value "
            + reason
            + "; use a file instead");
  }
}
