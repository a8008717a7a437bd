package io.github.secretscontroller.core;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeMap;

/**
 * What the webhook decided and the fetcher carries out: which secrets become which files. It is the
 * only thing that the two share, travels as one JSON document in an environment variable, and holds
 * references, never values.
 *
 * <pre>{@code
 * {"version":1,
 *  "files":[{"secret":"arn:aws:secretsmanager:...","path":"db/password"},
 *           {"secret":"prod/api-key","path":"api-key","mode":"0440","optional":true}]}
 * }</pre>
 *
 * <p>The reader is strict: an unknown version, an unknown field, or the same field twice is an
 * error, because a fetcher that skipped what it doesn't understand could publish less, or more,
 * than was decided.
 *
 * @param files at least one; no two of them on the same path, and none below another
 */
public record InjectionPlan(List<SecretFile> files) {

  /** The version of the JSON document that this code writes, and the only one that it reads. */
  public static final int FORMAT_VERSION = 1;

  /**
   * The longest document, in bytes. Linux bounds one environment string, its name included, by 128
   * KiB (MAX_ARG_STRLEN); this leaves room.
   */
  public static final int MAX_JSON_BYTES = 96 * 1024;

  /** The environment variable that carries the document. */
  public static final String ENVIRONMENT_VARIABLE = "SECRETS_PLAN";

  /**
   * Where the injected container mounts the volume. Not {@code /tmp}: the JVM writes there.
   *
   * <p>A program outside of a container is told another place by {@code SECRETS_ROOT}.
   */
  public static final String VOLUME_MOUNT_PATH = "/secrets-controller/volume";

  /** Checks that the files can stand next to each other in one volume. */
  public InjectionPlan {
    files = List.copyOf(files);
    if (files.isEmpty()) {
      throw new IllegalArgumentException("a plan needs at least one file");
    }
    requireNoCollision(files);
  }

  /**
   * Reads the JSON document.
   *
   * @throws IllegalArgumentException if it isn't a plan of {@link #FORMAT_VERSION}; the message
   *     tells where and why
   */
  public static InjectionPlan parse(String json) {
    return PlanJson.read(json);
  }

  /**
   * The JSON document. Every {@code $} is written as an escape, since kubelet expands {@code
   * $(NAME)} and collapses {@code $$} in the environment values of a Pod.
   *
   * @throws IllegalArgumentException if it is longer than {@link #MAX_JSON_BYTES}
   */
  public String toJson() {
    String json = PlanJson.write(this);
    int size = json.getBytes(StandardCharsets.UTF_8).length;
    if (size > MAX_JSON_BYTES) {
      throw new IllegalArgumentException(
          "the plan of "
              + files.size()
              + " files takes "
              + size
              + " bytes, more than the "
              + MAX_JSON_BYTES
              + " that fit into an environment variable");
    }
    return json;
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
   * One file to publish.
   *
   * @param secret where its content comes from
   * @param path where it goes: relative to the volume's root, segments separated by {@code /}; no
   *     segment is empty or starts with {@code ..}, and the first isn't {@code .status.json}, since
   *     the volume keeps its own state there
   * @param mode its permission bits, such as {@code 0444}; readable by the owner at least, and
   *     never executable or writable by others
   * @param optional whether a secret that doesn't exist is no error (a denied one still is)
   */
  public record SecretFile(SecretReference secret, String path, int mode, boolean optional) {

    /** Readable by everybody in the pod, writable by nobody. */
    public static final int DEFAULT_MODE = 0444;

    /** Checks path and mode; the message of the exception tells the reason and what is allowed. */
    public SecretFile {
      VolumePath.check(path);
      if ((mode & ~0777) != 0 || (mode & 0400) == 0 || (mode & 0002) != 0) {
        throw new IllegalArgumentException(
            "the mode "
                + String.format("%04o", mode)
                + " must be 0400 to 0775, readable by its owner and not writable by all");
      }
    }

    /** A required file with {@link #DEFAULT_MODE}. */
    public static SecretFile of(SecretReference secret, String path) {
      return new SecretFile(secret, path, DEFAULT_MODE, false);
    }
  }
}
