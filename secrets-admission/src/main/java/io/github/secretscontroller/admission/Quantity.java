package io.github.secretscontroller.admission;

import java.math.BigDecimal;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Kubernetes' way to write how many CPUs, or bytes: {@code 50m}, {@code 64Mi}. */
final class Quantity {

  private static final Pattern QUANTITY =
      Pattern.compile("([0-9]{1,18}(?:\\.[0-9]{1,9})?)(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei|)");

  private static final Map<String, BigDecimal> FACTORS =
      Map.ofEntries(
          Map.entry("m", new BigDecimal("0.001")),
          Map.entry("", BigDecimal.ONE),
          Map.entry("k", BigDecimal.TEN.pow(3)),
          Map.entry("M", BigDecimal.TEN.pow(6)),
          Map.entry("G", BigDecimal.TEN.pow(9)),
          Map.entry("T", BigDecimal.TEN.pow(12)),
          Map.entry("P", BigDecimal.TEN.pow(15)),
          Map.entry("E", BigDecimal.TEN.pow(18)),
          Map.entry("Ki", BigDecimal.valueOf(1L << 10)),
          Map.entry("Mi", BigDecimal.valueOf(1L << 20)),
          Map.entry("Gi", BigDecimal.valueOf(1L << 30)),
          Map.entry("Ti", BigDecimal.valueOf(1L << 40)),
          Map.entry("Pi", BigDecimal.valueOf(1L << 50)),
          Map.entry("Ei", BigDecimal.valueOf(1L << 60)));

  private Quantity() {}

  /** Its value, or empty if the text is no quantity. */
  static Optional<BigDecimal> of(String text) {
    Matcher matcher = QUANTITY.matcher(text);
    return matcher.matches()
        ? Optional.of(
            new BigDecimal(matcher.group(1))
                .multiply(FACTORS.getOrDefault(matcher.group(2), BigDecimal.ONE)))
        : Optional.empty();
  }

  /** Whether both are quantities, and the one is more than the other. */
  static boolean isMore(String one, String other) {
    return of(one).flatMap(a -> of(other).map(b -> a.compareTo(b) > 0)).orElse(false);
  }

  /** Whether two texts mean the same; Kubernetes writes {@code 1} where {@code 1000m} was sent. */
  static boolean isSame(String one, String other) {
    return one.equals(other)
        || of(one).flatMap(a -> of(other).map(b -> a.compareTo(b) == 0)).orElse(false);
  }
}
