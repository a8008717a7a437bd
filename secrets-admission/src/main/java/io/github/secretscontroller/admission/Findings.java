package io.github.secretscontroller.admission;

import java.util.ArrayList;
import java.util.List;

/**
 * What is wrong with a pod's annotations, and what looks wrong, as sentences for whoever wrote
 * them. Bounded in number and length, and without anything that could forge a line of a log.
 */
final class Findings {

  private static final int MOST = 20;
  private static final int LONGEST_VALUE = 200;
  private static final int LONGEST_SENTENCE = 1000;

  private final Sentences problems = new Sentences();
  private final Sentences warnings = new Sentences();

  /**
   * The pod can't be admitted.
   *
   * @param subject the annotation's key, and what of its value is meant
   * @param value what it is
   * @param reason why it can't be, and the fix
   */
  void problem(String subject, String value, String reason) {
    problems.add("annotation " + shown(subject) + " is " + quoted(value) + ": " + reason);
  }

  /** The pod is admitted, but this needn't be what its author meant. */
  void warn(String sentence) {
    warnings.add(sentence);
  }

  boolean hasProblems() {
    return !problems.told.isEmpty();
  }

  List<String> problems() {
    return problems.list();
  }

  List<String> warnings() {
    return warnings.list();
  }

  static String quoted(String value) {
    return "\"" + shown(value) + "\"";
  }

  static String shown(String text) {
    return printable(text, LONGEST_VALUE);
  }

  private static String printable(String text, int longest) {
    String bounded = text.length() <= longest ? text : text.substring(0, longest) + "...";
    StringBuilder printable = new StringBuilder(bounded.length());
    for (int i = 0; i < bounded.length(); i++) {
      char c = bounded.charAt(i);
      printable.append(forges(c) ? '?' : c);
    }
    return printable.toString();
  }

  /** Line and paragraph separators, and what turns the direction of text, besides the controls. */
  private static boolean forges(char c) {
    int type = Character.getType(c);
    return Character.isISOControl(c)
        || type == Character.FORMAT
        || type == Character.LINE_SEPARATOR
        || type == Character.PARAGRAPH_SEPARATOR;
  }

  /** The first ones, and how many there are besides. */
  private static final class Sentences {

    private final List<String> told = new ArrayList<>();
    private int more;

    void add(String sentence) {
      if (told.size() < MOST) {
        told.add(printable(sentence, LONGEST_SENTENCE));
      } else {
        more++;
      }
    }

    List<String> list() {
      List<String> all = new ArrayList<>(told);
      if (more > 0) {
        all.add("and " + more + " more");
      }
      return List.copyOf(all);
    }
  }
}
