package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The log")
class EventLogTest {

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  private EventLog log(Map<String, String> environment) throws FetchFailure {
    return EventLog.of(environment, new PrintStream(bytes, true, UTF_8), new MovableClock());
  }

  @Test
  @DisplayName("is one line of text for each event, without what is for debugging")
  void text() throws Exception {
    EventLog log = log(Map.of());
    log.debug("d");
    log.info("i", "file", "db");
    log.warn("w");
    log.error("e\nforged");
    assertThat(bytes.toString(UTF_8)).isEqualTo("INFO i\nWARN w\nERROR e forged\n");
  }

  @Test
  @DisplayName("is one JSON document for each event, with its fields, if that is asked for")
  void json() throws Exception {
    EventLog log = log(Map.of("SECRETS_LOG_FORMAT", "json", "SECRETS_LOG_LEVEL", "debug"));
    log.debug("said \"so\"\n", "file", "a\u2028b", "versionId", "v1");

    assertThat(bytes.toString(UTF_8)).hasLineCount(1);
    JsonNode event = new ObjectMapper().readTree(bytes.toByteArray());
    assertThat(event)
        .isEqualTo(
            new ObjectMapper()
                .readTree(
                    """
                    {"time": "2026-01-01T00:00:00Z", "level": "debug", "message": "said \\"so\\" ",
                     "file": "a b", "versionId": "v1"}
                    """));
  }

  @Test
  @DisplayName("refuses a format and a level that there aren't, naming both that there are")
  void unknown() {
    FetchFailure format =
        catchThrowableOfType(FetchFailure.class, () -> log(Map.of("SECRETS_LOG_FORMAT", "xml")));
    FetchFailure level =
        catchThrowableOfType(FetchFailure.class, () -> log(Map.of("SECRETS_LOG_LEVEL", "trace")));
    assertThat(format).hasMessage("SECRETS_LOG_FORMAT must be text or json, not \"xml\"");
    assertThat(level).hasMessage("SECRETS_LOG_LEVEL must be info or debug, not \"trace\"");
  }
}
