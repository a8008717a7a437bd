package io.github.secretscontroller.admission;

import java.time.DateTimeException;
import java.time.Duration;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** A time as people write it: {@code 90s}, {@code 5m}, {@code 1h30m}, {@code 1d}, or ISO-8601. */
final class DurationText {

  private static final Pattern SHORT =
      Pattern.compile("(?:(\\d{1,9})d)?(?:(\\d{1,9})h)?(?:(\\d{1,9})m)?(?:(\\d{1,9})s)?");

  private DurationText() {}

  /** The time, or empty if it is none. */
  static Optional<Duration> parse(String text) {
    Matcher matcher = SHORT.matcher(text);
    if (!text.isEmpty() && matcher.matches()) {
      return Optional.of(
          Duration.ofDays(number(matcher.group(1)))
              .plusHours(number(matcher.group(2)))
              .plusMinutes(number(matcher.group(3)))
              .plusSeconds(number(matcher.group(4))));
    }
    try {
      return Optional.of(Duration.parse(text));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  private static long number(@Nullable String digits) {
    return digits == null ? 0 : Long.parseLong(digits);
  }
}
