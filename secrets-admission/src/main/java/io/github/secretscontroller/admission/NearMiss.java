package io.github.secretscontroller.admission;

import java.util.Collection;
import java.util.Optional;

/** Finds what somebody who mistyped a word most likely meant. */
final class NearMiss {

  private static final int FARTHEST = 3;

  /** The longest word that is compared; the part of an annotation's key that is a name has 63. */
  private static final int LONGEST = 64;

  private NearMiss() {}

  /** The candidate that is at most a few edits away from {@code typed}, the nearest one. */
  static Optional<String> of(String typed, Collection<String> candidates) {
    if (typed.length() > LONGEST) {
      return Optional.empty();
    }
    String nearest = null;
    int least = Math.min(FARTHEST, typed.length() / 3 + 1) + 1;
    for (String candidate : candidates) {
      int distance = distance(typed, candidate, least);
      if (distance < least) {
        least = distance;
        nearest = candidate;
      }
    }
    return Optional.ofNullable(nearest);
  }

  /** Whether two words, whatever their case, are at most {@code edits} edits apart. */
  static boolean isWithin(int edits, String one, String other) {
    return distance(one, other, edits + 1) <= edits;
  }

  /** The Levenshtein distance, or {@code limit} if it is that or more. */
  private static int distance(String one, String other, int limit) {
    if (Math.abs(one.length() - other.length()) >= limit) {
      return limit;
    }
    int[] row = new int[other.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      char c = Character.toLowerCase(one.charAt(i - 1));
      for (int j = 1; j < row.length; j++) {
        int substituted = diagonal + (c == Character.toLowerCase(other.charAt(j - 1)) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return Math.min(row[other.length()], limit);
  }
}
