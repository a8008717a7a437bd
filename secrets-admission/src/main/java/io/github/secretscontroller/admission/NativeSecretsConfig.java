package io.github.secretscontroller.admission;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The operator's settings of {@link NativeSecretInterceptor}, from code or from the section {@code
 * nativeSecrets} of the operator's YAML document. Immutable.
 *
 * <pre>{@code
 * nativeSecrets:
 *   # The operator's name for this cluster, in names and tags. Set it where an account serves more
 *   # than one cluster; a sweeper needs it. Default: kubernetes.
 *   cluster: prod-eu
 *   # Namespaces whose Opaque Secrets are native without asking for it. Default: none.
 *   namespaces: [payments]
 *   # Namespaces in which no Secret is touched, besides kube-system, kube-public, kube-node-lease.
 *   excludedNamespaces: [monitoring]
 *   # secret: one backend secret for each Secret, a JSON document of its keys. key: one for each key.
 *   # Sealed values (kms) always have one for each key. Default: secret.
 *   layout: secret
 *   # pinned: pods read the version that was admitted. tracking: they read the current one, so that
 *   # rotations by others reach them. Default: pinned.
 *   versions: pinned
 *   # Names in the backend, of {cluster}, {namespace}, {name} and, with layout key, {key}.
 *   nameTemplate: "{cluster}/{namespace}/{name}/k8s"
 *   # nase: only the key nase, named {namespace}.{name}, its ARN as value, as NASE had it.
 *   profile: nase
 * }</pre>
 */
public final class NativeSecretsConfig {

  /** How the keys of a Secret become secrets of the backend. */
  public enum Layout {
    /** One for each Secret: a JSON document of key to value. */
    SECRET,
    /** One for each key: exactly its bytes. */
    KEY
  }

  /** Which version a reference names. */
  public enum Versions {
    /** The one that was admitted. */
    PINNED,
    /** The current one, whoever made it current. */
    TRACKING
  }

  private static final String DEFAULT_CLUSTER = "kubernetes";

  private static final Set<String> SYSTEM_NAMESPACES =
      Set.of("kube-system", "kube-public", "kube-node-lease");

  private final String cluster;
  private final boolean clusterNamed;
  private final Set<String> namespaces;
  private final Set<String> excludedNamespaces;
  private final Layout layout;
  private final Versions versions;
  private final NativeNames names;
  private final boolean nase;

  private NativeSecretsConfig(Builder builder) {
    this.clusterNamed = builder.cluster != null;
    this.cluster = builder.cluster == null ? DEFAULT_CLUSTER : builder.cluster;
    this.namespaces = Set.copyOf(builder.namespaces);
    this.excludedNamespaces = Set.copyOf(builder.excludedNamespaces);
    this.nase = builder.nase;
    this.layout = nase ? Layout.KEY : builder.layout;
    this.versions = nase ? Versions.TRACKING : builder.versions;
    String template = builder.nameTemplate;
    if (template == null) {
      template =
          nase
              ? NativeNames.NASE
              : layout == Layout.KEY ? NativeNames.FOR_KEY : NativeNames.FOR_SECRET;
    }
    this.names = new NativeNames(template, !nase && layout == Layout.KEY);
  }

  /** A builder with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Reads the section {@code nativeSecrets} of a YAML document, whose other sections are not looked
   * at; without one the builder has its defaults.
   *
   * @throws IllegalArgumentException if an option there is unknown or has a value that isn't
   *     allowed; the message names it
   */
  public static Builder fromYaml(String yaml) {
    Builder builder = new Builder();
    NativeSecretsYaml.read(yaml, builder);
    return builder;
  }

  /**
   * The settings in the file that {@code WEBHOOK_CONFIG} names, or the defaults; {@code
   * WEBHOOK_CLUSTER} overrules the cluster's name there.
   *
   * @throws IllegalArgumentException see {@link #fromYaml}; the message names the file
   */
  public static NativeSecretsConfig fromEnvironment(Map<String, String> env) {
    String file = env.get("WEBHOOK_CONFIG");
    Builder builder = file == null ? builder() : NativeSecretsYaml.read(Path.of(file));
    String cluster = env.get("WEBHOOK_CLUSTER");
    return (cluster == null ? builder : builder.cluster(cluster)).build();
  }

  String cluster() {
    return cluster;
  }

  /** Whether that is the operator's name, and not the one that any cluster has by default. */
  boolean isClusterNamed() {
    return clusterNamed;
  }

  boolean includes(String namespace) {
    return namespaces.contains(namespace);
  }

  boolean excludes(String namespace) {
    return excludedNamespaces.contains(namespace);
  }

  Layout layout() {
    return layout;
  }

  boolean pins() {
    return versions == Versions.PINNED;
  }

  NativeNames names() {
    return names;
  }

  boolean isNase() {
    return nase;
  }

  /** Which keys of a Secret are intercepted; the others stay as they are. */
  Predicate<String> handled() {
    return nase ? NativeLayout.NASE_KEY::equals : key -> true;
  }

  /**
   * Collects the settings; a method that is given what isn't allowed throws {@link
   * IllegalArgumentException}. Not thread-safe.
   */
  public static final class Builder {

    private @Nullable String cluster;
    private final Set<String> namespaces = new TreeSet<>();
    private final Set<String> excludedNamespaces = new TreeSet<>(SYSTEM_NAMESPACES);
    private Layout layout = Layout.SECRET;
    private Versions versions = Versions.PINNED;
    private @Nullable String nameTemplate;
    private boolean nase;

    private Builder() {}

    /** The operator's name for the cluster; {@code kubernetes} by default. */
    public Builder cluster(String name) {
      if (!name.matches("[A-Za-z0-9_.-]{1,100}")) {
        throw new IllegalArgumentException(
            "nativeSecrets.cluster must have 1 to 100 letters, digits, dots, hyphens or"
                + " underscores, not \""
                + name
                + "\"");
      }
      this.cluster = name;
      return this;
    }

    /** Namespaces whose Opaque Secrets are native without asking for it. */
    public Builder namespaces(List<String> names) {
      namespaces.addAll(names);
      return this;
    }

    /** Namespaces in which no Secret is touched, besides the system's own. */
    public Builder excludedNamespaces(List<String> names) {
      excludedNamespaces.addAll(names);
      return this;
    }

    /** {@link Layout#SECRET} by default. */
    public Builder layout(Layout keys) {
      this.layout = keys;
      return this;
    }

    /** {@link Versions#PINNED} by default. */
    public Builder versions(Versions read) {
      this.versions = read;
      return this;
    }

    /** How secrets are named in the backend. */
    public Builder nameTemplate(String template) {
      this.nameTemplate = template;
      return this;
    }

    /**
     * Does what NASE did, for those who come from it: only the key {@code nase}, in whatever Secret
     * has it, one secret named {@code {namespace}.{name}}, and its ARN without a version as the
     * value. Layout and versions are given by that.
     */
    public Builder naseProfile() {
      this.nase = true;
      return this;
    }

    /**
     * The settings.
     *
     * @throws IllegalArgumentException if the template doesn't tell secrets apart
     */
    public NativeSecretsConfig build() {
      return new NativeSecretsConfig(this);
    }
  }
}
