package io.github.secretscontroller.fetcher;

import io.burt.jmespath.Expression;
import io.burt.jmespath.JmesPathException;
import io.burt.jmespath.function.ArgumentTypeException;
import io.burt.jmespath.jcf.JcfRuntime;
import io.burt.jmespath.parser.ParseError;
import io.burt.jmespath.parser.ParseException;
import org.jspecify.annotations.Nullable;

/** Any JMESPath expression, by the library; loaded for those that are more than a path. */
final class JmesPathSelection implements Selection {

  private final Expression<Object> expression;

  private JmesPathSelection(Expression<Object> expression) {
    this.expression = expression;
  }

  static JmesPathSelection parse(String expression) {
    try {
      return new JmesPathSelection(new OnCollections().compile(expression));
    } catch (ParseException e) {
      ParseError first = e.iterator().next();
      throw new IllegalArgumentException(
          "it is no JMESPath at position " + (first.position() + 1) + ": " + first.message(), e);
    } catch (JmesPathException e) {
      throw new IllegalArgumentException("it is no JMESPath: " + e.getMessage(), e);
    } catch (StackOverflowError e) {
      throw new IllegalArgumentException("it is nested too deeply", e);
    }
  }

  @Override
  public @Nullable Object of(@Nullable Object document) throws Unusable {
    try {
      return expression.search(document);
    } catch (ArgumentTypeException e) {
      // Names the function, and types.
      throw new Unusable(
          "doesn't suit the selector (" + e.getMessage() + "); correct the selector");
    } catch (RuntimeException e) {
      throw new Unusable("doesn't suit the selector; correct the selector");
    }
  }

  /**
   * The library's runtime for Java's collections, with numbers and strings as {@link Json} has
   * them.
   */
  private static final class OnCollections extends JcfRuntime {

    private static final double LARGEST_EXACT = 1L << 53;

    @Override
    public Object createNumber(double number) {
      boolean integer = number == Math.rint(number) && Math.abs(number) < LARGEST_EXACT;
      return integer ? (Object) (long) number : (Object) number;
    }

    @Override
    public String toString(Object value) {
      return Json.text(value);
    }
  }
}
