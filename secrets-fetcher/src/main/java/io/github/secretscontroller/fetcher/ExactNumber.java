package io.github.secretscontroller.fetcher;

import java.math.BigDecimal;

/** A number of a JSON document whose digits no Java type would give back, such as {@code 1.10}. */
final class ExactNumber extends Number {

  private static final long serialVersionUID = 1L;

  private final String digits;

  private ExactNumber(String digits) {
    this.digits = digits;
  }

  /** The simplest number that prints exactly these digits. */
  static Number of(String digits) {
    try {
      long integer = Long.parseLong(digits);
      if (Long.toString(integer).equals(digits)) {
        return integer;
      }
    } catch (NumberFormatException e) {
      double fraction = Double.parseDouble(digits);
      if (Double.toString(fraction).equals(digits)) {
        return fraction;
      }
    }
    return new ExactNumber(digits);
  }

  @Override
  public int intValue() {
    return new BigDecimal(digits).intValue();
  }

  @Override
  public long longValue() {
    return new BigDecimal(digits).longValue();
  }

  @Override
  public float floatValue() {
    return Float.parseFloat(digits);
  }

  @Override
  public double doubleValue() {
    return Double.parseDouble(digits);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ExactNumber number && digits.equals(number.digits);
  }

  @Override
  public int hashCode() {
    return digits.hashCode();
  }

  /** The digits. */
  @Override
  public String toString() {
    return digits;
  }
}
