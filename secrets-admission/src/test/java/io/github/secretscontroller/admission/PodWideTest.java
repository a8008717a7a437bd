package io.github.secretscontroller.admission;

import static io.github.secretscontroller.admission.Reads.problem;
import static io.github.secretscontroller.admission.Reads.read;
import static io.github.secretscontroller.admission.Reads.warnings;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan.HttpPost;
import io.github.secretscontroller.core.InjectionPlan.OnChange;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import io.github.secretscontroller.core.InjectionPlan.Signal;
import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("For the pod as a whole, the annotation")
class PodWideTest {

  private static final String[] SECRET = {"secret.db", "prod/db"};

  private static String[] with(String... keysAndValues) {
    return Stream.of(SECRET, keysAndValues).flatMap(Stream::of).toArray(String[]::new);
  }

  private static InjectionRequest request(String... keysAndValues) {
    return Reads.request(with(keysAndValues));
  }

  @Test
  @DisplayName("is needed for nothing: there is a default for everything")
  void defaults() {
    InjectionRequest request = request();
    assertThat(request.mode()).isNull();
    assertThat(request.containers()).isEmpty();
    assertThat(request.resources()).isEmpty();
    assertThat(request.environment()).isEmpty();
    assertThat(request.plan().region()).isNull();
    assertThat(request.plan().failoverRegion()).isNull();
    assertThat(request.plan().refresh()).isEqualTo(Refresh.DEFAULT);
    assertThat(request.plan().onChange()).isEqualTo(OnChange.NOTHING);
  }

  @Nested
  @DisplayName("mode")
  class ModeOfPod {

    @ParameterizedTest
    @CsvSource({"init, INIT", "sidecar, SIDECAR", "init+sidecar, INIT_AND_SIDECAR"})
    @DisplayName("says how the fetcher runs")
    void mode(String value, Mode mode) {
      assertThat(request("mode", value).mode()).isEqualTo(mode);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "Sidecar", "sidecar+init", "daemon"})
    @DisplayName("that is unknown is refused with those that there are")
    void unknown(String value) {
      assertThat(problem(with("mode", value)))
          .isEqualTo(
              "annotation secrets.k8s.aws/mode is \""
                  + value
                  + "\": it must be init, sidecar or init+sidecar");
    }

    @ParameterizedTest
    @CsvSource({
      "refresh-interval, 5m",
      "stale-after, 1h",
      "unready-when-stale, true",
      "on-change, none",
    })
    @DisplayName("init leaves nothing to refresh: a warning for what asks for it")
    void initNeverRefreshes(String key, String value) {
      assertThat(warnings(with("mode", "init", key, value)))
          .containsExactly(
              "secrets.k8s.aws/"
                  + key
                  + " has no effect with secrets.k8s.aws/mode init; set the mode to sidecar");
    }
  }

  @Nested
  @DisplayName("refresh-interval")
  class RefreshInterval {

    @ParameterizedTest
    @CsvSource({
      "90s, PT1M30S",
      "5m, PT5M",
      "1h30m, PT1H30M",
      "1d, PT24H",
      "PT5M, PT5M",
      "P1DT1H, PT25H",
      "1s, PT1S",
      "30d, PT720H",
    })
    @DisplayName("says how often a sidecar looks for new versions")
    void interval(String value, Duration interval) {
      assertThat(request("refresh-interval", value).plan().refresh().interval())
          .isEqualTo(interval);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"", "5", "5 m", "m", "5m1h", "0s", "PT0.5S", "-5m", "PT-5M", "31d", "P9999999D"})
    @DisplayName("that is no time, too short or too long is refused with what it can be")
    void invalid(String value) {
      assertThat(problem(with("refresh-interval", value)))
          .isEqualTo(
              "annotation secrets.k8s.aws/refresh-interval is \""
                  + value
                  + "\": it must be a time from 1s to 30d, such as 90s, 5m, 1h30m or PT5M");
    }
  }

  @Nested
  @DisplayName("stale-after and unready-when-stale")
  class Staleness {

    @Test
    @DisplayName("say when files are stale, and what then")
    void stale() {
      assertThat(request("stale-after", "12h", "unready-when-stale", "true").plan().refresh())
          .isEqualTo(new Refresh(Duration.ofMinutes(5), Duration.ofHours(12), true));
    }

    @Test
    @DisplayName("can't be before the next look")
    void tooEarly() {
      assertThat(problem(with("stale-after", "1m")))
          .startsWith("annotation secrets.k8s.aws/stale-after is \"1m\": ")
          .endsWith("; make it longer than secrets.k8s.aws/refresh-interval");
    }

    @Test
    @DisplayName("that are no time, or neither true nor false, are refused")
    void invalid() {
      assertThat(problem(with("stale-after", "never"))).contains("it must be a time");
      assertThat(problem(with("unready-when-stale", "yes"))).contains("it must be true or false");
    }
  }

  @Nested
  @DisplayName("on-change")
  class OnChangeOfPod {

    @Test
    @DisplayName("none does nothing")
    void none() {
      assertThat(request("on-change", "none").plan().onChange()).isEqualTo(OnChange.NOTHING);
    }

    @Test
    @DisplayName("signal:HUP:process-name sends a signal")
    void signal() {
      assertThat(request("on-change", "signal:HUP:nginx").plan().onChange())
          .isEqualTo(new Signal("HUP", "nginx"));
    }

    @Test
    @DisplayName("http://127.0.0.1:PORT/path posts to the pod itself")
    void post() {
      assertThat(request("on-change", "http://127.0.0.1:8080/-/reload").plan().onChange())
          .isEqualTo(new HttpPost(URI.create("http://127.0.0.1:8080/-/reload")));
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "restart",
          "signal",
          "signal:",
          "signal:HUP",
          "signal:KILL:nginx",
          "signal:SIGHUP:nginx",
          "signal:HUP:a b",
          "http://example.com/",
          "https://127.0.0.1/",
          "http://127.0.0.1.example.com/",
          "http://user@127.0.0.1/",
          "http:// bad",
          "http:",
        })
    @DisplayName("that is anything else is refused with the three forms")
    void invalid(String value) {
      assertThat(problem(with("on-change", value)))
          .startsWith("annotation secrets.k8s.aws/on-change is \"" + value + "\": ")
          .endsWith("none, signal:HUP:process-name or http://127.0.0.1:PORT/path");
    }
  }

  @Nested
  @DisplayName("containers")
  class Containers {

    @Test
    @DisplayName("lists those that get the mounts")
    void list() {
      assertThat(request("containers", "app, migrations").containers())
          .containsExactlyInAnyOrder("app", "migrations");
    }

    @ParameterizedTest
    @CsvSource({
      "'', has an empty entry",
      "'app,', has an empty entry",
      "'app,app', stands there twice",
      "App, can't be the name of a container",
      "a_b, can't be the name of a container",
    })
    @DisplayName("that can't be names are refused")
    void invalid(String value, String reason) {
      assertThat(problem(with("containers", value)))
          .startsWith("annotation secrets.k8s.aws/containers is \"" + value + "\": ")
          .contains(reason);
    }
  }

  @Nested
  @DisplayName("region and failover-region")
  class Regions {

    @Test
    @DisplayName("are where secrets are read")
    void regions() {
      InjectionRequest request = request("region", "eu-west-1", "failover-region", "us-gov-west-1");
      assertThat(request.plan().region()).isEqualTo("eu-west-1");
      assertThat(request.plan().failoverRegion()).isEqualTo("us-gov-west-1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"region", "failover-region"})
    @DisplayName("that are none are refused")
    void invalid(String key) {
      assertThat(problem(with(key, "Ireland")))
          .isEqualTo(
              "annotation secrets.k8s.aws/"
                  + key
                  + " is \"Ireland\": it must be an AWS region, such as eu-west-1");
    }

    @Test
    @DisplayName("must differ")
    void same() {
      assertThat(problem(with("region", "eu-west-1", "failover-region", "eu-west-1")))
          .endsWith("it is the same as secrets.k8s.aws/region; name another one");
    }
  }

  @Nested
  @DisplayName("resources.cpu and resources.memory")
  class Resources {

    @Test
    @DisplayName("are the fetcher's")
    void resources() {
      assertThat(request("resources.cpu", "200m", "resources.memory", "96Mi").resources())
          .isEqualTo(Map.of("cpu", "200m", "memory", "96Mi"));
    }

    @ParameterizedTest
    @CsvSource({
      "resources.cpu, much",
      "resources.cpu, 100Mi",
      "resources.cpu, -1",
      "resources.cpu, ''",
      "resources.memory, 64 MB",
      "resources.memory, 100m",
      "resources.memory, 1e9",
    })
    @DisplayName("that are no quantity are refused with an example")
    void invalid(String key, String value) {
      assertThat(problem(with(key, value)))
          .startsWith("annotation secrets.k8s.aws/" + key + " is \"" + value + "\": ")
          .contains("it must be a number of", "such as");
    }
  }

  @Nested
  @DisplayName("resolve")
  class Resolve {

    @ParameterizedTest
    @CsvSource({"'db, tls.prod', 'db,tls.prod'", "*, *"})
    @DisplayName("names intercepted Secrets, with or without other secrets")
    void secrets(String value, String names) {
      assertThat(read("resolve", value).podWide())
          .satisfies(podWide -> assertThat(podWide.resolve()).containsExactly(names.split(",")));
      assertThat(read(with("resolve", value)).podWide())
          .satisfies(podWide -> assertThat(podWide.resolve()).containsExactly(names.split(",")));
    }

    @Test
    @DisplayName("that can't be Secrets are refused")
    void invalid() {
      assertThat(problem("resolve", "My_Secret"))
          .contains("\"My_Secret\" can't be the name of a Secret");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mode", "region", "mount-path", "containers", "path-translation"})
  @DisplayName("has no effect where no secret is named: a warning")
  void noSecret(String key) {
    assertThat(warnings(key, "x"))
        .containsExactly(
            "annotation secrets.k8s.aws/"
                + key
                + " has no effect, since no secret is named; add secrets.k8s.aws/secret-arn or"
                + " secrets.k8s.aws/secret.NAME");
  }
}
