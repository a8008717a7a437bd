package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Names for secrets in AWS, made from the Kubernetes object that they belong to.
 *
 * <p>A template is text with the placeholders {@code {cluster}}, {@code {namespace}} and {@code
 * {name}}. AWS appends a hyphen and six random characters to a name to make an ARN of it, and a
 * name that ends in such a thing itself can't be told from one; so a template should end in
 * something else, as {@link #DEFAULT_TEMPLATE} does. Immutable and thread-safe.
 *
 * @param template the text; it has {@code {namespace}} and {@code {name}}, lest two objects share a
 *     secret
 */
public record SecretNames(String template) {

  /** Ends in a segment that no random suffix looks like, whatever the object is called. */
  public static final String DEFAULT_TEMPLATE = "{cluster}/{namespace}/{name}/k8s";

  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([^{}]*)\\}");
  private static final Pattern RANDOM_SUFFIX = Pattern.compile("-[A-Za-z0-9]{6}$");

  /** Checks the placeholders; the message of the exception names the one that is wrong. */
  public SecretNames {
    Matcher placeholders = PLACEHOLDER.matcher(template);
    while (placeholders.find()) {
      String name = placeholders.group(1);
      if (!name.equals("cluster") && !name.equals("namespace") && !name.equals("name")) {
        throw new IllegalArgumentException(
            "the template \""
                + template
                + "\" has the unknown placeholder {"
                + name
                + "}; there are {cluster}, {namespace} and {name}");
      }
    }
    if (!template.contains("{namespace}") || !template.contains("{name}")) {
      throw new IllegalArgumentException(
          "the template \""
              + template
              + "\" needs {namespace} and {name}, or two Secrets would share one name");
    }
  }

  /** Names by {@link #DEFAULT_TEMPLATE}. */
  public static SecretNames byDefault() {
    return new SecretNames(DEFAULT_TEMPLATE);
  }

  /**
   * The name for an object.
   *
   * @throws IllegalArgumentException if AWS doesn't take such a name (letters, digits and {@code
   *     /_+=.@-}, at most 512), or if it ends like an ARN's random suffix
   */
  public String nameFor(WriteContext context) {
    String name =
        template
            .replace("{cluster}", context.cluster())
            .replace("{namespace}", context.namespace())
            .replace("{name}", context.name());
    SecretReference reference =
        new SecretReference(SecretReference.SECRETS_MANAGER, name, null, null, null);
    if (RANDOM_SUFFIX.matcher(name).find()) {
      throw new IllegalArgumentException(
          "the name "
              + name
              + " ends like the random suffix of an ARN; let the template end in something else,"
              + " such as /k8s");
    }
    return reference.id();
  }

  /** A full ARN or its name, less the hyphen and six characters that AWS puts behind a name. */
  static String withoutRandomSuffix(String arn) {
    return RANDOM_SUFFIX.matcher(arn).replaceFirst("");
  }
}
