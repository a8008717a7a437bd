package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.util.ArrayList;
import java.util.List;

/**
 * Reads an environment file as kubelet of Kubernetes 1.35 does ({@code pkg/kubelet/util/env}), line
 * by line as Go's {@code bufio.Scanner} delivers them. On bytes, since Go's strings are bytes.
 */
final class KubeletEnvironmentFile {

  private static final int MAX_SCAN_TOKEN_SIZE = 64 * 1024;

  private final List<String> lines;
  private int next;

  private KubeletEnvironmentFile(List<String> lines) {
    this.lines = lines;
  }

  /** The value of a variable; empty if there is none, which kubelet then takes for an error. */
  static String value(byte[] file, String name) {
    String value = new KubeletEnvironmentFile(lines(new String(file, ISO_8859_1))).find(name);
    return new String(value.getBytes(ISO_8859_1), UTF_8);
  }

  private static List<String> lines(String file) {
    List<String> lines = new ArrayList<>();
    int start = 0;
    while (start < file.length()) {
      int end = file.indexOf('\n', start);
      int stop = end < 0 ? file.length() : end;
      if (stop - start >= MAX_SCAN_TOKEN_SIZE) {
        throw new IllegalArgumentException("token too long");
      }
      String line = file.substring(start, stop);
      lines.add(line.endsWith("\r") ? line.substring(0, line.length() - 1) : line);
      start = stop + 1;
    }
    return lines;
  }

  private String find(String name) {
    while (next < lines.size()) {
      String line = trimLeft(lines.get(next++));
      if (line.isEmpty() || line.startsWith("#")) {
        continue;
      }
      int equals = line.indexOf('=');
      String found = equals < 0 ? "" : line.substring(0, equals);
      if (found.isEmpty() || found.endsWith(" ") || found.endsWith("\t")) {
        throw new IllegalArgumentException("line " + next + " has no name before its =");
      }
      String rest = line.substring(equals + 1);
      String value = rest.equals(trimLeft(rest)) ? quoted(rest) : "";
      if (found.equals(name)) {
        return value;
      }
    }
    return "";
  }

  private String quoted(String rest) {
    if (!rest.startsWith("'")) {
      throw new IllegalArgumentException("line " + next + " has no quote behind its =");
    }
    StringBuilder value = new StringBuilder();
    String line = rest.substring(1);
    while (line.indexOf('\'') < 0) {
      value.append(line).append('\n');
      if (next == lines.size()) {
        throw new IllegalArgumentException("a quote isn't closed");
      }
      line = lines.get(next++);
    }
    String after = trimLeft(line.substring(line.indexOf('\'') + 1));
    if (!after.isEmpty() && !after.startsWith("#")) {
      throw new IllegalArgumentException("line " + next + " has something behind its quote");
    }
    return value.append(line, 0, line.indexOf('\'')).toString();
  }

  private static String trimLeft(String text) {
    return text.replaceFirst("^[ \t]+", "");
  }
}
