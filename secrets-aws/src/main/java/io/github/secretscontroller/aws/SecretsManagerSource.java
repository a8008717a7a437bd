package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.FailoverSecretSource;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;

/**
 * Reads from AWS Secrets Manager: by full ARN, by ARN without its random suffix, or by name; the
 * current version, another stage or one version id; strings as UTF-8, binary secrets as they are.
 *
 * <p>The region is the ARN's, or else the default one; each region has a client of its own, made
 * when it is first needed. A secret of another account is named by its ARN.
 *
 * <p>Calls, since they are what AWS limits (see its <a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html">quotas</a>):
 *
 * <ul>
 *   <li>{@link #fetch}: one GetSecretValue.
 *   <li>{@link #fetchAll}: one GetSecretValue for each distinct secret and version, a bounded
 *       number at a time. With {@link Builder#batched}, one BatchGetSecretValue for up to 20
 *       secrets.
 *   <li>{@link #currentVersion}: one DescribeSecret, which costs no KMS decryption; none at all for
 *       a reference that names a version id. Where a role may read but not describe, it reads.
 * </ul>
 *
 * <p>Retries, with back-off and full jitter, are the SDK's standard ones; the environment's
 * deadline bounds each operation, also one of many reads. Thread-safe.
 */
public final class SecretsManagerSource implements SecretSource {

  private static final String CURRENT = "AWSCURRENT";

  private final AwsEnvironment environment;
  private final RegionalClients<SecretsManagerClient> clients;
  private final int maxInFlight;
  private final @Nullable BatchReader batch;
  private final Set<String> undescribable = ConcurrentHashMap.newKeySet();
  private final AwsResources resources;

  private SecretsManagerSource(Builder builder) {
    this.environment = builder.environment;
    AwsResources shared = environment.resources();
    this.resources = shared;
    this.clients =
        new RegionalClients<>(
            builder.defaultRegion == null
                ? environment.region().orElse(null)
                : builder.defaultRegion,
            region -> newClient(environment, region, shared));
    this.maxInFlight = builder.maxInFlight;
    this.batch = builder.batched ? new BatchReader(clients) : null;
  }

  /** A source with the region, endpoint and credentials of an environment, and the defaults. */
  public static SecretsManagerSource of(AwsEnvironment environment) {
    return builder(environment).build();
  }

  /**
   * A source that falls over to another region, where the secrets have replicas. Each region has
   * clients, credentials and a deadline of its own.
   *
   * @param secondaryRegion asked while the environment's region, or an ARN's, is unavailable
   * @throws IllegalArgumentException if the environment names an endpoint, since both regions would
   *     be asked there
   * @see FailoverSecretSource
   */
  public static SecretSource withFailover(AwsEnvironment environment, String secondaryRegion) {
    return withFailover(environment, secondaryRegion, Map.of());
  }

  /**
   * As above, for secrets that have another name in the secondary region.
   *
   * @param nameInSecondary what is asked there in place of these references
   */
  public static SecretSource withFailover(
      AwsEnvironment environment,
      String secondaryRegion,
      Map<SecretReference, SecretReference> nameInSecondary) {
    environment.requireEndpointPerRegion("SECRETS_MANAGER", secondaryRegion);
    return new FailoverSecretSource(
        of(environment),
        builder(environment).defaultRegion(secondaryRegion).build(),
        secondaryRegion,
        nameInSecondary);
  }

  /** A builder for a source with the region, endpoint and credentials of an environment. */
  public static Builder builder(AwsEnvironment environment) {
    return new Builder(environment);
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    GetSecretValueRequest request =
        GetSecretValueRequest.builder()
            .secretId(reference.id())
            .versionId(reference.versionId())
            // Said even where it is the default: a policy may demand it by a condition.
            .versionStage(stage(reference))
            .build();
    GetSecretValueResponse response = call(reference, client -> client.getSecretValue(request));
    return value(
        reference,
        response.arn(),
        response.versionId(),
        response.versionStages(),
        response.createdDate(),
        response.secretString(),
        response.secretBinary());
  }

  @Override
  public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    Set<SecretReference> wholes = new LinkedHashSet<>();
    references.forEach(reference -> wholes.add(whole(reference)));
    Deadline deadline = environment.deadline();
    Map<SecretReference, SecretResult> results =
        batch == null ? new ConcurrentHashMap<>() : batch.read(wholes, deadline);
    List<SecretReference> missing =
        wholes.stream().filter(whole -> !results.containsKey(whole)).toList();
    results.putAll(
        Batches.readEach(
            missing, maxInFlight, deadline, reference -> SecretResult.of(() -> fetch(reference))));
    return Batches.share(references, SecretsManagerSource::whole, results);
  }

  @Override
  public String currentVersion(SecretReference reference) {
    String pinned = reference.versionId();
    if (pinned != null) {
      return pinned;
    }
    if (undescribable.contains(reference.id())) {
      return readVersion(reference);
    }
    DescribeSecretResponse secret;
    try {
      secret =
          clients.clientFor(reference).describeSecret(request -> request.secretId(reference.id()));
    } catch (SecretException e) {
      throw e;
    } catch (RuntimeException e) {
      if (AwsFailures.isDenied(e)) {
        String version = readVersion(reference);
        undescribable.add(reference.id());
        return version;
      }
      throw AwsFailures.reading(reference, e);
    }
    // DescribeSecret answers for a secret that is scheduled for deletion, unlike GetSecretValue.
    if (secret.deletedDate() != null) {
      throw new SecretException.NotFound(
          reference,
          reference.describe() + " is scheduled for deletion; restore it, or refer to another",
          null);
    }
    String stage = reference.versionStage() == null ? CURRENT : reference.versionStage();
    return secret.versionIdsToStages().entrySet().stream()
        .filter(version -> version.getValue().contains(stage))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () ->
                new SecretException.NotFound(
                    reference,
                    "no version of " + reference.describe() + " has the stage " + stage,
                    null));
  }

  @Override
  public void close() {
    clients.close();
    resources.close();
  }

  private String readVersion(SecretReference reference) {
    try (SecretValue value = fetch(reference)) {
      return value.versionId();
    }
  }

  private <R> R call(SecretReference reference, Function<SecretsManagerClient, R> call) {
    SecretsManagerClient client = clients.clientFor(reference);
    try {
      return call.apply(client);
    } catch (RuntimeException e) {
      throw AwsFailures.reading(reference, e);
    }
  }

  /** What is read for a reference: two that differ in their selector only share it. */
  static SecretReference whole(SecretReference reference) {
    boolean current = reference.versionId() == null && CURRENT.equals(reference.versionStage());
    SecretReference whole = reference.withSelector(null);
    return current ? whole.withVersionStage(null) : whole;
  }

  /** Of a pinned version the stage isn't known unless it is given. */
  private static @Nullable String stage(SecretReference reference) {
    if (reference.versionStage() != null || reference.versionId() != null) {
      return reference.versionStage();
    }
    return CURRENT;
  }

  static SecretValue value(
      SecretReference reference,
      String arn,
      String versionId,
      List<String> versionStages,
      @Nullable Instant createdAt,
      @Nullable String string,
      @Nullable SdkBytes binary) {
    byte[] content;
    if (string != null) {
      content = string.getBytes(StandardCharsets.UTF_8);
    } else if (binary != null) {
      content = binary.asByteArray();
    } else {
      throw new SecretException.Corrupt(
          reference, "AWS answered " + reference.describe() + " without a value", null);
    }
    try {
      return new SecretValue(
          content, SecretReference.parse(arn), versionId, Set.copyOf(versionStages), createdAt);
    } finally {
      Arrays.fill(content, (byte) 0);
    }
  }

  private static SecretsManagerClient newClient(
      AwsEnvironment environment, String region, AwsResources resources) {
    AwsCredentialsProvider credentials = environment.identity().provider(region, resources);
    return environment.client(
        SecretsManagerClient.builder(), "SECRETS_MANAGER", region, credentials, resources);
  }

  /** Collects the options of a source. Not thread-safe. */
  public static final class Builder {

    private static final int DEFAULT_IN_FLIGHT = 8;
    private static final int MOST_IN_FLIGHT = 64;

    private final AwsEnvironment environment;
    private @Nullable String defaultRegion;
    private int maxInFlight = DEFAULT_IN_FLIGHT;
    private boolean batched;

    private Builder(AwsEnvironment environment) {
      this.environment = environment;
    }

    /** The region of references that name none, instead of the environment's. */
    public Builder defaultRegion(String region) {
      this.defaultRegion = region;
      return this;
    }

    /**
     * How many calls {@link SecretSource#fetchAll} has under way at most: 1 to 64, 8 by default. It
     * begins with one, and has another under way for each quarter of a second that passes.
     */
    public Builder maxInFlight(int calls) {
      if (calls < 1 || calls > MOST_IN_FLIGHT) {
        throw new IllegalArgumentException(
            "maxInFlight must be 1 to " + MOST_IN_FLIGHT + ", not " + calls);
      }
      this.maxInFlight = calls;
      return this;
    }

    /**
     * Lets {@link SecretSource#fetchAll} use BatchGetSecretValue, 20 secrets a call. Off by
     * default: its quota is 100 calls a second, a hundredth of GetSecretValue's, and it needs
     * {@code secretsmanager:BatchGetSecretValue} on {@code *} besides GetSecretValue on each
     * secret. What it doesn't answer is read singly.
     */
    public Builder batched(boolean batches) {
      this.batched = batches;
      return this;
    }

    /** The source; it makes no call yet. */
    public SecretsManagerSource build() {
      return new SecretsManagerSource(this);
    }
  }
}
