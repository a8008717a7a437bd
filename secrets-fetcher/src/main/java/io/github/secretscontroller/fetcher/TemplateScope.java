package io.github.secretscontroller.fetcher;

import com.samskivert.mustache.Mustache;
import com.samskivert.mustache.Template;
import io.github.secretscontroller.fetcher.SecretTemplate.TemplateProblem;
import java.io.Writer;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What a template can name: the plan's named secrets, and the helpers {@code base64}, {@code json}
 * and {@code url}, which are sections that encode what is in them.
 *
 * <p>The engine asks its collector for everything, and this one knows JSON and secrets only. So no
 * template can reach a Java object by reflection. For one rendering; not thread-safe.
 */
final class TemplateScope implements Mustache.Collector {

  /** {@code {{db.port:-5432}}}, as in a shell. */
  private static final String DEFAULT = ":-";

  /** Sections in sections take time even if they write nothing. */
  private static final int MAX_STEPS = 1_000_000;

  /** The element of a list that is null, which the engine has no way to hold. */
  private static final Object NULL = new Object();

  private final Map<String, Object> values = new HashMap<>();
  private final Set<String> names;
  private int steps;

  TemplateScope(Map<String, SecretContent> secrets) {
    this.names = secrets.keySet();
    secrets.forEach((name, content) -> values.put(name, new NamedSecret(content)));
    values.put("base64", helper(text -> Base64.getEncoder().encodeToString(utf8(text))));
    values.put("json", helper(TemplateScope::jsonEscape));
    values.put("url", helper(TemplateScope::percentEncode));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String jsonEscape(String text) {
    StringBuilder escaped = new StringBuilder();
    Json.escape(text, escaped);
    return escaped.toString();
  }

  /** RFC 3986: everything but unreserved characters, so that it fits into every part of a URL. */
  private static String percentEncode(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace("*", "%2A")
        .replace("%7E", "~");
  }

  private Mustache.Lambda helper(UnaryOperator<String> encoding) {
    return (Template.Fragment section, Writer out) -> {
      // A buffer of its own, so that what is encoded is bounded as well.
      try (SecretBuffer inner = new SecretBuffer();
          TemplateOutput text = new TemplateOutput(inner)) {
        section.execute(text);
        text.finish();
        out.append(encoding.apply(new String(inner.take(), StandardCharsets.UTF_8)));
      }
    };
  }

  private void countStep() {
    if (++steps > MAX_STEPS) {
      throw new TemplateProblem("its sections take more than " + MAX_STEPS + " steps; nest fewer");
    }
  }

  /** Why the engine found nothing under this name. */
  String explainMissing(String name) {
    String path = name.contains(DEFAULT) ? name.substring(0, name.indexOf(DEFAULT)) : name;
    String first = path.contains(".") ? path.substring(0, path.indexOf('.')) : path;
    String missing = SecretContent.quoted(path) + " is missing or null (";
    String fix = "); correct it, or give a default as in {{name:-default}}";
    if (names.contains(first) && values.get(first) instanceof NamedSecret secret) {
      return missing + "of the secret " + first + ", " + secret.describe() + fix;
    }
    return missing
        + (names.isEmpty()
            ? "no secret of the plan has a name"
            : "the named secrets are " + SecretContent.names(names))
        + fix;
  }

  /** The text of a value, as it is put into a template. */
  static CharSequence format(Object value) {
    if (value instanceof NamedSecret secret) {
      return secret.text();
    }
    if (value instanceof Mustache.Lambda) {
      throw new TemplateProblem("a helper is used without a section; write {{#url}}...{{/url}}");
    }
    if (value == NULL) {
      throw new TemplateProblem("a list has a null in it; leave it out of the secret");
    }
    return Json.text(value);
  }

  /** A secret that a template names, read as JSON only if the template looks into it. */
  private static final class NamedSecret {

    private final SecretContent content;
    private boolean wasRead;
    private @Nullable Object json;

    NamedSecret(SecretContent content) {
      this.content = content;
    }

    String text() {
      try {
        return content.revealText();
      } catch (Unusable e) {
        throw new TemplateProblem("a secret in it " + e.reason());
      }
    }

    /** {@code null} if it isn't JSON at all. */
    @Nullable Object json() {
      try {
        json = wasRead ? json : content.revealJson();
      } catch (Unusable e) {
        json = null;
      }
      wasRead = true;
      return json;
    }

    String describe() {
      try {
        return SecretContent.keysOf(content.revealJson());
      } catch (Unusable e) {
        return "which " + e.reason();
      }
    }
  }

  @Override
  public @Nullable Iterator<?> toIterator(Object value) {
    Object list = value instanceof NamedSecret secret ? secret.json() : value;
    if (!(list instanceof List<?> array)) {
      return null;
    }
    return array.stream().map(this::element).iterator();
  }

  private Object element(@Nullable Object element) {
    countStep();
    return element == null ? NULL : element;
  }

  @Override
  public Mustache.VariableFetcher createFetcher(Object context, String name) {
    return this::fetch;
  }

  @Override
  public <K, V> Map<K, V> createFetcherCache() {
    return new HashMap<>();
  }

  private @Nullable Object fetch(Object context, String name) {
    countStep();
    int colon = name.indexOf(DEFAULT);
    String path = colon < 0 ? name : name.substring(0, colon);
    Object found = find(context == this ? values : context, path);
    if (colon < 0 || (found != Template.NO_FETCHER_FOUND && found != null && !found.equals(""))) {
      return found;
    }
    // The engine asks from the inside to the outside, and this scope is the last one.
    return context == this ? name.substring(colon + DEFAULT.length()) : Template.NO_FETCHER_FOUND;
  }

  /** Keys may have dots themselves, as tls.crt has: the longest key that there is counts. */
  private static @Nullable Object find(@Nullable Object context, String path) {
    Object value = context instanceof NamedSecret secret ? secret.json() : context;
    if (!(value instanceof Map<?, ?> object)) {
      return Template.NO_FETCHER_FOUND;
    }
    if (object.containsKey(path)) {
      return object.get(path);
    }
    for (int dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
      String key = path.substring(0, dot);
      if (object.containsKey(key)) {
        Object found = find(object.get(key), path.substring(dot + 1));
        if (found != Template.NO_FETCHER_FOUND) {
          return found;
        }
      }
    }
    return Template.NO_FETCHER_FOUND;
  }
}
