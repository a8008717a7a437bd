package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.testkit.MovableClock;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The metrics page")
class ReportTest {

  @Test
  @DisplayName("stays one line for each metric whatever a file is called")
  void escaping() {
    MovableClock clock = new MovableClock();
    Report report = new Report(false, new Counters(), clock);
    report.update(
        List.of(
            new FileStatus("a\nb{x=\"1\"} 2\\", List.of(), true, clock.instant(), false, null)));
    assertThat(report.metrics())
        .contains("secrets_fetcher_file_stale{file=\"a\\nb{x=\\\"1\\\"} 2\\\\\"} 0\n");
    assertThat(report.metrics().lines()).allMatch(line -> line.matches("(# |secrets_fetcher_).*"));
  }
}
