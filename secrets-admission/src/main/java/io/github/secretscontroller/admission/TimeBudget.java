package io.github.secretscontroller.admission;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How long one request may take.
 *
 * @param most whatever the API server says
 */
record TimeBudget(Duration most) {

  /** The API server accepts no longer {@code timeoutSeconds}. */
  private static final Duration LONGEST = Duration.ofSeconds(30);

  /** The API server prints whole seconds; milliseconds are for other callers. */
  private static final Pattern TIMEOUT = Pattern.compile("(?:^|&)timeout=(\\d{1,6})(ms|s)(?:&|$)");

  static Duration checked(Duration budget) {
    if (budget.isNegative() || budget.isZero() || budget.compareTo(LONGEST) > 0) {
      throw new IllegalArgumentException(
          "timeBudget must be more than nothing and at most " + LONGEST + ", not " + budget);
    }
    return budget;
  }

  /** What a request with this query may take: the way back to the API server needs time as well. */
  Duration of(@Nullable String query) {
    if (query == null) {
      return most;
    }
    Matcher timeout = TIMEOUT.matcher(query);
    if (!timeout.find()) {
      return most;
    }
    long number = Long.parseLong(timeout.group(1));
    Duration waits =
        timeout.group(2).equals("s") ? Duration.ofSeconds(number) : Duration.ofMillis(number);
    Duration share = waits.multipliedBy(4).dividedBy(5);
    return share.isZero() || share.compareTo(most) > 0 ? most : share;
  }
}
