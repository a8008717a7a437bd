package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/**
 * The authorities that all replicas share, in a Secret: {@code ca.crt} and {@code ca.key}, and
 * those of its predecessor as {@code previous-ca.crt} and {@code previous-ca.key} until it expires.
 *
 * <p>A new one is made after two thirds of the newest one's life. Whichever replica is first writes
 * it, the others find it.
 */
final class AuthoritySecret {

  private final KubernetesApi api;
  private final String namespace;
  private final String name;
  private final Duration lifetime;

  AuthoritySecret(KubernetesApi api, String namespace, String name, Duration lifetime) {
    this.api = api;
    this.namespace = namespace;
    this.name = name;
    this.lifetime = lifetime;
  }

  /**
   * The authorities, newest first; the newest isn't expired.
   *
   * @throws ClusterException if the API server doesn't answer or refuses
   * @throws IllegalArgumentException if the Secret holds something else
   */
  List<Authority> read(Instant now) {
    String collection = "/api/v1/namespaces/" + namespace + "/secrets";
    String path = collection + "/" + name;
    ObjectNode stored = api.update(path, secret -> renewal(secret, now));
    if (stored == null) {
      ObjectNode fresh = JsonNodeFactory.instance.objectNode();
      fresh.put("apiVersion", "v1").put("kind", "Secret").put("type", "Opaque");
      fresh.putObject("metadata").put("name", name).put("namespace", namespace);
      fresh.set("data", data(List.of(Authority.create(now, lifetime))));
      api.create(collection, fresh);
      // Ours, or that of another replica which was faster.
      stored = api.update(path, secret -> renewal(secret, now));
    }
    if (stored == null) {
      throw new ClusterException(404, this + " was deleted while it was read");
    }
    return valid(stored, now);
  }

  @Override
  public String toString() {
    return "Secret " + namespace + "/" + name;
  }

  private ArrayNode renewal(ObjectNode secret, Instant now) {
    ArrayNode operations = KubernetesApi.noOperations();
    List<Authority> authorities = valid(secret, now);
    if (authorities.isEmpty() || !now.isBefore(authorities.get(0).keyAndChain().renewAt())) {
      authorities.add(0, Authority.create(now, lifetime));
      operations
          .addObject()
          .put("op", "add")
          .put("path", "/data")
          .set("value", data(authorities.subList(0, Math.min(2, authorities.size()))));
    }
    return operations;
  }

  private List<Authority> valid(ObjectNode secret, Instant now) {
    List<Authority> found = new ArrayList<>();
    try {
      for (String prefix : List.of("", "previous-")) {
        String certificate = value(secret, prefix + "ca.crt");
        String key = value(secret, prefix + "ca.key");
        if (!certificate.isEmpty() || !key.isEmpty()) {
          found.add(
              Authority.read(
                  certificate, prefix + "ca.crt of " + this, key, prefix + "ca.key of " + this));
        }
      }
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          e.getMessage()
              + "; to have a new authority made: kubectl patch secret -n "
              + namespace
              + " "
              + name
              + " --type=merge -p '{\"data\":null}'");
    }
    found.removeIf(authority -> authority.keyAndChain().isExpired(now));
    return found;
  }

  private String value(ObjectNode secret, String key) {
    try {
      byte[] value = Base64.getDecoder().decode(secret.path("data").path(key).asText());
      return new String(value, StandardCharsets.ISO_8859_1);
    } catch (IllegalArgumentException e) {
      // Without the cause, which may quote the value.
      throw new IllegalArgumentException(key + " of " + this + " is no base64");
    }
  }

  private static ObjectNode data(List<Authority> authorities) {
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    String prefix = "";
    for (Authority authority : authorities) {
      data.put(prefix + "ca.crt", base64(Pem.of(List.of(authority.certificate()))));
      data.put(prefix + "ca.key", base64(Pem.reveal(authority.keyAndChain().privateKey())));
      prefix = "previous-";
    }
    return data;
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
  }
}
