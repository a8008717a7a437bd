package io.github.secretscontroller.samples.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionMetrics;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import io.github.secretscontroller.admission.ServingCertificate;
import io.github.secretscontroller.admission.testkit.RecordedReviews;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The alerts and the dashboard")
class OperationsTest {

  private static final Pattern METRIC = Pattern.compile("secrets_(admission|fetcher)_[a-z_]+");

  private final String runbooks;

  OperationsTest() throws Exception {
    runbooks = Files.readString(Path.of("../../docs/operations.md"));
  }

  @Test
  @DisplayName("have a runbook for each alert, and an alert for each runbook")
  void runbooks() throws Exception {
    List<String> alerts = new ArrayList<>();
    for (JsonNode rule : alerts()) {
      String alert = rule.path("alert").asText();
      alerts.add(alert);
      assertThat(rule.at("/annotations/runbook_url").asText())
          .isEqualTo("docs/operations.md#" + alert.toLowerCase(Locale.ROOT));
      assertThat(rule.at("/annotations/summary").asText()).isNotEmpty();
      assertThat(rule.at("/labels/severity").asText()).isIn("critical", "warning");
    }
    List<String> headings = new ArrayList<>();
    Matcher heading = Pattern.compile("(?m)^### (\\w+)$").matcher(runbooks);
    while (heading.find()) {
      headings.add(heading.group(1));
    }
    assertThat(headings).containsExactlyElementsOf(alerts);
  }

  @Test
  @DisplayName("name only metrics that are documented")
  void documented() throws Exception {
    Set<String> documented = named(runbooks);
    for (String metric : named(queries())) {
      assertThat(documented).contains(metric.replaceFirst("_(bucket|count|sum)$", ""));
    }
  }

  @Test
  @DisplayName("and the documentation name only metrics of the webhook that its page shows")
  void emitted() throws Exception {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    AdmissionHandler handler =
        AdmissionHandler.builder()
            .mutator(
                new SecretInjector(
                    InjectorConfig.builder().fetcherImage("example/fetcher:1").build()))
            .metrics(
                new AdmissionMetrics(registry)
                    .watch(ServingCertificate.selfSigned(Set.of("localhost"), Clock.systemUTC())))
            .build();
    handler.handle(RecordedReviews.bytes("pod-of-deployment-create"));
    Set<String> shown = named(registry.scrape());
    assertThat(shown)
        .containsAll(webhooks(named(queries())))
        .containsAll(
            webhooks(named(runbooks)).stream()
                // Families: a histogram has its name with three endings.
                .map(name -> name.endsWith("latency_seconds") ? name + "_bucket" : name)
                .toList());
  }

  @Test
  @DisplayName("have panels that say what they show, of which data, and where")
  void panels() throws Exception {
    JsonNode dashboard = new ObjectMapper().readTree(dashboard());
    assertThat(dashboard.path("uid").asText()).isEqualTo("secrets-webhook");
    assertThat(dashboard.path("schemaVersion").isInt()).isTrue();
    assertThat(dashboard.path("panels")).hasSizeGreaterThan(4);
    Set<Integer> ids = new TreeSet<>();
    Set<String> places = new TreeSet<>();
    for (JsonNode panel : dashboard.path("panels")) {
      assertThat(ids.add(panel.path("id").asInt())).as("%s", panel).isTrue();
      assertThat(places.add(panel.at("/gridPos/x") + "," + panel.at("/gridPos/y"))).isTrue();
      assertThat(panel.path("title").asText()).isNotEmpty();
      assertThat(panel.at("/datasource/uid").asText()).isEqualTo("${datasource}");
      assertThat(panel.path("targets")).isNotEmpty();
      for (JsonNode target : panel.path("targets")) {
        assertThat(named(target.path("expr").asText())).as("%s", target).isNotEmpty();
      }
    }
  }

  private static Set<String> webhooks(Set<String> metrics) {
    Set<String> webhooks = new TreeSet<>(metrics);
    webhooks.removeIf(metric -> !metric.startsWith("secrets_admission_"));
    assertThat(webhooks).isNotEmpty();
    return webhooks;
  }

  private static String queries() throws Exception {
    return dashboard() + alerts();
  }

  private static String dashboard() throws Exception {
    return Files.readString(Path.of("chart/dashboards/secrets-webhook.json"));
  }

  private static JsonNode alerts() throws Exception {
    return Chart.objects(Path.of("chart/alerts.yaml")).get(0).at("/groups/0/rules");
  }

  private static Set<String> named(String text) {
    Set<String> named = new TreeSet<>();
    Matcher metric = METRIC.matcher(text);
    while (metric.find()) {
      named.add(metric.group());
    }
    return named;
  }
}
