package io.github.secretscontroller.core;

import java.nio.charset.StandardCharsets;

/** The rule for paths inside the volume: they can't leave it, nor touch its own bookkeeping. */
final class VolumePath {

  // NAME_MAX and PATH_MAX of Linux, less room for the mount path and the generation's directory.
  private static final int MAX_SEGMENT_BYTES = 255;
  private static final int MAX_PATH_BYTES = 3072;

  private VolumePath() {}

  static void check(String path) {
    if (path.isEmpty()) {
      throw invalid(path, "it is empty");
    }
    if (path.startsWith("/")) {
      throw invalid(path, "it must be relative to the volume");
    }
    if (path.getBytes(StandardCharsets.UTF_8).length > MAX_PATH_BYTES) {
      throw invalid(path, "it is longer than " + MAX_PATH_BYTES + " bytes");
    }
    boolean surrogates = false;
    for (int i = 0; i < path.length(); i++) {
      surrogates |= Character.isSurrogate(path.charAt(i));
      if (Character.isISOControl(path.charAt(i))) {
        throw invalid(path, "it has a control character at position " + (i + 1));
      }
    }
    if (surrogates && !StandardCharsets.UTF_8.newEncoder().canEncode(path)) {
      throw invalid(path, "it has half of a surrogate pair");
    }
    String[] segments = path.split("/", -1);
    for (String segment : segments) {
      if (segment.isEmpty()) {
        throw invalid(path, "it has an empty segment (// or a / at its end)");
      }
      if (segment.equals(".")) {
        throw invalid(path, "it has a segment \".\"; leave it out");
      }
      if (segment.startsWith("..")) {
        throw invalid(
            path,
            "a segment starts with \"..\", which would leave the volume or touch its bookkeeping");
      }
      if (segment.getBytes(StandardCharsets.UTF_8).length > MAX_SEGMENT_BYTES) {
        throw invalid(path, "a segment is longer than " + MAX_SEGMENT_BYTES + " bytes");
      }
    }
    if (segments[0].equals(".status.json")) {
      throw invalid(path, "\".status.json\" is where the fetcher reports its state");
    }
  }

  private static IllegalArgumentException invalid(String path, String reason) {
    String shown = path.length() <= 200 ? path : path.substring(0, 200) + "...";
    StringBuilder printable = new StringBuilder();
    shown.chars().forEach(c -> printable.append(Character.isISOControl(c) ? '?' : (char) c));
    return new IllegalArgumentException(
        "\"" + printable + "\" is no path inside the volume: " + reason);
  }
}
