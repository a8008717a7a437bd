package io.github.secretscontroller.admission;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

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
    problem(subject, value, () -> reason);
  }

  /** The same with a reason that is worked out only if it is told. */
  void problem(String subject, String value, Supplier<String> reason) {
    problems.add(
        () -> "annotation " + shown(subject) + " is " + quoted(value) + ": " + reason.get());
  }

  /** The pod is admitted, but this needn't be what its author meant. */
  void warn(String sentence) {
    warn(() -> sentence);
  }

  /** The same with a sentence that is worked out only if it is told. */
  void warn(Supplier<String> sentence) {
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

  /** Bounded as a whole sentence. */
  static String sentence(String text) {
    return printable(text, LONGEST_SENTENCE);
  }

  static String shown(String text) {
    return printable(text, LONGEST_VALUE);
  }

  private static String printable(String text, int longest) {
    String bounded = text.length() <= longest ? text : text.substring(0, longest) + "...";
    StringBuilder printable = new StringBuilder(bounded.length());
    bounded.codePoints().forEach(c -> printable.appendCodePoint(isPlain(c) ? c : '?'));
    return printable.toString();
  }

  /** Not a control, a line's end, half of a pair, or what turns the direction of the text. */
  private static boolean isPlain(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          false;
      default -> true;
    };
  }

  /** The first ones, and how many there are besides. */
  private static final class Sentences {

    private final List<String> told = new ArrayList<>();
    private int more;

    void add(Supplier<String> sentence) {
      if (told.size() < MOST) {
        told.add(printable(sentence.get(), LONGEST_SENTENCE));
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
