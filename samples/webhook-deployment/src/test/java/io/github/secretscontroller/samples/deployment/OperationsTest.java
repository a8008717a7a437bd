package io.github.secretscontroller.samples.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
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
  void metrics() throws Exception {
    String dashboard = Files.readString(Path.of("chart/dashboards/secrets-webhook.json"));
    assertThat(new ObjectMapper().readTree(dashboard).path("panels")).hasSizeGreaterThan(4);
    Set<String> documented = named(runbooks);
    for (String metric : named(dashboard + alerts())) {
      assertThat(documented).contains(metric.replaceFirst("_(bucket|count|sum)$", ""));
    }
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
