package io.github.secretscontroller.core;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the webhook decided and the fetcher carries out: which secrets become which files, how they
 * are kept fresh, and what may be read at all. It is the only thing that the two share, travels as
 * one JSON document in an environment variable, and holds references, never values.
 *
 * <pre>{@code
 * {"version":1,
 *  "files":[{"secret":"arn:aws:secretsmanager:...","path":"db/password"},
 *           {"secret":"prod/api-key","path":"api-key","mode":"0440","optional":true},
 *           {"name":"db","secret":"prod/db","path":"db.properties","format":"properties"},
 *           {"secret":"prod/tls","path":"tls","keys":["tls.crt","tls.key"]},
 *           {"secret":"prod/db","path":"env/db","env":{"DB_USER":"user"}},
 *           {"path":"app.conf","template":"password={{db.password}}"}],
 *  "region":"eu-west-1", "failoverRegion":"eu-central-1",
 *  "refresh":{"interval":"PT5M","staleAfter":"PT1H","unreadyWhenStale":true},
 *  "onChange":{"signal":"HUP","process":"nginx"},
 *  "allowed":["prod/*"],
 *  "sealed":{"keys":["arn:aws:kms:..."],"cluster":"blue","namespace":"shop"},
 *  "resolve":[{"volume":"db-credentials"},{"volume":"all-in-one","mixed":true}]}
 * }</pre>
 *
 * <p>The reader is strict: an unknown version, an unknown field, or the same field twice is an
 * error, because a fetcher that skipped what it doesn't understand could publish less, or more,
 * than was decided.
 *
 * @param files at least one, unless volumes are resolved; no two of them on the same path or with
 *     the same name, and none below another
 * @param region where secrets are read whose reference names no region; {@code null} for the
 *     environment's
 * @param failoverRegion where secrets are read while their own region can't be reached, or {@code
 *     null}
 * @param refresh how a fetcher that stays looks for new versions
 * @param onChange what it does after it published new ones
 * @param allowed what the operator lets the pod read, enforced again by the fetcher; empty for
 *     everything
 * @param sealed how {@code kms:} references are opened, or {@code null} if there can be none
 * @param resolve volumes of the pod whose files hold references, to be resolved into others
 */
public record InjectionPlan(
    List<SecretFile> files,
    @Nullable String region,
    @Nullable String failoverRegion,
    Refresh refresh,
    OnChange onChange,
    List<ReferencePattern> allowed,
    @Nullable Sealed sealed,
    List<ResolvedVolume> resolve) {

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

  /**
   * Below it the injected container mounts, in {@code references/NAME}, each volume that it has to
   * resolve, and in {@code resolved/NAME} the one with the result.
   *
   * <p>A program outside of a container is told another place by {@code SECRETS_RESOLVE_ROOT}.
   */
  public static final String RESOLVE_MOUNT_PATH = "/secrets-controller";

  private static final Pattern REGION = Pattern.compile("[a-z]+(-[a-z]+)+-[0-9]+");

  /** Checks that the files can stand next to each other in one volume. */
  public InjectionPlan {
    files = List.copyOf(files);
    allowed = List.copyOf(allowed);
    resolve = List.copyOf(resolve);
    if (files.isEmpty() && resolve.isEmpty()) {
      throw new IllegalArgumentException("a plan needs at least one file");
    }
    requireNoCollision(files);
    requireRegion("region", region);
    requireRegion("failoverRegion", failoverRegion);
  }

  /** A plan of these files, with the defaults of everything else. */
  public static InjectionPlan of(List<SecretFile> files) {
    return builder().files(files).build();
  }

  /** A builder without files and with the defaults of everything else. */
  public static Builder builder() {
    return new Builder();
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
    Set<String> names = new HashSet<>();
    for (SecretFile file : files) {
      if (file.name() != null && !names.add(file.name())) {
        throw new IllegalArgumentException("two files have the name \"" + file.name() + "\"");
      }
    }
  }

  private static void requireRegion(String what, @Nullable String region) {
    if (region != null && !REGION.matcher(region).matches()) {
      throw new IllegalArgumentException(
          "the " + what + " \"" + region + "\" must look like eu-west-1");
    }
  }

  /**
   * One file to publish, or one directory of files.
   *
   * @param name what templates call the secret, or {@code null} if none can use it
   * @param secret where its content comes from; {@code null} only for a template, which may use the
   *     secrets of the other files alone
   * @param failover what is read in its place in the failover region, if the secret has another
   *     name there; {@code null} for the same name
   * @param path where it goes: relative to the volume's root, segments separated by {@code /}; no
   *     segment is empty or starts with {@code ..}, and the first isn't {@code .status.json}, since
   *     the volume keeps its own state there. With {@link KeyFiles} it is a directory
   * @param content what of the secret is written, and how
   * @param mode its permission bits, such as {@code 0444}; readable by the owner at least, and
   *     never executable or writable by others
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
  }

  /**
   * A volume of native Secrets: the one that kubelet fills has references, and the one that the
   * pod's containers read has, in files of the same names, what they refer to.
   *
   * @param volume the name of the pod's volume
   * @param mixed whether there are other files in it as well, which are copied as they are
   */
  public record ResolvedVolume(String volume, boolean mixed) {

    private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?");

    /** Checks that the name is one that a volume can have. */
    public ResolvedVolume {
      if (!NAME.matcher(volume).matches()) {
        throw new IllegalArgumentException(
            "\"" + volume + "\" can't be the name of a volume that is resolved");
      }
    }
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
   * A text with placeholders for the secrets of all named files of the plan.
   *
   * @param text the template
   */
  public record Template(String text) implements Content {}

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

  /**
   * How a fetcher that stays looks for new versions.
   *
   * @param interval the time between two looks, jittered by ten per cent; a second at least
   * @param staleAfter how old the last successful look may be before the files are reported as
   *     stale; {@code null} for three intervals, but ten minutes at least
   * @param unreadyWhenStale whether the fetcher's readiness then turns false, and with it the pod's
   */
  public record Refresh(
      Duration interval, @Nullable Duration staleAfter, boolean unreadyWhenStale) {

    /** Every five minutes; stale files are told but leave the pod ready. */
    public static final Refresh DEFAULT = new Refresh(Duration.ofMinutes(5), null, false);

    /** Checks the durations. */
    public Refresh {
      if (interval.compareTo(Duration.ofSeconds(1)) < 0) {
        throw new IllegalArgumentException(
            "the refresh interval must be a second or more, not " + interval);
      }
      if (staleAfter != null && staleAfter.compareTo(interval) < 0) {
        throw new IllegalArgumentException(
            "files can't be stale after " + staleAfter + ", before the next look in " + interval);
      }
    }

    /** {@link #staleAfter}, or what it is by default. */
    public Duration staleness() {
      if (staleAfter != null) {
        return staleAfter;
      }
      Duration three = interval.multipliedBy(3);
      Duration least = Duration.ofMinutes(10);
      return three.compareTo(least) > 0 ? three : least;
    }
  }

  /** What is done after new versions were published. */
  public sealed interface OnChange {

    /** Nothing: the application watches its files, or reads them again. */
    OnChange NOTHING = new Nothing();
  }

  /** Nothing is done. */
  public record Nothing() implements OnChange {}

  /**
   * A process in the pod's shared process namespace gets a signal.
   *
   * @param signal its name without SIG, such as {@code HUP}
   * @param process the name of the program, as in {@code /proc/PID/comm} or the last part of its
   *     executable's path
   */
  public record Signal(String signal, String process) implements OnChange {

    private static final Pattern SIGNAL = Pattern.compile("HUP|INT|QUIT|USR1|USR2|TERM|WINCH");
    private static final Pattern PROCESS = Pattern.compile("[^/\\s\\p{Cntrl}]{1,64}");

    /** Checks both. */
    public Signal {
      if (!SIGNAL.matcher(signal).matches()) {
        throw new IllegalArgumentException(
            "the signal must be HUP, INT, QUIT, USR1, USR2, TERM or WINCH, not \"" + signal + "\"");
      }
      if (!PROCESS.matcher(process).matches()) {
        throw new IllegalArgumentException(
            "the process must be the name of a program, such as nginx, not \"" + process + "\"");
      }
    }
  }

  /**
   * An HTTP POST without a body to the pod itself.
   *
   * @param url {@code http} to a literal loopback address, such as {@code
   *     http://127.0.0.1:8080/-/reload}
   */
  public record HttpPost(URI url) implements OnChange {

    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "[::1]", "localhost");

    /** Checks that the URL can't lead out of the pod. */
    public HttpPost {
      if (!"http".equals(url.getScheme())
          || url.getHost() == null
          || !LOOPBACK.contains(url.getHost())
          || url.getRawUserInfo() != null
          || url.getRawFragment() != null) {
        throw new IllegalArgumentException(
            "the URL must lead to the pod itself, such as http://127.0.0.1:8080/-/reload, not \""
                + url
                + "\"");
      }
    }
  }

  /**
   * How {@code kms:} references are opened.
   *
   * @param keys ARNs of the only KMS keys with which a value is opened
   * @param cluster the operator's name for the cluster that values must be sealed for
   * @param namespace the pod's namespace, which values must be sealed for
   */
  public record Sealed(List<String> keys, String cluster, String namespace) {

    /** Copies the keys. */
    public Sealed {
      keys = List.copyOf(keys);
    }
  }

  /** Collects a plan. Not thread-safe. */
  public static final class Builder {

    private final List<SecretFile> files = new ArrayList<>();
    private @Nullable String region;
    private @Nullable String failoverRegion;
    private Refresh refresh = Refresh.DEFAULT;
    private OnChange onChange = OnChange.NOTHING;
    private List<ReferencePattern> allowed = List.of();
    private @Nullable Sealed sealed;
    private List<ResolvedVolume> resolve = List.of();

    private Builder() {}

    /** Adds a file. */
    public Builder file(SecretFile file) {
      files.add(Objects.requireNonNull(file));
      return this;
    }

    /** Adds files. */
    public Builder files(List<SecretFile> more) {
      files.addAll(more);
      return this;
    }

    /** See {@link InjectionPlan#region}. */
    public Builder region(@Nullable String newRegion) {
      this.region = newRegion;
      return this;
    }

    /** See {@link InjectionPlan#failoverRegion}. */
    public Builder failoverRegion(@Nullable String newRegion) {
      this.failoverRegion = newRegion;
      return this;
    }

    /** See {@link InjectionPlan#refresh}; {@link Refresh#DEFAULT} by default. */
    public Builder refresh(Refresh newRefresh) {
      this.refresh = newRefresh;
      return this;
    }

    /** See {@link InjectionPlan#onChange}; nothing by default. */
    public Builder onChange(OnChange newOnChange) {
      this.onChange = newOnChange;
      return this;
    }

    /** See {@link InjectionPlan#allowed}; everything by default. */
    public Builder allowed(List<ReferencePattern> patterns) {
      this.allowed = patterns;
      return this;
    }

    /** See {@link InjectionPlan#sealed}; {@code null} by default. */
    public Builder sealed(@Nullable Sealed newSealed) {
      this.sealed = newSealed;
      return this;
    }

    /** See {@link InjectionPlan#resolve}; none by default. */
    public Builder resolve(List<ResolvedVolume> volumes) {
      this.resolve = volumes;
      return this;
    }

    /**
     * The plan.
     *
     * @throws IllegalArgumentException if it has no file, or if files are in each other's way
     */
    public InjectionPlan build() {
      return new InjectionPlan(
          files, region, failoverRegion, refresh, onChange, allowed, sealed, resolve);
    }
  }
}
