package io.github.secretscontroller.admission;

import io.kubernetes.client.openapi.ApiClient;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Builds a {@link ServingCertificate} that the webhook's replicas manage themselves.
 *
 * <p>They share a certificate authority in a Secret, and keep it in the {@code caBundle} of the
 * webhook configurations; each makes its own short-lived certificate, whose key never leaves it.
 * All are renewed after two thirds of their life. Needs {@code io.kubernetes:client-java-api} on
 * the class path, and the right to {@code get} and {@code patch} the Secret and the configurations
 * ({@code create} for the Secret, unless an empty one is there).
 *
 * <p>Not thread-safe; what it builds is.
 */
public final class SelfManagedCertificate {

  /** How long a certificate is valid by default: a day. */
  public static final Duration CERTIFICATE_LIFETIME = Duration.ofDays(1);

  /** How long an authority is valid by default: ninety days. */
  public static final Duration AUTHORITY_LIFETIME = Duration.ofDays(90);

  /**
   * How long an authority has to be in all bundles before it signs, by default: a minute. The API
   * server's own watch of webhook configurations takes about two seconds.
   */
  public static final Duration SETTLE_TIME = Duration.ofMinutes(1);

  private static final Pattern NAME = Pattern.compile("[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");

  private final ApiClient client;
  private @Nullable String namespace;
  private @Nullable String secret;
  private List<String> configurations = List.of();
  private Set<String> hosts = Set.of();
  private Duration certificateLifetime = CERTIFICATE_LIFETIME;
  private Duration authorityLifetime = AUTHORITY_LIFETIME;
  private Duration settleTime = SETTLE_TIME;
  private Clock clock = Clock.systemUTC();

  private SelfManagedCertificate(ApiClient client) {
    this.client = client;
  }

  /** A builder that talks to the API server with this client. */
  public static SelfManagedCertificate builder(ApiClient client) {
    return new SelfManagedCertificate(client);
  }

  /**
   * The certificate for a pod whose environment names the Secret ({@code WEBHOOK_TLS_SECRET}, as
   * {@code namespace/name}), the webhook configurations ({@code WEBHOOK_TLS_CONFIGURATIONS},
   * separated by commas) and the hosts ({@code WEBHOOK_TLS_HOSTS}, such as {@code
   * webhook.namespace.svc}). {@code WEBHOOK_SERVICE_ACCOUNT} overrules the directory of the
   * ServiceAccount's files.
   *
   * @throws IllegalArgumentException if one is missing or wrong
   */
  public static ServingCertificate fromEnvironment(Map<String, String> environment) {
    String[] secret = environment.getOrDefault("WEBHOOK_TLS_SECRET", "").split("/", -1);
    if (secret.length != 2) {
      throw new IllegalArgumentException(
          "WEBHOOK_TLS_SECRET must be namespace/name, not \""
              + environment.get("WEBHOOK_TLS_SECRET")
              + "\"");
    }
    String configurations = environment.get("WEBHOOK_TLS_CONFIGURATIONS");
    if (configurations == null) {
      throw new IllegalArgumentException(
          "WEBHOOK_TLS_SECRET needs WEBHOOK_TLS_CONFIGURATIONS, the names of the"
              + " MutatingWebhookConfigurations whose caBundle is to be kept");
    }
    if (!environment.containsKey("WEBHOOK_TLS_HOSTS")) {
      throw new IllegalArgumentException(
          "WEBHOOK_TLS_SECRET needs WEBHOOK_TLS_HOSTS, the names that the API server calls, such"
              + " as webhook.namespace.svc");
    }
    return builder(InClusterClient.create(environment))
        .secret(secret[0], secret[1])
        .configurations(List.of(configurations.split(",", -1)))
        .hosts(ServingCertificate.hosts(environment, Set.of()))
        .build();
  }

  /** The Secret that the replicas share. Required. */
  public SelfManagedCertificate secret(String namespace, String name) {
    this.namespace = checked("the Secret's namespace", namespace);
    this.secret = checked("the Secret", name);
    return this;
  }

  /** The MutatingWebhookConfigurations; each webhook in them gets the bundle. Required. */
  public SelfManagedCertificate configurations(List<String> names) {
    this.configurations =
        names.stream().map(name -> checked("a webhook configuration", name.strip())).toList();
    return this;
  }

  /** The DNS names and IP addresses that the API server calls. Required. */
  public SelfManagedCertificate hosts(Set<String> hosts) {
    this.hosts = Set.copyOf(hosts);
    return this;
  }

  /** How long a certificate is valid; {@link #CERTIFICATE_LIFETIME} by default. */
  public SelfManagedCertificate certificateLifetime(Duration lifetime) {
    this.certificateLifetime = lifetime;
    return this;
  }

  /** How long an authority is valid; {@link #AUTHORITY_LIFETIME} by default. */
  public SelfManagedCertificate authorityLifetime(Duration lifetime) {
    this.authorityLifetime = lifetime;
    return this;
  }

  /** How long an authority has to be trusted before it signs; {@link #SETTLE_TIME} by default. */
  public SelfManagedCertificate settleTime(Duration time) {
    this.settleTime = time;
    return this;
  }

  /** The clock that lifetimes are measured by; the system's by default. */
  public SelfManagedCertificate clock(Clock clock) {
    this.clock = clock;
    return this;
  }

  /**
   * The certificate, after a first look. If that didn't help (see {@link
   * ServingCertificate#problem}), it isn't ready, and one that nobody trusts is served meanwhile.
   *
   * @throws IllegalArgumentException if something required is missing, or if there would be no time
   *     to hand over from one authority to the next
   */
  public ServingCertificate build() {
    if (namespace == null || secret == null || configurations.isEmpty()) {
      throw new IllegalArgumentException(
          "a self-managed certificate needs a Secret and a webhook configuration");
    }
    if (authorityLifetime.compareTo(settleTime.multipliedBy(6)) < 0) {
      throw new IllegalArgumentException(
          "an authority's lifetime of "
              + authorityLifetime
              + " is too short: it must be at least six times the settle time of "
              + settleTime);
    }
    KubernetesApi api = new KubernetesApi(client);
    SelfManagedSource source =
        new SelfManagedSource(
            new AuthoritySecret(api, namespace, secret, authorityLifetime),
            new CaBundles(api, configurations),
            hosts,
            certificateLifetime,
            settleTime,
            clock);
    return ServingCertificate.from(source, hosts, clock);
  }

  // Names become part of a path.
  private static String checked(String what, String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(what + " can't have the name \"" + name + "\"");
    }
    return name;
  }
}
