package io.github.secretscontroller.admission;

import io.burt.jmespath.JmesPath;
import io.burt.jmespath.jcf.JcfRuntime;
import io.burt.jmespath.parser.ParseError;
import io.burt.jmespath.parser.ParseException;
import java.util.Optional;

/**
 * Checks JMESPath expressions with the parser that the fetcher evaluates them with, so that a typo
 * is told when the pod is created and not when it starts.
 */
final class Selectors {

  private static final JmesPath<Object> JMES_PATH = new JcfRuntime();

  // The parser recurses, and its effort can grow faster than the text.
  private static final int LONGEST = 512;
  private static final int DEEPEST = 16;

  private Selectors() {}

  /** Why {@code jmesPath} is none, and what to do; empty if it is one. */
  static Optional<String> problem(String jmesPath) {
    if (jmesPath.isBlank()) {
      return Optional.of("it must be a JMESPath expression, such as password or db.users[0].name");
    }
    if (jmesPath.length() > LONGEST) {
      return Optional.of("a JMESPath expression may have at most " + LONGEST + " characters here");
    }
    if (isTooDeep(jmesPath)) {
      return Optional.of(
          "a JMESPath expression may be nested "
              + DEEPEST
              + " brackets or negations deep at most; select in fewer steps");
    }
    try {
      JMES_PATH.compile(jmesPath);
      return Optional.empty();
    } catch (ParseException e) {
      ParseError first = e.iterator().next();
      return Optional.of(
          "it is no JMESPath expression at position "
              + (first.position() + 1)
              + ": "
              + first.message()
              + "; see https://jmespath.org, and quote a key with a hyphen or a dot, as in"
              + " \"my-key\"");
    } catch (RuntimeException e) {
      // The grammar lets numbers and literals pass that the library then can't read.
      return Optional.of("it is no JMESPath expression; see https://jmespath.org");
    }
  }

  /** What opens anything counts, in strings too: an expression that needs more is not for here. */
  private static boolean isTooDeep(String jmesPath) {
    int depth = 0;
    int negations = 0;
    for (int i = 0; i < jmesPath.length(); i++) {
      switch (jmesPath.charAt(i)) {
        case '(', '[', '{' -> depth++;
        case ')', ']', '}' -> depth--;
        case '!' -> negations++;
        default -> {
          continue;
        }
      }
      if (depth > DEEPEST || negations > DEEPEST) {
        return true;
      }
    }
    return false;
  }
}
