package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan.HttpPost;
import io.github.secretscontroller.core.InjectionPlan.OnChange;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import io.github.secretscontroller.core.InjectionPlan.Signal;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the annotations say about the pod as a whole.
 *
 * @param mode how the fetcher runs, or {@code null} for the operator's default
 * @param refresh how a fetcher that stays looks for new versions
 * @param onChange what it does after it published them
 * @param containers names of the containers that get the mounts; empty for all
 * @param region where secrets are read whose reference names none, or {@code null}
 * @param failoverRegion where they are read while their region can't be reached, or {@code null}
 * @param resources of the fetcher's container, by resource
 * @param resolve names of the intercepted Secrets whose volumes are to hold real values; {@code *}
 *     stands for all
 */
record PodWide(
    @Nullable Mode mode,
    Refresh refresh,
    OnChange onChange,
    Set<String> containers,
    @Nullable String region,
    @Nullable String failoverRegion,
    Map<String, String> resources,
    List<String> resolve) {

  static final String MODE = Annotations.PREFIX + "mode";
  static final String REFRESH_INTERVAL = Annotations.PREFIX + "refresh-interval";
  static final String STALE_AFTER = Annotations.PREFIX + "stale-after";
  static final String UNREADY_WHEN_STALE = Annotations.PREFIX + "unready-when-stale";
  static final String ON_CHANGE = Annotations.PREFIX + "on-change";
  static final String CONTAINERS = Annotations.PREFIX + "containers";
  static final String REGION = Annotations.PREFIX + "region";
  static final String FAILOVER_REGION = Annotations.PREFIX + "failover-region";
  static final String CPU = Annotations.PREFIX + "resources.cpu";
  static final String MEMORY = Annotations.PREFIX + "resources.memory";
  static final String RESOLVE = Annotations.PREFIX + "resolve";

  static final List<String> KEYS =
      List.of(
          MODE,
          REFRESH_INTERVAL,
          STALE_AFTER,
          UNREADY_WHEN_STALE,
          ON_CHANGE,
          CONTAINERS,
          REGION,
          FAILOVER_REGION,
          CPU,
          MEMORY,
          RESOLVE);

  PodWide {
    containers = Set.copyOf(containers);
    resources = Map.copyOf(resources);
    resolve = List.copyOf(resolve);
  }

  /** What they say; where something is wrong, its default. */
  static PodWide read(Map<String, String> ours, Findings findings) {
    return new Reader(ours, findings).read();
  }

  private record Reader(Map<String, String> ours, Findings findings, AnnotationValues values) {

    private static final Map<String, Mode> MODES =
        Map.of("init", Mode.INIT, "sidecar", Mode.SIDECAR, "init+sidecar", Mode.INIT_AND_SIDECAR);
    private static final Pattern REGION_NAME = Pattern.compile("[a-z]+(-[a-z]+)+-[0-9]+");
    // https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ (RFC 1123)
    private static final Pattern CONTAINER = Pattern.compile("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?");
    private static final Pattern SECRET = Pattern.compile("[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?");
    private static final Pattern CPU_QUANTITY = Pattern.compile("[0-9]{1,9}(\\.[0-9]{1,3}|m)?");
    private static final Pattern MEMORY_QUANTITY =
        Pattern.compile("[0-9]{1,15}(\\.[0-9]{1,3})?(k|Ki|M|Mi|G|Gi)?");
    private static final Duration LONGEST = Duration.ofDays(30);

    Reader(Map<String, String> ours, Findings findings) {
      this(ours, findings, new AnnotationValues(findings));
    }

    PodWide read() {
      Mode mode = mode();
      if (mode == Mode.INIT) {
        for (String key : List.of(REFRESH_INTERVAL, STALE_AFTER, UNREADY_WHEN_STALE, ON_CHANGE)) {
          if (ours.containsKey(key)) {
            findings.warn(key + " has no effect with " + MODE + " init; set the mode to sidecar");
          }
        }
      }
      String region = region(REGION);
      String failoverRegion = region(FAILOVER_REGION);
      if (failoverRegion != null && failoverRegion.equals(region)) {
        findings.problem(
            FAILOVER_REGION, failoverRegion, "it is the same as " + REGION + "; name another one");
      }
      return new PodWide(
          mode,
          refresh(),
          onChange(),
          names(CONTAINERS, CONTAINER, "container"),
          region,
          failoverRegion,
          resources(),
          List.copyOf(resolve()));
    }

    private @Nullable Mode mode() {
      String value = ours.get(MODE);
      if (value == null) {
        return null;
      }
      Mode mode = MODES.get(value.strip());
      if (mode == null) {
        findings.problem(MODE, value, "it must be init, sidecar or init+sidecar");
      }
      return mode;
    }

    private Refresh refresh() {
      Duration interval = duration(REFRESH_INTERVAL);
      Duration staleAfter = duration(STALE_AFTER);
      String unready = ours.get(UNREADY_WHEN_STALE);
      boolean unreadyWhenStale =
          unready != null && values.bool(UNREADY_WHEN_STALE, unready).orElse(false);
      Duration theInterval = interval == null ? Refresh.DEFAULT.interval() : interval;
      return values
          .checked(
              STALE_AFTER,
              ours.getOrDefault(STALE_AFTER, ""),
              "; make it longer than " + REFRESH_INTERVAL,
              () -> new Refresh(theInterval, staleAfter, unreadyWhenStale))
          .orElse(Refresh.DEFAULT);
    }

    private @Nullable Duration duration(String key) {
      String value = ours.get(key);
      if (value == null) {
        return null;
      }
      Optional<Duration> duration = DurationText.parse(value.strip());
      if (duration.isEmpty()
          || duration.get().compareTo(Duration.ofSeconds(1)) < 0
          || duration.get().compareTo(LONGEST) > 0) {
        findings.problem(
            key, value, "it must be a time from 1s to 30d, such as 90s, 5m, 1h30m or PT5M");
        return null;
      }
      return duration.get();
    }

    private OnChange onChange() {
      String value = ours.get(ON_CHANGE);
      if (value == null || value.strip().equals("none")) {
        return OnChange.NOTHING;
      }
      String text = value.strip();
      String fix = "; write none, signal:HUP:process-name or http://127.0.0.1:PORT/path";
      if (text.startsWith("signal:")) {
        String[] parts = text.split(":", 3);
        return values
            .<OnChange>checked(
                ON_CHANGE, value, fix, () -> new Signal(parts[1], parts.length < 3 ? "" : parts[2]))
            .orElse(OnChange.NOTHING);
      }
      if (text.startsWith("http:") || text.startsWith("https:")) {
        return values
            .<OnChange>checked(ON_CHANGE, value, fix, () -> new HttpPost(URI.create(text)))
            .orElse(OnChange.NOTHING);
      }
      findings.problem(ON_CHANGE, value, "it must be" + fix.substring("; write".length()));
      return OnChange.NOTHING;
    }

    private @Nullable String region(String key) {
      String value = ours.get(key);
      if (value == null) {
        return null;
      }
      String region = value.strip();
      if (!REGION_NAME.matcher(region).matches()) {
        findings.problem(key, value, "it must be an AWS region, such as eu-west-1");
        return null;
      }
      return region;
    }

    private Set<String> names(String key, Pattern pattern, String what) {
      String value = ours.get(key);
      Set<String> names = new LinkedHashSet<>();
      if (value != null) {
        for (String name : values.list(key, value)) {
          if (pattern.matcher(name).matches()) {
            names.add(name);
          } else {
            findings.problem(
                key,
                value,
                Findings.quoted(name)
                    + " can't be the name of a "
                    + what
                    + "; write names as they stand in the manifest, separated by commas");
          }
        }
      }
      return names;
    }

    private Set<String> resolve() {
      return ours.getOrDefault(RESOLVE, "").strip().equals("*")
          ? Set.of("*")
          : names(RESOLVE, SECRET, "Secret");
    }

    private Map<String, String> resources() {
      Map<String, String> resources = new LinkedHashMap<>();
      resource(resources, "cpu", CPU, CPU_QUANTITY, "a number of CPUs, such as 100m or 0.5");
      resource(
          resources, "memory", MEMORY, MEMORY_QUANTITY, "a number of bytes, such as 64Mi or 1Gi");
      return resources;
    }

    private void resource(
        Map<String, String> resources, String name, String key, Pattern pattern, String what) {
      String value = ours.get(key);
      if (value == null) {
        return;
      }
      String quantity = value.strip();
      if (pattern.matcher(quantity).matches()) {
        resources.put(name, quantity);
      } else {
        findings.problem(key, value, "it must be " + what);
      }
    }
  }
}
