package io.github.secretscontroller.core;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
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
 *  "resolve":[{"volume":"db-credentials"},{"volume":"mine","parts":["references","verbatim"]}]}
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
    VolumeLayout.check(files);
    if (!resolve.isEmpty()) {
      ResolvedVolume.requireOwnNames(resolve);
    }
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
    return PlanReader.read(json);
  }

  /**
   * The JSON document. Every {@code $} is written as an escape, since kubelet expands {@code
   * $(NAME)} and collapses {@code $$} in the environment values of a Pod.
   *
   * @throws IllegalArgumentException if it is longer than {@link #MAX_JSON_BYTES}
   */
  public String toJson() {
    String json = PlanWriter.write(this);
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

  private static void requireRegion(String what, @Nullable String region) {
    if (region != null && !REGION.matcher(region).matches()) {
      throw new IllegalArgumentException(
          "the " + what + " \"" + region + "\" must look like eu-west-1");
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

    private static final int MAX_DAYS = 366;

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
      requireBounded("the refresh interval", interval);
      if (staleAfter != null) {
        requireBounded("the time after which files are stale", staleAfter);
      }
    }

    private static void requireBounded(String what, Duration duration) {
      if (duration.compareTo(Duration.ofDays(MAX_DAYS)) > 0) {
        throw new IllegalArgumentException(
            what + " must be " + MAX_DAYS + " days or less, not " + duration);
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
