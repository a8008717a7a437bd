package io.github.secretscontroller.fetcher;

import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What a sidecar tells those who ask from outside; never a value. Thread-safe. */
final class Report {

  private static final String PREFIX = "secrets_fetcher_";

  private final boolean unreadyWhenStale;
  private final Counters counters;
  private final Clock clock;
  private volatile List<FileStatus> files = List.of();
  private volatile boolean started;

  Report(boolean unreadyWhenStale, Counters counters, Clock clock) {
    this.unreadyWhenStale = unreadyWhenStale;
    this.counters = counters;
    this.clock = clock;
  }

  void update(List<FileStatus> newFiles) {
    files = List.copyOf(newFiles);
    started = true;
  }

  /** Whether the files are there. */
  boolean isStarted() {
    return started;
  }

  /** Whether they are there and, if that matters, fresh. */
  boolean isReady() {
    return started && !(unreadyWhenStale && files.stream().anyMatch(FileStatus::stale));
  }

  /**
   * The text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/).
   */
  String metrics() {
    Text text = new Text();
    text.family("refreshes_total", "counter", "Looks at the secrets' versions, by outcome.");
    text.value("refreshes_total", "outcome", "unchanged", counters.unchangedRefreshes);
    text.value("refreshes_total", "outcome", "published", counters.publishedRefreshes);
    text.value("refreshes_total", "outcome", "failed", counters.failedRefreshes);
    text.family("source_calls_total", "counter", "What the source was asked, without retries.");
    text.value("source_calls_total", "call", "version", counters.versionCalls);
    text.value("source_calls_total", "call", "read", counters.readCalls);
    text.family("source_failures_total", "counter", "How often the source failed, by reason.");
    text.value("source_failures_total", "reason", "denied", counters.deniedCalls);
    text.value("source_failures_total", "reason", "not_found", counters.notFoundCalls);
    text.value("source_failures_total", "reason", "unavailable", counters.unavailableCalls);
    text.value("source_failures_total", "reason", "other", counters.otherFailedCalls);
    text.family("generation", "gauge", "Publications of this process, the first one included.");
    text.line("generation", counters.publications.get());
    text.family("publication_failures_total", "counter", "Publications that failed.");
    text.line("publication_failures_total", counters.publicationFailures.get());
    text.family("on_change_total", "counter", "Attempts to tell the application of a change.");
    text.value("on_change_total", "result", "success", counters.changesTold);
    text.value("on_change_total", "result", "failure", counters.changesUntold);
    text.family("file_stale", "gauge", "1 if no look at the file's secret succeeded for too long.");
    files.forEach(file -> text.value("file_stale", "file", file.path(), file.stale() ? 1 : 0));
    text.family("file_checked_age_seconds", "gauge", "Since the last look that succeeded.");
    Instant now = clock.instant();
    for (FileStatus file : files) {
      long age = Math.max(0, now.getEpochSecond() - file.checkedAt().getEpochSecond());
      text.value("file_checked_age_seconds", "file", file.path(), age);
    }
    text.family("last_success_timestamp_seconds", "gauge", "The last look that found all well.");
    text.line(
        "last_success_timestamp_seconds",
        files.stream().mapToLong(file -> file.checkedAt().getEpochSecond()).min().orElse(0));
    return text.toString();
  }

  /** Lines of metrics. */
  private static final class Text {

    private final StringBuilder lines = new StringBuilder();

    void family(String name, String type, String help) {
      lines.append("# HELP ").append(PREFIX).append(name).append(' ').append(help).append('\n');
      lines.append("# TYPE ").append(PREFIX).append(name).append(' ').append(type).append('\n');
    }

    void line(String name, long value) {
      lines.append(PREFIX).append(name).append(' ').append(value).append('\n');
    }

    void value(String name, String label, String labelValue, AtomicLong value) {
      value(name, label, labelValue, value.get());
    }

    void value(String name, String label, String labelValue, long value) {
      String escaped = labelValue.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
      line(name + "{" + label + "=\"" + escaped + "\"}", value);
    }

    @Override
    public String toString() {
      return lines.toString();
    }
  }
}
