package io.github.secretscontroller.fetcher;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.MustacheException;
import com.samskivert.mustache.Template;
import io.github.secretscontroller.core.SecretFile;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A text with placeholders, in Mustache (https://mustache.github.io/mustache.5.html): {@code
 * {{db.password}}}, sections over lists and objects, and nothing that could run code or read a
 * file. What is missing is an error, nothing is escaped for HTML, and there are no partials.
 *
 * <p>Thread-safe; loaded for plans with a template only.
 */
final class SecretTemplate {

  private final String text;

  private SecretTemplate(String text) {
    this.text = text;
  }

  /**
   * Reads a template in which {@link SecretFile.Template#problems} found nothing.
   *
   * @throws IllegalArgumentException if the engine finds something nevertheless
   */
  static SecretTemplate parse(String text) {
    try {
      compile(text, new TemplateScope(Map.of()));
      return new SecretTemplate(text);
    } catch (MustacheException e) {
      throw new IllegalArgumentException("it is no template: " + e.getMessage(), e);
    } catch (RuntimeException e) {
      throw new IllegalArgumentException("it is no template that the engine can read", e);
    }
  }

  private static Template compile(String text, TemplateScope scope) {
    return Mustache.compiler()
        .withEscaper(raw -> raw)
        .strictSections(true)
        .emptyStringIsFalse(true)
        .withCollector(scope)
        .withFormatter(TemplateScope::format)
        .compile(text);
  }

  /**
   * The text with everything put in.
   *
   * @param secrets what placeholders can name
   * @throws Unusable if one of them names nothing, or if the text grows beyond all bounds
   */
  byte[] render(Map<String, SecretContent> secrets) throws Unusable {
    TemplateScope scope = new TemplateScope(secrets);
    try (SecretBuffer out = new SecretBuffer();
        TemplateOutput writer = new TemplateOutput(out)) {
      compile(text, scope).execute(scope, writer);
      writer.finish();
      return out.take();
    } catch (StackOverflowError e) {
      throw new Unusable("has sections that are nested too deeply; nest fewer");
    } catch (RuntimeException e) {
      TemplateProblem problem = TemplateProblem.in(e);
      if (problem != null) {
        throw new Unusable("can't be filled in: " + problem.getMessage());
      }
      if (e instanceof MustacheException.Context missing) {
        throw new Unusable(
            "can't be filled in at line "
                + missing.lineNo
                + ": "
                + scope.explainMissing(missing.key));
      }
      throw new Unusable("can't be filled in; use simpler sections");
    }
  }

  /** What is wrong inside of a template, on its way through the engine. */
  static final class TemplateProblem extends RuntimeException {

    private static final long serialVersionUID = 1L;

    TemplateProblem(String reason) {
      super(reason);
    }

    static @Nullable TemplateProblem in(Throwable failure) {
      for (Throwable e = failure; e != null; e = e.getCause()) {
        if (e instanceof TemplateProblem problem) {
          return problem;
        }
      }
      return null;
    }
  }
}
