package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The operator's settings of {@link SecretInjector}, from code or from a YAML document. Each option
 * of the document is one method of {@link Builder}; {@code docs/operator-config.md} shows all of
 * them. Immutable.
 *
 * <pre>{@code
 * fetcherImage: registry.example/secrets-fetcher:1.0
 * defaultMode: sidecar
 * env:
 *   HTTPS_PROXY: http://proxy.example:3128
 * policy:
 *   - namespaces: [shop-*]
 *     secrets: [shop/*]
 * }</pre>
 */
public final class InjectorConfig {

  /**
   * The image that {@link #fromEnvironment} falls back to: one that was built on the node itself,
   * since no registry serves {@code localhost}.
   */
  public static final String LOCAL_IMAGE = "localhost/secrets-fetcher:latest";

  private static final Set<String> SYSTEM_NAMESPACES = Set.of("kube-system", "kube-public");

  // A copy that nobody else has, so that it never changes.
  private final Builder settings;
  private final String fetcherImage;
  private final List<Pattern> imageMirrors;
  private final @Nullable SecretPolicy policy;

  private InjectorConfig(Builder settings, String fetcherImage) {
    this.settings = settings;
    this.fetcherImage = fetcherImage;
    this.imageMirrors = settings.imageMirrors.stream().map(SecretPolicy::glob).toList();
    this.policy = settings.policy == null ? null : new SecretPolicy(settings.policy);
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
   *     twice, or values that aren't allowed; the message names each such option
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
    String file = environment.get("WEBHOOK_CONFIG");
    Builder builder = file == null ? builder() : InjectorConfigYaml.readFile(file);
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

  /** Whether another webhook may have put this image in the place of ours. */
  boolean isMirror(String image) {
    return SecretPolicy.matchesAny(imageMirrors, image);
  }

  String imagePullPolicy() {
    return settings.imagePullPolicy;
  }

  List<String> imagePullSecrets() {
    return settings.imagePullSecrets;
  }

  Map<String, String> env() {
    return settings.env;
  }

  FetcherResources resources() {
    return settings.resources;
  }

  String volumeSizeLimit() {
    return settings.volumeSizeLimit;
  }

  String tmpSizeLimit() {
    return settings.tmpSizeLimit;
  }

  boolean excludes(String namespace) {
    return SYSTEM_NAMESPACES.contains(namespace) || settings.excludedNamespaces.contains(namespace);
  }

  Mode defaultMode() {
    return settings.defaultMode;
  }

  @Nullable String defaultRegion() {
    return settings.defaultRegion;
  }

  Refresh refresh() {
    return settings.refresh;
  }

  int healthPort() {
    return settings.healthPort;
  }

  @Nullable KmsSettings kms() {
    return settings.kms;
  }

  boolean environmentFiles() {
    return settings.environmentFiles;
  }

  boolean isNase() {
    return settings.nase;
  }

  boolean allowHostNamespaces() {
    return settings.allowHostNamespaces;
  }

  /** The cluster's version, or {@code null} if nobody told. */
  @Nullable KubernetesVersion kubernetesVersion() {
    return settings.kubernetesVersion == null
        ? null
        : KubernetesVersion.parse(settings.kubernetesVersion.get());
  }

  /** What bounds the secrets that pods may name, or {@code null} if nothing does. */
  @Nullable SecretPolicy policy() {
    return policy;
  }

  /** Collects settings. Every method checks at once what it is given. Not thread-safe. */
  public static final class Builder {

    private @Nullable String fetcherImage;
    private List<String> imageMirrors = List.of();
    private String imagePullPolicy = "IfNotPresent";
    private List<String> imagePullSecrets = List.of();
    private Map<String, String> env = new LinkedHashMap<>();
    private FetcherResources resources = FetcherResources.DEFAULT;
    private String volumeSizeLimit = "16Mi";
    private String tmpSizeLimit = "256Mi";
    private Set<String> excludedNamespaces = new TreeSet<>();
    private Mode defaultMode = Mode.INIT;
    private @Nullable String defaultRegion;
    private Refresh refresh = Refresh.DEFAULT;
    private int healthPort = 18321;
    private @Nullable KmsSettings kms;
    private boolean environmentFiles;
    private boolean nase;
    private boolean allowHostNamespaces;
    private @Nullable Supplier<String> kubernetesVersion;
    private @Nullable List<PolicyRule> policy;

    private Builder() {}

    /** The image of the injected container, which runs {@code secrets-fetcher}. Required. */
    public Builder fetcherImage(String image) {
      this.fetcherImage = ConfigChecks.text("fetcherImage", image);
      return this;
    }

    /**
     * Images that another webhook, such as that of a registry mirror, may put in the place of
     * {@link #fetcherImage}; {@code *} stands for any characters. None by default: any other image
     * in the injected container is replaced.
     */
    public Builder imageMirrors(List<String> patterns) {
      this.imageMirrors = ConfigChecks.texts("imageMirrors", patterns);
      return this;
    }

    /** {@code Always}, {@code IfNotPresent} (the default) or {@code Never}. */
    public Builder imagePullPolicy(String policy) {
      this.imagePullPolicy = ConfigChecks.pullPolicy(policy);
      return this;
    }

    /** Names of pull secrets that pods get; they must exist in the pods' namespaces. */
    public Builder imagePullSecrets(List<String> names) {
      this.imagePullSecrets = ConfigChecks.texts("imagePullSecrets", names);
      return this;
    }

    /** A variable of the injected container, such as {@code HTTPS_PROXY}; all can read it. */
    public Builder env(String name, String value) {
      env.put(ConfigChecks.variable(name), value);
      return this;
    }

    /** What the container requests, by resource ({@code cpu}, {@code memory}); replaces all. */
    public Builder requests(Map<String, String> quantityByResource) {
      this.resources = resources.withRequests(quantityByResource);
      return this;
    }

    /** What the container may use at most, by resource; replaces all. */
    public Builder limits(Map<String, String> quantityByResource) {
      this.resources = resources.withLimits(quantityByResource);
      return this;
    }

    /**
     * The most that a pod's annotations may ask for, by resource; replaces all. One CPU and 512 MiB
     * by default.
     */
    public Builder maximum(Map<String, String> quantityByResource) {
      this.resources = resources.withMaximum(quantityByResource);
      return this;
    }

    /** The most that the memory volume holds, as a Kubernetes quantity; {@code 16Mi}. */
    public Builder volumeSizeLimit(String quantity) {
      this.volumeSizeLimit = ConfigChecks.quantity("volumeSizeLimit", quantity);
      return this;
    }

    /** The same where the volume is the containers' writable {@code /tmp}; {@code 256Mi}. */
    public Builder tmpSizeLimit(String quantity) {
      this.tmpSizeLimit = ConfigChecks.quantity("tmpSizeLimit", quantity);
      return this;
    }

    /** Namespaces to leave alone, besides {@code kube-system} and {@code kube-public}. */
    public Builder excludedNamespaces(List<String> namespaces) {
      excludedNamespaces.addAll(namespaces);
      return this;
    }

    /**
     * How the fetcher runs where a pod doesn't say: {@code init} (the default), {@code sidecar} or
     * {@code init+sidecar}. A pod that can't have it so gets what comes closest.
     */
    public Builder defaultMode(String mode) {
      this.defaultMode = ConfigChecks.mode(mode);
      return this;
    }

    /** The region of secrets for which neither their ARN nor the pod names one. */
    public Builder defaultRegion(String region) {
      this.defaultRegion = ConfigChecks.region(region);
      return this;
    }

    /** How a sidecar looks for new versions where a pod doesn't say how often. */
    public Builder refresh(Refresh newRefresh) {
      this.refresh = newRefresh;
      return this;
    }

    /** The port of the pod's address at which a sidecar answers probes; 18321. */
    public Builder healthPort(int port) {
      this.healthPort = ConfigChecks.port(port);
      return this;
    }

    /**
     * Lets pods name values that are sealed by KMS ({@code kms:...}).
     *
     * @param keys ARNs of the only keys that values are opened with
     * @param cluster the cluster's name, which values must be sealed for
     */
    public Builder kms(List<String> keys, String cluster) {
      this.kms = ConfigChecks.kms(keys, cluster);
      return this;
    }

    /**
     * Lets pods have environment variables through {@code fileKeyRef}. All nodes must know it
     * (Kubernetes 1.35, or 1.34 with feature gate EnvFiles): an older one starts the container
     * without the variable. Off by default.
     */
    public Builder environmentFiles(boolean enabled) {
      this.environmentFiles = enabled;
      return this;
    }

    /**
     * Takes NASE's annotation of a pod, {@code nase.mhausenblas.info/secret-arn}, for {@code
     * secrets.k8s.aws/secret.nase}. See {@link NativeSecretsConfig.Builder#naseProfile}.
     */
    public Builder naseProfile() {
      this.nase = true;
      return this;
    }

    /** Lets pods with hostNetwork, hostPID or hostIPC have secrets. Off by default. */
    public Builder allowHostNamespaces(boolean allowed) {
      this.allowHostNamespaces = allowed;
      return this;
    }

    /** The cluster's version, such as {@code 1.29}; taken to be at least that by default. */
    public Builder kubernetesVersion(String version) {
      KubernetesVersion.parse(version);
      return kubernetesVersion(() -> version);
    }

    /**
     * The same from somebody who knows, such as a client that asks {@code /version}. It is called
     * for each pod that depends on it, by any thread; it caches, and if it throws, the pod is
     * refused. With environment files {@link #build} calls it, too, and throws what it throws.
     */
    public Builder kubernetesVersion(Supplier<String> version) {
      this.kubernetesVersion = version;
      return this;
    }

    /**
     * Bounds which secrets pods may name: what no rule allows is refused. Without this call every
     * pod may name every secret, and its IAM role alone decides.
     */
    public Builder policy(List<PolicyRule> rules) {
      this.policy = List.copyOf(rules);
      return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if the image is missing, or if settings contradict each
     *     other; the message tells everything that is wrong
     */
    public InjectorConfig build() {
      List<String> problems = contradictions();
      if (fetcherImage == null) {
        problems.add(0, "fetcherImage is missing; it has no default");
      }
      ConfigChecks.require(problems);
      return new InjectorConfig(copy(), fetcherImage == null ? "" : fetcherImage);
    }

    /** What can't be together, whatever else is still missing. */
    List<String> contradictions() {
      List<String> problems = new ArrayList<>(resources.contradictions());
      KubernetesVersion version =
          environmentFiles && kubernetesVersion != null
              ? KubernetesVersion.parse(kubernetesVersion.get())
              : KubernetesVersion.ENVIRONMENT_FILES;
      if (version.isOlderThan(KubernetesVersion.ENVIRONMENT_FILES)) {
        problems.add(
            "environmentFiles needs Kubernetes 1.34 or newer, and kubernetesVersion is " + version);
      }
      return problems;
    }

    private Builder copy() {
      Builder copy = new Builder();
      copy.fetcherImage = fetcherImage;
      copy.imageMirrors = imageMirrors;
      copy.imagePullPolicy = imagePullPolicy;
      copy.imagePullSecrets = imagePullSecrets;
      copy.env = Collections.unmodifiableMap(new LinkedHashMap<>(env));
      copy.resources = resources;
      copy.volumeSizeLimit = volumeSizeLimit;
      copy.tmpSizeLimit = tmpSizeLimit;
      copy.excludedNamespaces = Set.copyOf(excludedNamespaces);
      copy.defaultMode = defaultMode;
      copy.defaultRegion = defaultRegion;
      copy.refresh = refresh;
      copy.healthPort = healthPort;
      copy.kms = kms;
      copy.environmentFiles = environmentFiles;
      copy.nase = nase;
      copy.allowHostNamespaces = allowHostNamespaces;
      copy.kubernetesVersion = kubernetesVersion;
      copy.policy = policy;
      return copy;
    }
  }
}
