package io.github.secretscontroller.aws;

import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.awscore.defaultsmode.DefaultsMode;
import software.amazon.awssdk.awscore.retry.AwsRetryStrategy;
import software.amazon.awssdk.core.client.builder.SdkSyncClientBuilder;
import software.amazon.awssdk.core.client.config.ClientOverrideConfiguration;
import software.amazon.awssdk.core.client.config.SdkAdvancedClientOption;
import software.amazon.awssdk.profiles.ProfileFile;
import software.amazon.awssdk.regions.Region;

/**
 * What the standard AWS variables of a process say: region, endpoints, credentials, proxy.
 *
 * <table>
 *   <caption>The variables that are read, besides those of {@link AwsIdentity}</caption>
 *   <tr><th>variable</th><th>meaning</th></tr>
 *   <tr><td>{@code AWS_REGION}, {@code AWS_DEFAULT_REGION}</td>
 *       <td>the region of what isn't named by an ARN; the first wins</td></tr>
 *   <tr><td>{@code AWS_ENDPOINT_URL_SECRETS_MANAGER}, {@code ..._SSM}, {@code ..._KMS},
 *       {@code ..._STS}, {@code AWS_ENDPOINT_URL}</td>
 *       <td>an endpoint other than AWS's own, for one service or all</td></tr>
 *   <tr><td>{@code AWS_USE_FIPS_ENDPOINT}, {@code AWS_USE_DUALSTACK_ENDPOINT}</td>
 *       <td>{@code true} selects such endpoints</td></tr>
 *   <tr><td>{@code HTTPS_PROXY}, {@code HTTP_PROXY}, {@code NO_PROXY}</td>
 *       <td>a proxy for URLs of that scheme, and hosts that are reached without it; lower case
 *       works too</td></tr>
 * </table>
 *
 * <p>See <a href="https://docs.aws.amazon.com/sdkref/latest/guide/settings-reference.html">the
 * settings reference of AWS's SDKs</a>. Profile files aren't read: a pod has none, and looking for
 * them costs time at its start. Immutable and thread-safe.
 */
public final class AwsEnvironment {

  /** How long one operation may take, all its retries included, unless it is told otherwise. */
  public static final Duration DEFAULT_DEADLINE = Duration.ofSeconds(30);

  private static final String USER_AGENT = "secrets-controller";

  private final Map<String, String> variables;
  private final Duration deadline;

  private AwsEnvironment(Map<String, String> variables, Duration deadline) {
    this.variables = Map.copyOf(variables);
    this.deadline = deadline;
  }

  /**
   * Reads the variables of a process, usually {@link System#getenv()}.
   *
   * @throws IllegalArgumentException if they contradict each other; the message names the variables
   *     and the fix
   */
  public static AwsEnvironment of(Map<String, String> variables) {
    AwsEnvironment environment = new AwsEnvironment(variables, DEFAULT_DEADLINE);
    environment.requireNoContradiction();
    return environment;
  }

  /** The same with another bound for one operation, all its retries included. */
  public AwsEnvironment withDeadline(Duration newDeadline) {
    if (newDeadline.isNegative() || newDeadline.isZero()) {
      throw new IllegalArgumentException("the deadline must be positive, not " + newDeadline);
    }
    return new AwsEnvironment(variables, newDeadline);
  }

  /** The same with another region of what isn't named by an ARN. */
  public AwsEnvironment withRegion(String region) {
    Map<String, String> changed = new HashMap<>(variables);
    changed.put("AWS_REGION", region);
    return new AwsEnvironment(changed, deadline);
  }

  /** When an operation that begins now has to be done. */
  Deadline deadline() {
    return Deadline.in(deadline);
  }

  /** {@code AWS_REGION}, or else {@code AWS_DEFAULT_REGION}. */
  public Optional<String> region() {
    return variable("AWS_REGION").or(() -> variable("AWS_DEFAULT_REGION"));
  }

  /** Which credentials the variables name. */
  public AwsIdentity identity() {
    return AwsIdentity.choose(this);
  }

  /**
   * Checks that a second region can be asked at all.
   *
   * @throws IllegalArgumentException if the variables name an endpoint for the service, since both
   *     regions would be asked there
   */
  void requireEndpointPerRegion(String service, String secondaryRegion) {
    if (endpoint(service).isPresent()) {
      throw new IllegalArgumentException(
          "AWS_ENDPOINT_URL names one endpoint, and failover to "
              + secondaryRegion
              + " needs one for each region; unset one of the two");
    }
  }

  /** What clients for this environment share; the caller closes it, after them. */
  AwsResources resources() {
    AwsHttp http =
        new AwsHttp(proxy("HTTP_PROXY"), proxy("HTTPS_PROXY"), eitherCase("NO_PROXY").orElse(""));
    if (flag("AWS_USE_FIPS_ENDPOINT")) {
      http.offerMore();
    }
    return new AwsResources(http.client());
  }

  /**
   * Settles everything that an SDK client would otherwise look for, in profiles and properties.
   *
   * @param endpointVariable the service's part of {@code AWS_ENDPOINT_URL_...}
   */
  <B extends AwsClientBuilder<B, C> & SdkSyncClientBuilder<B, C>, C> C client(
      B builder,
      String endpointVariable,
      String region,
      AwsCredentialsProvider credentials,
      AwsResources resources) {
    ProfileFile noProfiles = ProfileFile.aggregator().build();
    endpoint(endpointVariable).ifPresent(builder::endpointOverride);
    return builder
        .region(Region.of(region))
        .credentialsProvider(credentials)
        .httpClient(resources.http())
        .defaultsMode(DefaultsMode.LEGACY)
        .fipsEnabled(flag("AWS_USE_FIPS_ENDPOINT"))
        .dualstackEnabled(flag("AWS_USE_DUALSTACK_ENDPOINT"))
        .overrideConfiguration(
            ClientOverrideConfiguration.builder()
                .defaultProfileFile(noProfiles)
                .defaultProfileName("none")
                .apiCallTimeout(deadline)
                // Not adaptive: one throttled secret would slow down all the others.
                .retryStrategy(AwsRetryStrategy.standardRetryStrategy())
                .putAdvancedOption(SdkAdvancedClientOption.USER_AGENT_SUFFIX, USER_AGENT)
                .build())
        .build();
  }

  Optional<String> variable(String name) {
    String value = variables.get(name);
    return value == null || value.isBlank() ? Optional.empty() : Optional.of(value);
  }

  private Optional<URI> endpoint(String service) {
    if (flag("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
      return Optional.empty();
    }
    String own = "AWS_ENDPOINT_URL_" + service;
    return variable(own)
        .map(url -> uri(own, url))
        .or(() -> variable("AWS_ENDPOINT_URL").map(url -> uri("AWS_ENDPOINT_URL", url)));
  }

  private Optional<URI> proxy(String name) {
    return eitherCase(name).map(url -> uri(name, url));
  }

  private Optional<String> eitherCase(String name) {
    return variable(name).or(() -> variable(name.toLowerCase(Locale.ROOT)));
  }

  private void requireNoContradiction() {
    for (String service : new String[] {"SECRETS_MANAGER", "SSM", "KMS", "STS"}) {
      if (endpoint(service).isPresent()) {
        for (String flag : new String[] {"AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"}) {
          if (flag(flag)) {
            throw new IllegalArgumentException(
                flag
                    + " selects one of AWS's own endpoints, and AWS_ENDPOINT_URL names another;"
                    + " unset one of the two");
          }
        }
      }
    }
  }

  private boolean flag(String name) {
    return variable(name).map(v -> v.toLowerCase(Locale.ROOT).equals("true")).orElse(false);
  }

  private static URI uri(String variable, String text) {
    try {
      URI uri = URI.create(text);
      if (uri.getScheme() != null && uri.getHost() != null) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // Told below, without the text that may hold a proxy's password.
    }
    throw new IllegalArgumentException(
        variable + " is no URL; it must look like https://HOST:PORT");
  }
}
