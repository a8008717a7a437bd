package io.github.secretscontroller.fetcher;

import java.math.BigDecimal;
import java.time.Instant;

/**
 * Reads the times that AWS sends. The image's jar has the SDK call it instead of its own method,
 * which goes by way of a {@link BigDecimal}: see {@code Decimals} for what that costs.
 */
public final class Timestamps {

  private static final int MILLIS = 3;

  /** So many digits that neither they nor what they become exceed a {@code long}. */
  private static final int SAFE_DIGITS = 17;

  /** The SDK's bound; it refuses what is longer. */
  private static final int MAX_LENGTH = 20;

  private Timestamps() {}

  /**
   * What the SDK's {@code DateUtils.parseUnixTimestampInstant} returns.
   *
   * @param text seconds since 1970, such as 1523477145.713 or 1.523477145713E9; may be null
   */
  public static Instant parse(String text) {
    if (text == null) {
      return null;
    }
    if (text.length() > MAX_LENGTH) {
      throw new IllegalArgumentException("a time of " + text.length() + " characters");
    }
    return Instant.ofEpochMilli(millis(text));
  }

  private static long millis(String text) {
    long number = 0;
    int digits = 0;
    int decimals = 0;
    boolean point = false;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= '0' && c <= '9') {
        number = 10 * number + (c - '0');
        digits++;
        decimals += point ? 1 : 0;
      } else if (c == '.' && !point) {
        point = true;
      } else if ((c == 'E' || c == 'e') && i + 2 == text.length() && isDigit(text.charAt(i + 1))) {
        decimals -= text.charAt(i + 1) - '0';
        break;
      } else {
        return exactly(text);
      }
      if (digits > SAFE_DIGITS) {
        return exactly(text);
      }
    }
    int shift = MILLIS - decimals;
    if (digits == 0 || digits + shift > SAFE_DIGITS) {
      return exactly(text);
    }
    for (; shift > 0; shift--) {
      number *= 10;
    }
    for (; shift < 0; shift++) {
      number /= 10;
    }
    return number;
  }

  private static boolean isDigit(char c) {
    return c >= '0' && c <= '9';
  }

  /** As the SDK does it. */
  static long exactly(String text) {
    return new BigDecimal(text).scaleByPowerOfTen(MILLIS).longValue();
  }
}
