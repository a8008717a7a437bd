package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.StagingSecretWriter.Written;
import io.kubernetes.client.openapi.ApiClient;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Brings a backend into line with what the cluster stores: makes the versions current that stored
 * Secrets refer to, and schedules the deletion of what belongs to none.
 *
 * <p>What the API server says isn't there, or refers to something else, is marked in one sweep, and
 * deleted, with the backend's recovery window, in one that comes at least the grace later and finds
 * the same; the mark is taken back if the Secret turns up. An API server that can't be asked is no
 * reason to delete anything, nor is one that answers anything but that there is no such Secret. The
 * configuration must name the cluster, since another one may write to the same backend.
 *
 * <p>A host calls {@link #sweep} from time to time, such as every minute, in each of its replicas:
 * one of them leads, by a Lease. Needs {@code io.kubernetes:client-java-api} on the class path, and
 * the right to {@code get} Secrets, and to {@code get}, {@code create} and {@code patch} the Lease.
 * Thread-safe.
 */
public final class NativeSecretSweeper {

  /** The shortest time between mark and deletion, unless it is told otherwise: an hour. */
  public static final Duration DEFAULT_GRACE = Duration.ofHours(1);

  private static final Pattern RANDOM_SUFFIX = Pattern.compile("-[A-Za-z0-9]{6}$");

  private final KubernetesApi api;
  private final StagingSecretWriter writer;
  private final NativeSecretsConfig config;
  private final Duration grace;
  private final Clock clock;
  private final @Nullable SweepLease lease;
  private final Map<String, String> promoted = new HashMap<>();

  private NativeSecretSweeper(Builder builder) {
    this.api = new KubernetesApi(builder.client);
    this.writer = builder.writer;
    this.config = builder.config;
    this.grace = builder.grace;
    this.clock = builder.clock;
    this.lease =
        builder.lease == null ? null : new SweepLease(api, builder.lease, builder.identity, clock);
  }

  /**
   * A builder.
   *
   * @param client asks the API server
   * @param writer what the interceptor writes with
   * @param config the interceptor's
   */
  public static Builder builder(
      ApiClient client, StagingSecretWriter writer, NativeSecretsConfig config) {
    return new Builder(client, writer, config);
  }

  /**
   * A builder for a pod, which finds the API server and its ServiceAccount's token where kubelet
   * puts them; {@code WEBHOOK_SERVICE_ACCOUNT} overrules the directory of the latter.
   *
   * @throws IllegalArgumentException if this is no pod
   */
  public static Builder inCluster(
      Map<String, String> environment, StagingSecretWriter writer, NativeSecretsConfig config) {
    return builder(InClusterClient.create(environment), writer, config);
  }

  /**
   * What a sweep did.
   *
   * @param promoted versions that were made current, or found to be
   * @param restored marks and deletions that were taken back
   * @param marked secrets that belong to nothing, seen for the first time
   * @param deleted secrets whose deletion was scheduled
   * @param problems what could not be done, and will be tried again
   */
  public record Sweep(int promoted, int restored, int marked, int deleted, List<String> problems) {}

  /** Sweeps once; empty if another replica leads. */
  public synchronized Optional<Sweep> sweep() {
    if (lease != null && !lease.hold()) {
      promoted.clear();
      return Optional.empty();
    }
    int[] counts = new int[4];
    List<String> problems = new ArrayList<>();
    for (Written written : writer.inventory(config.cluster())) {
      try {
        sweep(written, counts);
      } catch (ClusterException | SecretException e) {
        problems.add(written.reference().describe() + ": " + e.getMessage());
      }
    }
    return Optional.of(new Sweep(counts[0], counts[1], counts[2], counts[3], problems));
  }

  /**
   * What was written for Secrets that are not there, or refer to something else; changes nothing.
   */
  public List<Written> orphans() {
    return writer.inventory(config.cluster()).stream()
        .filter(written -> !written.scheduledForDeletion())
        .filter(written -> stored(written).isEmpty())
        .toList();
  }

  /** Schedules the deletion of an orphan, unless it is none any more. */
  public boolean delete(Written orphan) {
    if (stored(orphan).isPresent()) {
      return false;
    }
    writer.delete(orphan.reference(), orphan.owner());
    return true;
  }

  private void sweep(Written written, int[] counts) {
    Optional<SecretReference> stored = stored(written);
    if (stored.isPresent()) {
      if (written.scheduledForDeletion() || written.markedAt() != null) {
        writer.restore(written.reference(), written.owner());
        counts[1]++;
      }
      String version = stored.get().versionId();
      String id = written.reference().id();
      if (version != null && !version.equals(promoted.get(id))) {
        writer.promote(stored.get(), written.owner());
        promoted.put(id, version);
        counts[0]++;
      }
      return;
    }
    if (written.scheduledForDeletion()) {
      return;
    }
    Instant markedAt = written.markedAt();
    if (markedAt == null) {
      writer.markDeleted(written.reference(), written.owner(), clock.instant());
      counts[2]++;
    } else if (!clock.instant().isBefore(markedAt.plus(grace))) {
      writer.delete(written.reference(), written.owner());
      counts[3]++;
    }
  }

  /** The reference, with its version, by which the owner as it is stored refers to this secret. */
  private Optional<SecretReference> stored(Written written) {
    ObjectNode secret =
        api.get(
            "/api/v1/namespaces/"
                + written.owner().namespace()
                + "/secrets/"
                + written.owner().name());
    return secret == null
        ? Optional.empty()
        : NativeRecord.references(secret, config.handled()).stream()
            .filter(reference -> refersTo(reference, written.reference()))
            .map(reference -> written.reference().withVersionId(reference.versionId()))
            .findFirst();
  }

  /**
   * Whether a reference is to a secret of the inventory, whose ARN is full: references by name and
   * by ARN without the random suffix are accepted, too.
   */
  private static boolean refersTo(SecretReference reference, SecretReference written) {
    boolean elsewhere =
        reference.isArn()
            && written.isArn()
            && !(reference.region().equals(written.region())
                && reference.accountId().equals(written.accountId()));
    return reference.scheme().equals(written.scheme())
        && !elsewhere
        && (reference.name().equals(written.name())
            || (written.isArn()
                && reference
                    .name()
                    .equals(RANDOM_SUFFIX.matcher(written.name()).replaceFirst(""))));
  }

  /** Collects the options of a sweeper. Not thread-safe. */
  public static final class Builder {

    private final ApiClient client;
    private final StagingSecretWriter writer;
    private final NativeSecretsConfig config;
    private Duration grace = DEFAULT_GRACE;
    private Clock clock = Clock.systemUTC();
    private @Nullable String lease;
    private String identity = UUID.randomUUID().toString();

    private Builder(ApiClient client, StagingSecretWriter writer, NativeSecretsConfig config) {
      this.client = client;
      this.writer = writer;
      this.config = config;
    }

    /**
     * The Lease by which one of several replicas leads; without one, each sweeps.
     *
     * @param identity who this replica is, such as the name of its pod
     */
    public Builder lease(String namespace, String name, String identity) {
      this.lease = "/apis/coordination.k8s.io/v1/namespaces/" + namespace + "/leases/" + name;
      this.identity = identity;
      return this;
    }

    /**
     * The shortest time between mark and deletion; {@link #DEFAULT_GRACE} by default.
     *
     * @throws IllegalArgumentException if it is less than a minute, in which a request may still be
     *     on its way
     */
    public Builder grace(Duration time) {
      if (time.compareTo(Duration.ofMinutes(1)) < 0) {
        throw new IllegalArgumentException("the grace must be a minute or more, not " + time);
      }
      this.grace = time;
      return this;
    }

    /** The clock of marks and the Lease; the system's by default. */
    public Builder clock(Clock time) {
      this.clock = time;
      return this;
    }

    /**
     * The sweeper.
     *
     * @throws IllegalArgumentException if the configuration doesn't name the cluster: by the
     *     default name, what another cluster has in the same account would be taken for this one's
     */
    public NativeSecretSweeper build() {
      if (!config.isClusterNamed()) {
        throw new IllegalArgumentException(
            "the cluster has no name of its own, and the secrets of another cluster without one"
                + " would be deleted; set nativeSecrets.cluster in the webhook's configuration, or"
                + " WEBHOOK_CLUSTER, or --cluster (\"kubernetes\" for what was written by"
                + " default, if no other cluster writes to the same backend)");
      }
      return new NativeSecretSweeper(this);
    }
  }
}
