package io.github.secretscontroller.admission;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The operator's settings of {@link SecretInjector}, from code or from a YAML document. Immutable.
 *
 * <pre>{@code
 * # The image of the injected container. Required.
 * fetcherImage: registry.example/secrets-fetcher:1.0
 * # Always, IfNotPresent or Never. Default: IfNotPresent.
 * imagePullPolicy: IfNotPresent
 * # Environment of the injected container, such as a proxy or an endpoint.
 * env:
 *   HTTPS_PROXY: http://proxy.example:3128
 * # Its resources. These are the defaults. There is no CPU limit by default, because a start needs
 * # about 0.3 seconds of CPU time, which a limit of 100m stretches to seconds.
 * resources:
 *   requests: {cpu: 50m, memory: 64Mi}
 *   limits: {memory: 128Mi}
 * # The most that the memory volume holds. It counts towards the pod's memory.
 * volumeSizeLimit: 16Mi
 * # The same where the volume is the legacy, writable /tmp of the pod's containers.
 * tmpSizeLimit: 256Mi
 * # Namespaces in which nothing is injected, besides kube-system and kube-public.
 * excludedNamespaces: [monitoring]
 * }</pre>
 */
public final class InjectorConfig {

  /**
   * The image that {@link #fromEnvironment} falls back to: one that was built on the node itself,
   * since no registry serves {@code localhost}.
   */
  public static final String LOCAL_IMAGE = "localhost/secrets-fetcher:latest";

  private static final Pattern QUANTITY =
      Pattern.compile("[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei)?");
  private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final Set<String> PULL_POLICIES = Set.of("Always", "IfNotPresent", "Never");
  private static final Set<String> SYSTEM_NAMESPACES = Set.of("kube-system", "kube-public");

  private final String fetcherImage;
  private final String imagePullPolicy;
  private final Map<String, String> env;
  private final Map<String, String> requests;
  private final Map<String, String> limits;
  private final String volumeSizeLimit;
  private final String tmpSizeLimit;
  private final Set<String> excludedNamespaces;

  private InjectorConfig(Builder builder, String fetcherImage) {
    this.fetcherImage = fetcherImage;
    this.imagePullPolicy = builder.imagePullPolicy;
    this.env = Collections.unmodifiableMap(new LinkedHashMap<>(builder.env));
    this.requests = Collections.unmodifiableMap(new LinkedHashMap<>(builder.requests));
    this.limits = Collections.unmodifiableMap(new LinkedHashMap<>(builder.limits));
    this.volumeSizeLimit = builder.volumeSizeLimit;
    this.tmpSizeLimit = builder.tmpSizeLimit;
    this.excludedNamespaces = Set.copyOf(builder.excludedNamespaces);
  }

  /** A builder with the defaults; the image has none. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Reads the YAML document; an empty one leaves the builder's defaults.
   *
   * @return a builder, so that code can add or overrule
   * @throws IllegalArgumentException if it is no YAML, has an unknown option, the same option
   *     twice, or a value that isn't allowed; the message names the option
   */
  public static Builder fromYaml(String yaml) {
    Builder builder = new Builder();
    InjectorConfigYaml.read(yaml, builder);
    return builder;
  }

  /**
   * The settings that the environment of a webhook names: {@code WEBHOOK_CONFIG} is a file with the
   * YAML document, {@code WEBHOOK_FETCHER_IMAGE} overrules the image there. Without either, the
   * image is {@link #LOCAL_IMAGE}.
   *
   * @throws IllegalArgumentException see {@link #fromYaml}; the message names the file
   * @throws UncheckedIOException if the file can't be read
   */
  public static InjectorConfig fromEnvironment(Map<String, String> environment) {
    Builder builder = builder();
    String file = environment.get("WEBHOOK_CONFIG");
    if (file != null) {
      try {
        builder = fromYaml(Files.readString(Path.of(file)));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
      } catch (IOException e) {
        throw new UncheckedIOException("WEBHOOK_CONFIG, " + file + ", can't be read", e);
      }
    }
    String image = environment.get("WEBHOOK_FETCHER_IMAGE");
    if (image != null) {
      builder.fetcherImage(image);
    } else if (builder.fetcherImage == null) {
      builder.fetcherImage(LOCAL_IMAGE);
    }
    return builder.build();
  }

  String fetcherImage() {
    return fetcherImage;
  }

  String imagePullPolicy() {
    return imagePullPolicy;
  }

  Map<String, String> env() {
    return env;
  }

  Map<String, String> requests() {
    return requests;
  }

  Map<String, String> limits() {
    return limits;
  }

  String volumeSizeLimit() {
    return volumeSizeLimit;
  }

  String tmpSizeLimit() {
    return tmpSizeLimit;
  }

  boolean excludes(String namespace) {
    return excludedNamespaces.contains(namespace);
  }

  /**
   * Collects the settings; every method checks its argument at once and throws {@link
   * IllegalArgumentException} with what is allowed. Not thread-safe.
   */
  public static final class Builder {

    private @Nullable String fetcherImage;
    private String imagePullPolicy = "IfNotPresent";
    private final Map<String, String> env = new LinkedHashMap<>();
    private final Map<String, String> requests = new LinkedHashMap<>();
    private final Map<String, String> limits = new LinkedHashMap<>();
    private String volumeSizeLimit = "16Mi";
    private String tmpSizeLimit = "256Mi";
    private final Set<String> excludedNamespaces = new TreeSet<>(SYSTEM_NAMESPACES);

    private Builder() {
      requests.put("cpu", "50m");
      requests.put("memory", "64Mi");
      limits.put("memory", "128Mi");
    }

    /** The image of the injected container, which runs {@code secrets-fetcher}. Required. */
    public Builder fetcherImage(String image) {
      if (image.isBlank()) {
        throw new IllegalArgumentException("fetcherImage must not be empty");
      }
      this.fetcherImage = image;
      return this;
    }

    /** {@code Always}, {@code IfNotPresent} (the default) or {@code Never}. */
    public Builder imagePullPolicy(String policy) {
      if (!PULL_POLICIES.contains(policy)) {
        throw new IllegalArgumentException(
            "imagePullPolicy must be Always, IfNotPresent or Never, not \"" + policy + "\"");
      }
      this.imagePullPolicy = policy;
      return this;
    }

    /** A variable of the injected container, such as {@code HTTPS_PROXY}. */
    public Builder env(String name, String value) {
      if (!VARIABLE.matcher(name).matches() || name.startsWith("SECRETS_PLAN")) {
        throw new IllegalArgumentException(
            "env: \"" + name + "\" is no name for a variable, or is set by the webhook itself");
      }
      env.put(name, value);
      return this;
    }

    /** What the container requests, by resource ({@code cpu}, {@code memory}); replaces all. */
    public Builder requests(Map<String, String> quantityByResource) {
      replace("resources.requests", requests, quantityByResource);
      return this;
    }

    /** What the container may use at most, by resource; replaces all. */
    public Builder limits(Map<String, String> quantityByResource) {
      replace("resources.limits", limits, quantityByResource);
      return this;
    }

    /** The most that the memory volume holds, as a Kubernetes quantity; {@code 16Mi}. */
    public Builder volumeSizeLimit(String quantity) {
      this.volumeSizeLimit = quantity("volumeSizeLimit", quantity);
      return this;
    }

    /** The same where the volume is the containers' writable {@code /tmp}; {@code 256Mi}. */
    public Builder tmpSizeLimit(String quantity) {
      this.tmpSizeLimit = quantity("tmpSizeLimit", quantity);
      return this;
    }

    /** Namespaces to leave alone, besides {@code kube-system} and {@code kube-public}. */
    public Builder excludedNamespaces(List<String> namespaces) {
      excludedNamespaces.addAll(namespaces);
      return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if the image is missing
     */
    public InjectorConfig build() {
      if (fetcherImage == null) {
        throw new IllegalArgumentException("fetcherImage is missing; it has no default");
      }
      return new InjectorConfig(this, fetcherImage);
    }

    private static void replace(
        String option, Map<String, String> settings, Map<String, String> quantityByResource) {
      quantityByResource.forEach((resource, value) -> quantity(option + "." + resource, value));
      settings.clear();
      settings.putAll(quantityByResource);
    }

    private static String quantity(String option, String quantity) {
      if (!QUANTITY.matcher(quantity).matches()) {
        throw new IllegalArgumentException(
            option + " must be a quantity such as 50m or 64Mi, not \"" + quantity + "\"");
      }
      return quantity;
    }
  }
}
