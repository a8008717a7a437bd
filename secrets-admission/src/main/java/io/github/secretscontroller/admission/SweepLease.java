package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;

/**
 * Leads as long as it holds a Lease, which it takes when nobody has renewed it for its duration.
 * Not thread-safe.
 *
 * @see <a href="https://kubernetes.io/docs/concepts/architecture/leases/">Leases</a>
 */
final class SweepLease {

  /** Longer than a host may take between two sweeps, lest the lead goes round. */
  private static final Duration DURATION = Duration.ofMinutes(5);

  // MicroTime, as the API server prints it.
  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

  private final KubernetesApi api;
  private final String path;
  private final String identity;
  private final Clock clock;

  SweepLease(KubernetesApi api, String path, String identity, Clock clock) {
    this.api = api;
    this.path = path;
    this.identity = identity;
    this.clock = clock;
  }

  /** Takes or renews the Lease; false if somebody else holds it. */
  boolean hold() {
    ObjectNode lease = api.update(path, this::renewal);
    if (lease == null) {
      return create();
    }
    return lease.at("/spec/holderIdentity").asText().equals(identity);
  }

  private boolean create() {
    int name = path.lastIndexOf('/');
    ObjectNode lease = JsonNodeFactory.instance.objectNode();
    lease.put("apiVersion", "coordination.k8s.io/v1").put("kind", "Lease");
    lease.putObject("metadata").put("name", path.substring(name + 1));
    lease.set("spec", spec(0));
    return api.create(path.substring(0, name), lease);
  }

  private ArrayNode renewal(ObjectNode lease) {
    JsonNode spec = lease.path("spec");
    String holder = spec.path("holderIdentity").asText();
    boolean ours = holder.equals(identity);
    ArrayNode operations = JsonNodeFactory.instance.arrayNode();
    if (ours || holder.isEmpty() || hasExpired(spec)) {
      int transitions = spec.path("leaseTransitions").asInt() + (ours ? 0 : 1);
      operations.addObject().put("op", "add").put("path", "/spec").set("value", spec(transitions));
    }
    return operations;
  }

  private boolean hasExpired(JsonNode spec) {
    try {
      Instant renewed = Instant.parse(spec.path("renewTime").asText());
      long seconds = spec.path("leaseDurationSeconds").asLong(DURATION.toSeconds());
      return clock.instant().isAfter(renewed.plusSeconds(seconds));
    } catch (DateTimeParseException neverRenewed) {
      return true;
    }
  }

  private ObjectNode spec(int transitions) {
    String now = MICROS.format(clock.instant());
    return JsonNodeFactory.instance
        .objectNode()
        .put("holderIdentity", identity)
        .put("leaseDurationSeconds", DURATION.toSeconds())
        .put("acquireTime", now)
        .put("renewTime", now)
        .put("leaseTransitions", transitions);
  }
}
