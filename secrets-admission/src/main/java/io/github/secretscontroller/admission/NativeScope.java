package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which Secrets are intercepted: those that ask, and those in namespaces that the operator names.
 */
final class NativeScope {

  /** As a label or an annotation, {@code enabled} asks for interception. */
  static final String NATIVE = "secrets.k8s.aws/native";

  private static final String ENABLED = "enabled";

  /** The cluster's own; a reference in their place would break it. */
  private static final Set<String> NEVER =
      Set.of(
          "kubernetes.io/service-account-token",
          "bootstrap.kubernetes.io/token",
          "helm.sh/release.v1");

  private static final Map<String, String> READ_IN_PLAIN =
      Map.of(
          "kubernetes.io/tls",
          "ingress controllers and the like read certificates from the API server",
          "kubernetes.io/dockerconfigjson",
          "kubelet reads registry passwords from the API server",
          "kubernetes.io/dockercfg",
          "kubelet reads registry passwords from the API server");

  private final NativeSecretsConfig config;

  NativeScope(NativeSecretsConfig config) {
    this.config = config;
  }

  /**
   * What is to be done about a Secret.
   *
   * @param intercepted whether references take the place of its values
   * @param asked whether it asked for that itself
   * @param refusal why it can't be stored as it is, or {@code null}
   */
  record Scope(boolean intercepted, boolean asked, @Nullable String refusal) {
    private static final Scope LEFT_ALONE = new Scope(false, false, null);
    private static final Scope ASKED = new Scope(true, true, null);
    private static final Scope INCLUDED = new Scope(true, false, null);

    private static Scope refused(String reason) {
      return new Scope(false, true, reason);
    }
  }

  Scope of(SecretReview review) {
    if (config.excludes(review.namespace())) {
      return Scope.LEFT_ALONE;
    }
    if (config.isNase()) {
      return review.subject().path("data").has(NativeLayout.NASE_KEY)
              || review.subject().path("stringData").has(NativeLayout.NASE_KEY)
          ? Scope.INCLUDED
          : Scope.LEFT_ALONE;
    }
    JsonNode metadata = review.subject().path("metadata");
    for (String where : new String[] {"labels", "annotations"}) {
      String value = metadata.path(where).path(NATIVE).asText(ENABLED);
      if (!value.equals(ENABLED) && !value.equals("disabled")) {
        return Scope.refused(
            "it has " + NATIVE + ": \"" + value + "\" in its " + where + "; write enabled");
      }
    }
    // A Secret that was native stays so: taking the label away must not let its values through.
    boolean asks = asks(review.subject()) || asks(review.old()) || NativeRecord.isOn(review.old());
    boolean included = config.includes(review.namespace());
    String type = review.subject().path("type").asText("Opaque");
    if (!(asks || included) || NEVER.contains(type)) {
      return Scope.LEFT_ALONE;
    }
    String reason = READ_IN_PLAIN.get(type);
    if (reason != null) {
      return asks
          ? Scope.refused(
              "it asks for "
                  + NATIVE
                  + ", but its type is "
                  + type
                  + ", and "
                  + reason
                  + ", where they would find a reference; remove "
                  + NATIVE
                  + ", or use type Opaque")
          : Scope.LEFT_ALONE;
    }
    return asks ? Scope.ASKED : Scope.INCLUDED;
  }

  /** Warnings about labels and annotations that look like ours, but aren't. */
  static List<String> nearMisses(SecretReview review) {
    List<String> warnings = new ArrayList<>();
    JsonNode metadata = review.subject().path("metadata");
    for (String where : new String[] {"labels", "annotations"}) {
      metadata
          .path(where)
          .fieldNames()
          .forEachRemaining(
              key -> {
                if (!key.equals(NATIVE) && NearMiss.isWithin(2, key, NATIVE)) {
                  warnings.add(
                      review.describe()
                          + " has "
                          + key
                          + " in its "
                          + where
                          + ", which means nothing; "
                          + NATIVE
                          + " keeps its values out of etcd");
                }
              });
    }
    return warnings;
  }

  private static boolean asks(JsonNode secret) {
    JsonNode metadata = secret.path("metadata");
    return metadata.path("labels").path(NATIVE).asText().equals(ENABLED)
        || metadata.path("annotations").path(NATIVE).asText().equals(ENABLED)
        || NativeRecord.isOn(secret);
  }
}
