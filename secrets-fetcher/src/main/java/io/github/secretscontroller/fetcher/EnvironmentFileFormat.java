package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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
        byte[] bytes = bytes(value);
        try {
          String obstacle = obstacle(name, bytes);
          if (obstacle != null) {
            throw new Unusable(
                "can't become the environment variable "
                    + name
                    + ": the value "
                    + obstacle
                    + "; use a file instead");
          }
          write(out, name, bytes);
        } finally {
          Arrays.fill(bytes, (byte) 0);
        }
      }
      return out.take();
    }
  }

  /**
   * A file of one value.
   *
   * @param key the name under which kubelet finds it
   */
  static byte[] render(String key, byte[] value) throws Unusable {
    String obstacle = isText(value) ? obstacle(key, value) : "isn't UTF-8 text";
    if (obstacle != null) {
      throw new Unusable(
          "can't become an environment variable: the value "
              + obstacle
              + "; mount the Secret as a volume");
    }
    try (SecretBuffer out = new SecretBuffer()) {
      write(out, key, value);
      return out.take();
    }
  }

  private static byte[] bytes(String value) throws Unusable {
    try (SecretBuffer text = new SecretBuffer()) {
      return text.text(value).take();
    }
  }

  private static void write(SecretBuffer out, String name, byte[] value) throws Unusable {
    out.text(name).text("='");
    out.write(value, 0, value.length);
    out.text("'\n");
  }

  /** What of the value the grammar can't carry, or {@code null}. */
  private static @Nullable String obstacle(String name, byte[] value) {
    if (value.length == 0) {
      return "is empty, which kubelet takes for missing";
    }
    // What stands before the value in its first line.
    int line = name.length() + 2;
    for (int i = 0; i < value.length; i++) {
      line++;
      switch (value[i]) {
        case '\'' -> {
          return "has a single quote, which ends a value";
        }
        case '\0' -> {
          return "has a NUL, which no environment can hold";
        }
        case '\n' -> {
          if (i > 0 && value[i - 1] == '\r') {
            return "has a line that ends in CR LF, of which kubelet drops the CR";
          }
          line = 0;
        }
        default -> {}
      }
      // The quote that ends the last line counts as well.
      if (line + (i == value.length - 1 ? 1 : 0) > LONGEST_LINE) {
        return "has a line longer than the 64 KiB that kubelet reads";
      }
    }
    return null;
  }

  private static boolean isText(byte[] value) {
    try {
      CharBuffer text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(value));
      Arrays.fill(text.array(), '\0');
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }
}
