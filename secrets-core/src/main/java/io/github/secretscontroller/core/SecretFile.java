package io.github.secretscontroller.core;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One file to publish, or one directory of files.
 *
 * @param name what templates call the secret, or {@code null} if none can use it
 * @param secret where its content comes from; {@code null} only for a template, which may use the
 *     secrets of the other files alone
 * @param failover what is read in its place in the failover region, if the secret has another name
 *     there; {@code null} for the same name
 * @param path where it goes: relative to the volume's root, segments separated by {@code /}; no
 *     segment is empty or starts with {@code ..}, and the first isn't {@code .status.json}, since
 *     the volume keeps its own state there. With {@link KeyFiles} it is a directory
 * @param content what of the secret is written, and how
 * @param mode its permission bits, such as {@code 0444}; readable by the owner at least, and never
 *     executable or writable by others
 * @param optional whether a secret that doesn't exist is no error (a denied one still is)
 */
public record SecretFile(
    @Nullable String name,
    @Nullable SecretReference secret,
    @Nullable SecretReference failover,
    String path,
    Content content,
    int mode,
    boolean optional) {

  /** Readable by everybody in the pod, writable by nobody. */
  public static final int DEFAULT_MODE = 0444;

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?");

  /** Checks path and mode; the message of the exception tells the reason and what is allowed. */
  public SecretFile {
    VolumePath.check(path);
    if ((mode & ~0777) != 0 || (mode & 0400) == 0 || (mode & 0002) != 0) {
      throw new IllegalArgumentException(
          "the mode "
              + String.format("%04o", mode)
              + " must be 0400 to 0775, readable by its owner and not writable by all");
    }
    if (name != null && !NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "the name \"" + name + "\" must have letters, digits, - and _ only");
    }
    if (secret == null && !(content instanceof Template)) {
      throw new IllegalArgumentException("\"" + path + "\" names no secret and no template");
    }
    if (secret == null && failover != null) {
      throw new IllegalArgumentException("\"" + path + "\" has a failover for no secret");
    }
  }

  /** A required file with {@link #DEFAULT_MODE} that holds the exact bytes of a secret. */
  public static SecretFile of(SecretReference secret, String path) {
    return new SecretFile(null, secret, null, path, Formatted.RAW, DEFAULT_MODE, false);
  }

  /** The same file, written in another way. */
  public SecretFile withContent(Content newContent) {
    return new SecretFile(name, secret, failover, path, newContent, mode, optional);
  }

  /** The same file with other permission bits. */
  public SecretFile withMode(int newMode) {
    return new SecretFile(name, secret, failover, path, content, newMode, optional);
  }

  /** The same file, whose secret may or must exist. */
  public SecretFile withOptional(boolean newOptional) {
    return new SecretFile(name, secret, failover, path, content, mode, newOptional);
  }

  /** The same file, whose secret templates call by this name. */
  public SecretFile withName(@Nullable String newName) {
    return new SecretFile(newName, secret, failover, path, content, mode, optional);
  }

  /** The same file with another name of the secret in the failover region. */
  public SecretFile withFailover(@Nullable SecretReference newFailover) {
    return new SecretFile(name, secret, newFailover, path, content, mode, optional);
  }

  /** What of a secret is written, and how. */
  public sealed interface Content {}

  /**
   * The secret, or what its selector selects, as one document.
   *
   * @param format its format
   */
  public record Formatted(Format format) implements Content {

    /** The exact bytes; of a selection its text (scalars raw, the rest JSON). */
    public static final Formatted RAW = new Formatted(Format.RAW);
  }

  /** The formats of {@link Formatted}; in the JSON document they are in lower case. */
  public enum Format {
    /** The exact bytes. */
    RAW,
    /** A JSON document. */
    JSON,
    /** {@code java.util.Properties}, from a JSON object. */
    PROPERTIES,
    /** {@code NAME=value} lines that a POSIX shell can source, from a JSON object. */
    DOTENV,
    /** A YAML document, from JSON. */
    YAML,
    /** A PKCS#12 key store, from a PEM key and certificate chain. */
    PKCS12,
    /** A Java key store, from a PEM key and certificate chain. */
    JKS
  }

  /**
   * A text with placeholders for the secrets of all named files of the plan, in Mustache's grammar.
   *
   * @param text the template
   */
  public record Template(String text) implements Content {

    /** The sections that encode what is in them; no secret that a template uses has such a name. */
    public static final Set<String> HELPERS = Set.of("base64", "json", "url");

    /**
     * What keeps the text from being filled in, whatever the values are: tags and sections that
     * aren't closed, and names that no secret has. A name with a default isn't missed.
     *
     * @param names the names of the plan's secrets
     * @return a sentence for each, with its place in the text; empty if nothing does
     */
    public List<String> problems(Set<String> names) {
      return TemplateSyntax.problems(text, names);
    }
  }

  /**
   * Each key of a JSON object as a file of its own, in a directory.
   *
   * @param keys which ones; empty for all
   */
  public record KeyFiles(List<String> keys) implements Content {

    /** Copies the keys. */
    public KeyFiles {
      keys = List.copyOf(keys);
    }
  }

  /**
   * A file of environment variables in the grammar that kubelet reads for {@code fileKeyRef}; a
   * regular file, written once when the pod starts, since an environment never changes.
   *
   * @param keyByVariable the key of the JSON object for each variable's name; at least one
   */
  public record EnvironmentFile(Map<String, String> keyByVariable) implements Content {

    /** Copies the map, in its order. */
    public EnvironmentFile {
      if (keyByVariable.isEmpty()) {
        throw new IllegalArgumentException("an environment file needs at least one variable");
      }
      keyByVariable = Collections.unmodifiableMap(new LinkedHashMap<>(keyByVariable));
    }
  }
}
