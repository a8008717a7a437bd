package io.github.secretscontroller.admission.cli;

import java.util.ArrayList;
import java.util.List;

/** A diff for a change that adds lines only, which is what an injection is. */
final class AddedLines {

  private static final int CONTEXT = 3;

  private AddedLines() {}

  /**
   * The lines of {@code after} that aren't in {@code before}, with a plus in front and a few lines
   * around them. If lines of {@code before} were lost, all of {@code after} is new.
   */
  static String of(String before, String after) {
    List<String> old = before.lines().toList();
    List<String> lines = after.lines().toList();
    List<Boolean> added = new ArrayList<>();
    int next = 0;
    for (String line : lines) {
      boolean kept = next < old.size() && old.get(next).equals(line);
      next += kept ? 1 : 0;
      added.add(!kept);
    }
    boolean lost = next < old.size();
    StringBuilder diff = new StringBuilder();
    boolean gap = false;
    for (int i = 0; i < lines.size(); i++) {
      if (lost || isNear(added, i)) {
        diff.append(gap ? "  ...\n" : "");
        diff.append(lost || added.get(i) ? "+ " : "  ").append(lines.get(i)).append('\n');
        gap = false;
      } else {
        gap = true;
      }
    }
    return diff.toString();
  }

  private static boolean isNear(List<Boolean> added, int index) {
    int from = Math.max(0, index - CONTEXT);
    int to = Math.min(added.size(), index + CONTEXT + 1);
    return added.subList(from, to).contains(true);
  }
}
