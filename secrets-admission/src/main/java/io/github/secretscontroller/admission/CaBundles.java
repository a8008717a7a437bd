package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The {@code caBundle} of each webhook in the webhook configurations: what the API servers trust.
 *
 * <p>Certificates of others stay in a bundle for an hour: they may be those that the pods of before
 * a change still serve with.
 */
final class CaBundles {

  /** How long a certificate that isn't ours, or not any more, is left in a bundle. */
  static final Duration HANDOVER = Duration.ofHours(1);

  private static final String COLLECTION =
      "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/";

  private final KubernetesApi api;
  private final List<String> configurations;
  // Since when each authority has been in all bundles, and each of the others' has been seen.
  private final Map<X509Certificate, Instant> trustedSince = new HashMap<>();
  private final Map<X509Certificate, Instant> strangersSince = new HashMap<>();

  CaBundles(KubernetesApi api, List<String> configurations) {
    this.api = api;
    this.configurations = List.copyOf(configurations);
  }

  /**
   * Puts the authorities into all bundles that lack one of them, and remembers what was found
   * there.
   *
   * @throws ClusterException if the API server doesn't answer or refuses; what was known stays
   */
  void publish(List<X509Certificate> authorities, Instant now) {
    Set<X509Certificate> everywhere = new LinkedHashSet<>(authorities);
    for (String configuration : configurations) {
      ObjectNode stored =
          api.update(COLLECTION + configuration, found -> completion(found, authorities, now));
      if (stored == null || stored.path("webhooks").isEmpty()) {
        throw new ClusterException(
            404, "there is no MutatingWebhookConfiguration " + configuration + " with a webhook");
      }
      for (JsonNode webhook : stored.path("webhooks")) {
        everywhere.retainAll(bundle(webhook));
      }
    }
    trustedSince.keySet().retainAll(everywhere);
    everywhere.forEach(authority -> trustedSince.putIfAbsent(authority, now));
  }

  /** Whether an authority has been in all bundles for so long, as far as we saw. */
  boolean trusted(X509Certificate authority, Duration duration, Instant now) {
    Instant since = trustedSince.get(authority);
    return since != null && !now.isBefore(since.plus(duration));
  }

  private ArrayNode completion(
      ObjectNode configuration, List<X509Certificate> authorities, Instant now) {
    ArrayNode operations = KubernetesApi.noOperations();
    int index = 0;
    for (JsonNode webhook : configuration.path("webhooks")) {
      List<X509Certificate> before = bundle(webhook);
      Set<X509Certificate> after = new LinkedHashSet<>(authorities);
      before.stream()
          .filter(certificate -> stays(certificate, authorities, now))
          .forEach(after::add);
      if (!after.equals(new LinkedHashSet<>(before))) {
        operations
            .addObject()
            .put("op", "add")
            .put("path", "/webhooks/" + index + "/clientConfig/caBundle")
            .put("value", encode(after));
      }
      index++;
    }
    return operations;
  }

  private boolean stays(X509Certificate found, List<X509Certificate> authorities, Instant now) {
    if (authorities.contains(found)) {
      return true;
    }
    boolean expired = !now.isBefore(found.getNotAfter().toInstant());
    Instant since = strangersSince.computeIfAbsent(found, key -> now);
    return !expired && now.isBefore(since.plus(HANDOVER));
  }

  /** The certificates of a bundle; none if it holds something else, which then is replaced. */
  private static List<X509Certificate> bundle(JsonNode webhook) {
    try {
      byte[] pem = Base64.getDecoder().decode(webhook.at("/clientConfig/caBundle").asText());
      return Pem.certificates(new String(pem, StandardCharsets.ISO_8859_1), "caBundle");
    } catch (IllegalArgumentException e) {
      return List.of();
    }
  }

  private static String encode(Set<X509Certificate> certificates) {
    String pem = Pem.of(new ArrayList<>(certificates));
    return Base64.getEncoder().encodeToString(pem.getBytes(StandardCharsets.US_ASCII));
  }
}
