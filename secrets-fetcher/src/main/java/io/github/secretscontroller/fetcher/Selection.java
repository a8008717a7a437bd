package io.github.secretscontroller.fetcher;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a selector selects in a JSON document. Thread-safe. */
interface Selection {

  /**
   * The selected part; {@code null} if there is nothing.
   *
   * @param document as {@link Json} has it
   * @throws Unusable if the expression can't be applied to this document
   */
  @Nullable Object of(@Nullable Object document) throws Unusable;

  /**
   * Reads a JMESPath expression (https://jmespath.org/specification.html).
   *
   * @throws IllegalArgumentException if it is none; the message tells where and why
   */
  static Selection parse(String expression) {
    Selection path = Path.parse(expression);
    return path == null ? JmesPathSelection.parse(expression) : path;
  }

  /**
   * Keys below keys, such as {@code credentials.password} or {@code "tls.crt"}: what most selectors
   * are, and worth not to load a grammar for. It means what it means as JMESPath.
   */
  record Path(List<String> keys) implements Selection {

    // Escapes and all that is rare in a key are left to the library.
    private static final String KEY = "([A-Za-z_][A-Za-z0-9_]*)|\"([A-Za-z0-9_./ -]+)\"";
    private static final Pattern KEYS = Pattern.compile("\\G(?:" + KEY + ")(?:\\.(?!$)|$)");

    static @Nullable Path parse(String expression) {
      List<String> keys = new ArrayList<>();
      Matcher key = KEYS.matcher(expression);
      int end = 0;
      while (key.find()) {
        keys.add(key.group(1) != null ? key.group(1) : key.group(2));
        end = key.end();
      }
      return end == expression.length() && !keys.isEmpty() ? new Path(List.copyOf(keys)) : null;
    }

    @Override
    public @Nullable Object of(@Nullable Object document) {
      Object selected = document;
      for (String key : keys) {
        selected = selected instanceof Map<?, ?> object ? object.get(key) : null;
      }
      return selected;
    }
  }
}
