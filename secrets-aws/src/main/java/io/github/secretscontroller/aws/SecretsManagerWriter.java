package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.WriteContext;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.CreateSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;

/**
 * Writes to AWS Secrets Manager: creates, puts, tags, restores, and schedules deletion.
 *
 * <p><b>Idempotent by content.</b> What is stored already is compared and not written again.
 * Writers that race with the same value agree on one version: the token of a write, which becomes
 * the version's id, is a keyed MAC over the secret, the version that it replaces and the value. So
 * all replicas must have the same token key; and a version id tells nothing about a value to
 * whoever hasn't the key.
 *
 * <p><b>Ownership.</b> Tags say for which cluster, namespace and object a secret is kept; a secret
 * whose tags say anything else is neither overwritten nor deleted, unless {@link
 * Builder#adoptExisting} is on.
 *
 * <p><b>Text</b> is stored as a string, so that other tools can read it, and what is no UTF-8 as
 * binary; both read back exactly.
 *
 * <p><b>Staging.</b> {@link #stage} puts a version under a label of its own, {@code
 * secrets-controller/admitted}, and {@link #promote} moves {@code AWSCURRENT} to it. A mark is the
 * tag {@code secrets-controller/deleted-at}.
 *
 * <p>A secret that is scheduled for deletion is restored when it is written again. Between that and
 * the write, a few milliseconds, its last value can be read. Thread-safe.
 */
public final class SecretsManagerWriter implements StagingSecretWriter {

  /**
   * The largest value, in bytes; see <a
   * href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html">the
   * quotas</a>.
   */
  public static final int MAX_VALUE_BYTES = 65_536;

  private static final int ATTEMPTS = 5;

  private final SecretsManagerClient client;
  private final AwsResources resources;
  private final OwnedSecrets owned;
  private final WriteTokens tokens;
  private final CurrentVersion current;
  private final SecretsManagerStages stages;
  private final @Nullable String kmsKeyId;
  private final boolean adoptExisting;
  private final long recoveryWindowDays;

  private SecretsManagerWriter(Builder builder) {
    AwsEnvironment environment = builder.environment;
    String region = builder.region();
    this.resources = environment.resources();
    this.client =
        environment.client(
            SecretsManagerClient.builder(),
            "SECRETS_MANAGER",
            region,
            environment.identity().provider(region, resources),
            resources);
    this.owned = new OwnedSecrets(client);
    this.tokens = new WriteTokens(builder.tokenKey);
    this.current = new CurrentVersion(client, tokens);
    this.stages = new SecretsManagerStages(client, tokens);
    this.kmsKeyId = builder.kmsKeyId;
    this.adoptExisting = builder.adoptExisting;
    this.recoveryWindowDays = builder.recoveryWindowDays;
  }

  /**
   * A builder.
   *
   * @param environment names region, endpoint and credentials
   * @param tokenKey at least 32 random bytes that all writers of the same secrets share; copied
   */
  public static Builder builder(AwsEnvironment environment, byte[] tokenKey) {
    return new Builder(environment, tokenKey);
  }

  @Override
  public SecretReference write(String name, byte[] value, WriteContext context) {
    SecretReference reference = named(name, value);
    return retried(
        reference,
        () ->
            tryWrite(
                reference,
                value,
                context,
                created -> {},
                secret -> current.put(secret.arn(), value).map(id -> versionOf(secret.arn(), id))));
  }

  @Override
  public SecretReference stage(String name, byte[] value, WriteContext context) {
    SecretReference reference = named(name, value);
    return retried(
        reference,
        () ->
            tryWrite(
                reference,
                value,
                context,
                created -> stages.currentFromTheStart(created.arn(), created.versionId()),
                secret -> {
                  stages.unmark(secret);
                  return stages.put(secret, value, context).map(id -> versionOf(secret.arn(), id));
                }));
  }

  @Override
  public Optional<SecretReference> find(String name, byte[] value, WriteContext context) {
    SecretReference reference = named(name, value);
    return OwnedSecrets.translated(
        reference,
        () ->
            owned
                .describe(reference)
                .filter(secret -> secret.deletedDate() == null)
                .filter(secret -> OwnerTags.of(context).describe(secret.tags()))
                .flatMap(
                    secret ->
                        stages
                            .holding(secret, value, context)
                            .map(version -> versionOf(secret.arn(), version))));
  }

  @Override
  public boolean owns(SecretReference reference, WriteContext owner) {
    String version = reference.versionId();
    return reference.scheme().equals(SecretReference.SECRETS_MANAGER)
        && OwnedSecrets.translated(
            reference,
            () ->
                owned
                    .describe(reference)
                    .filter(secret -> OwnerTags.of(owner).describe(secret.tags()))
                    .filter(secret -> version == null || stages.exists(secret, version))
                    .isPresent());
  }

  @Override
  public void promote(SecretReference reference, WriteContext owner) {
    String version = reference.versionId();
    if (version != null) {
      owned.act(reference, owner, secret -> stages.promote(secret, version));
    }
  }

  @Override
  public void markDeleted(SecretReference reference, WriteContext owner, Instant when) {
    owned.act(
        reference,
        owner,
        secret -> {
          // AWS refuses to tag what is scheduled for deletion.
          if (secret.deletedDate() == null) {
            stages.mark(secret.arn(), when);
          }
        });
  }

  @Override
  public void restore(SecretReference reference, WriteContext owner) {
    owned.act(
        reference,
        owner,
        secret -> {
          if (secret.deletedDate() != null) {
            client.restoreSecret(request -> request.secretId(secret.arn()));
          }
          stages.unmark(secret);
        });
  }

  @Override
  public List<Written> inventory(String cluster) {
    return OwnedSecrets.translated(
        SecretReference.parse("ListSecrets"), () -> stages.inventory(cluster));
  }

  @Override
  public int maxValueBytes() {
    return MAX_VALUE_BYTES;
  }

  @Override
  public int minValueBytes() {
    return 1;
  }

  @Override
  public void delete(SecretReference reference, WriteContext context) {
    owned.act(
        reference,
        context,
        secret -> {
          if (secret.deletedDate() == null) {
            client.deleteSecret(
                request -> request.secretId(secret.arn()).recoveryWindowInDays(recoveryWindowDays));
          }
        });
  }

  @Override
  public void close() {
    client.close();
    resources.close();
  }

  private static SecretReference named(String name, byte[] value) {
    SecretReference reference =
        new SecretReference(SecretReference.SECRETS_MANAGER, name, null, null, null);
    requireSize(reference, value);
    return reference;
  }

  private SecretReference retried(
      SecretReference reference, Supplier<Optional<SecretReference>> attempt) {
    return OwnedSecrets.translated(
        reference,
        () -> {
          for (int i = 0; i < ATTEMPTS; i++) {
            Optional<SecretReference> written = attempt.get();
            if (written.isPresent()) {
              return written.get();
            }
          }
          throw new SecretException.Unavailable(
              reference,
              "others keep changing " + reference.describe() + " while it is written; try again",
              null);
        });
  }

  /** Empty if somebody else was faster, and it must be looked at again. */
  private Optional<SecretReference> tryWrite(
      SecretReference reference,
      byte[] value,
      WriteContext context,
      Consumer<CreateSecretResponse> afterCreation,
      Function<DescribeSecretResponse, Optional<SecretReference>> put) {
    Optional<DescribeSecretResponse> existing = owned.describe(reference);
    if (existing.isEmpty()) {
      Optional<CreateSecretResponse> created = create(reference, value, context);
      created.ifPresent(afterCreation);
      return created.map(secret -> versionOf(secret.arn(), secret.versionId()));
    }
    DescribeSecretResponse secret = existing.get();
    if (!adoptExisting || OwnerTags.anyIn(secret.tags())) {
      OwnedSecrets.require(reference, secret, context);
    }
    // First, since AWS refuses to tag a secret that is scheduled for deletion.
    if (secret.deletedDate() != null) {
      client.restoreSecret(request -> request.secretId(secret.arn()));
    }
    if (!OwnerTags.of(context).describe(secret.tags())) {
      client.tagResource(
          request -> request.secretId(secret.arn()).tags(OwnerTags.of(context).tags()));
    }
    return put.apply(secret);
  }

  private Optional<CreateSecretResponse> create(
      SecretReference reference, byte[] value, WriteContext context) {
    SecretContent content = SecretContent.of(value);
    try {
      return Optional.of(
          client.createSecret(
              request ->
                  request
                      .name(reference.id())
                      .description("Written for " + context.namespace() + "/" + context.name())
                      .clientRequestToken(tokens.token(reference.id(), "", value))
                      .kmsKeyId(kmsKeyId)
                      .tags(OwnerTags.of(context).tags())
                      .secretString(content.string())
                      .secretBinary(content.binary())));
    } catch (ResourceExistsException somebodyWasFaster) {
      return Optional.empty();
    }
  }

  private static SecretReference versionOf(String arn, String versionId) {
    return SecretReference.parse(arn).withVersionId(versionId);
  }

  private static void requireSize(SecretReference reference, byte[] value) {
    if (value.length == 0) {
      throw new SecretException.InvalidRequest(
          reference,
          "the value for " + reference.describe() + " is empty; AWS needs at least one byte",
          null);
    }
    if (value.length > MAX_VALUE_BYTES) {
      throw new SecretException.InvalidRequest(
          reference,
          String.format(
              Locale.ROOT,
              "the value for %s has %d bytes, more than the %d that AWS takes; split it",
              reference.describe(),
              value.length,
              MAX_VALUE_BYTES),
          null);
    }
  }

  /** Collects the options of a writer. Not thread-safe. */
  public static final class Builder {

    private final AwsEnvironment environment;
    private final byte[] tokenKey;
    private @Nullable String region;
    private @Nullable String kmsKeyId;
    private boolean adoptExisting;
    private long recoveryWindowDays = 30;

    private Builder(AwsEnvironment environment, byte[] tokenKey) {
      this.environment = environment;
      this.tokenKey = tokenKey.clone();
      if (tokenKey.length < 32) {
        throw new IllegalArgumentException(
            "the token key needs at least 32 random bytes, not " + tokenKey.length);
      }
    }

    /** Where secrets are written, instead of the environment's region. */
    public Builder region(String name) {
      this.region = name;
      return this;
    }

    /**
     * The customer-managed key, id, ARN or alias, for secrets that are created; AWS's own {@code
     * aws/secretsmanager} by default.
     */
    public Builder kmsKeyId(String keyId) {
      this.kmsKeyId = keyId;
      return this;
    }

    /** Lets the writer take over a secret on which there are no owner's tags; off by default. */
    public Builder adoptExisting(boolean adopt) {
      this.adoptExisting = adopt;
      return this;
    }

    /** How long a deleted secret can be restored: 7 to 30 days, 30 by default. */
    public Builder recoveryWindowDays(int days) {
      if (days < 7 || days > 30) {
        throw new IllegalArgumentException("AWS takes 7 to 30 days to recover, not " + days);
      }
      this.recoveryWindowDays = days;
      return this;
    }

    /**
     * The writer. Where a key is set, DescribeKey checks it first: that it exists in the region, is
     * enabled, and encrypts symmetrically.
     *
     * @throws IllegalArgumentException if the region is missing, or the key can't be used
     */
    public SecretsManagerWriter build() {
      if (kmsKeyId != null) {
        String where = region();
        try (AwsResources resources = environment.resources();
            KmsClient kms = KmsClients.inRegion(environment, where, resources)) {
          KmsKeyCheck.check(kms, kmsKeyId, where);
        }
      }
      return new SecretsManagerWriter(this);
    }

    private String region() {
      return Objects.requireNonNullElseGet(
          region,
          () ->
              environment
                  .region()
                  .orElseThrow(
                      () ->
                          new IllegalArgumentException(
                              "no region to write secrets in; set AWS_REGION")));
    }
  }
}
