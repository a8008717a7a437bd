package io.github.secretscontroller.fetcher;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.time.Clock;
import java.util.Locale;
import java.util.Map;

/**
 * What the program tells about itself: one line for each event, as plain text or as JSON. Takes
 * names, versions and reasons; whoever calls it keeps values out. Thread-safe.
 */
final class EventLog {

  static final String FORMAT = "SECRETS_LOG_FORMAT";
  static final String LEVEL = "SECRETS_LOG_LEVEL";

  private enum Level {
    DEBUG,
    INFO,
    WARN,
    ERROR
  }

  private final PrintStream out;
  private final Clock clock;
  private final boolean json;
  private final Level least;

  private EventLog(PrintStream out, Clock clock, boolean json, Level least) {
    this.out = out;
    this.clock = clock;
    this.json = json;
    this.least = least;
  }

  /** A log of plain text, without what is for debugging only. */
  static EventLog plain(PrintStream out) {
    return new EventLog(out, Clock.systemUTC(), false, Level.INFO);
  }

  /**
   * The log that the environment asks for.
   *
   * @throws FetchFailure with {@link ExitCode#BAD_PLAN} if it asks for one that there isn't
   */
  static EventLog of(Map<String, String> environment, PrintStream out, Clock clock)
      throws FetchFailure {
    boolean json = isSecond(environment, FORMAT, "text", "json");
    boolean debug = isSecond(environment, LEVEL, "info", "debug");
    return new EventLog(out, clock, json, debug ? Level.DEBUG : Level.INFO);
  }

  /** What is of no interest while all is well. */
  void debug(String sentence, String... fields) {
    tell(Level.DEBUG, sentence, fields);
  }

  /**
   * What happened.
   *
   * @param fields names and values in turn, for the reader that is a program; the sentence says it
   *     all for the one that isn't
   */
  void info(String sentence, String... fields) {
    tell(Level.INFO, sentence, fields);
  }

  /** What somebody should look at, while the program goes on. */
  void warn(String sentence, String... fields) {
    tell(Level.WARN, sentence, fields);
  }

  /** Why the program ends. */
  void error(String sentence, String... fields) {
    tell(Level.ERROR, sentence, fields);
  }

  private void tell(Level level, String sentence, String... fields) {
    if (level.compareTo(least) >= 0) {
      String line = oneLine(sentence);
      out.println(json ? json(level, line, fields) : level + " " + line);
    }
  }

  private String json(Level level, String line, String... fields) {
    StringWriter text = new StringWriter();
    try (JsonGenerator generator = new JsonFactory().createGenerator(text)) {
      generator.writeStartObject();
      generator.writeStringField("time", clock.instant().toString());
      generator.writeStringField("level", level.name().toLowerCase(Locale.ROOT));
      generator.writeStringField("message", line);
      for (int i = 0; i + 1 < fields.length; i += 2) {
        generator.writeStringField(fields[i], oneLine(fields[i + 1]));
      }
      generator.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return text.toString();
  }

  /** A text from outside can't begin a line of its own, nor steer a terminal. */
  static String oneLine(String text) {
    StringBuilder line = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      line.append(Character.isISOControl(c) || c == '\u2028' || c == '\u2029' ? ' ' : c);
    }
    return line.toString();
  }

  private static boolean isSecond(
      Map<String, String> environment, String variable, String first, String second)
      throws FetchFailure {
    String value =
        FetcherEnvironment.isSet(environment, variable)
            ? environment.getOrDefault(variable, first)
            : first;
    if (!value.equals(first) && !value.equals(second)) {
      throw new FetchFailure(
          ExitCode.BAD_PLAN,
          variable + " must be " + first + " or " + second + ", not \"" + value + "\"");
    }
    return value.equals(second);
  }
}
