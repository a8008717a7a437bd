package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How what is written for a Secret is named in the backend. AWS appends a hyphen and six characters
 * to a name to make an ARN of it; our own templates end in what can't be taken for that.
 *
 * @param template text with placeholders
 * @param perKey whether each key has a name of its own
 */
record NativeNames(String template, boolean perKey) {

  static final String FOR_SECRET = "{cluster}/{namespace}/{name}/k8s";
  static final String FOR_KEY = "{cluster}/{namespace}/{name}/{key}/k8s";
  static final String NASE = "{namespace}.{name}";

  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([^{}]*)\\}");

  NativeNames {
    Matcher placeholders = PLACEHOLDER.matcher(template);
    while (placeholders.find()) {
      if (!placeholders.group(1).matches("cluster|namespace|name|key")) {
        throw new IllegalArgumentException(
            "nativeSecrets.nameTemplate \""
                + template
                + "\" has the unknown placeholder {"
                + placeholders.group(1)
                + "}; there are {cluster}, {namespace}, {name} and {key}");
      }
    }
    if (!template.contains("{namespace}")
        || !template.contains("{name}")
        || template.contains("{key}") != perKey) {
      throw new IllegalArgumentException(
          "nativeSecrets.nameTemplate \""
              + template
              + "\" must have {namespace}, {name} and, with layout key only, {key}, or two values"
              + " would share one name");
    }
  }

  /**
   * The name for a key of a Secret, or for the whole Secret.
   *
   * @throws NativeRefusal if no backend takes such a name
   */
  String nameFor(WriteContext owner, String key) {
    String name =
        template
            .replace("{cluster}", owner.cluster())
            .replace("{namespace}", owner.namespace())
            .replace("{name}", owner.name())
            .replace("{key}", key);
    try {
      return new SecretReference(SecretReference.SECRETS_MANAGER, name, null, null, null).id();
    } catch (IllegalArgumentException e) {
      throw new NativeRefusal(
          (perKey ? "its key " + key : "it") + " can't be named in the backend: " + e.getMessage());
    }
  }
}
