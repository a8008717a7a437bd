package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.WriteContext;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.services.secretsmanager.model.Tag;

/**
 * The tags that tell whose a secret is.
 *
 * @param cluster the operator's name for the cluster
 * @param namespace the object's namespace
 * @param name the object's name
 */
record OwnerTags(String cluster, String namespace, String name) {

  static final String MANAGED_BY = "secrets-controller/managed-by";
  static final String CLUSTER = "secrets-controller/cluster";
  static final String NAMESPACE = "secrets-controller/namespace";
  static final String NAME = "secrets-controller/name";
  static final String MANAGER = "secrets-controller";

  static OwnerTags of(WriteContext context) {
    return new OwnerTags(context.cluster(), context.namespace(), context.name());
  }

  List<Tag> tags() {
    return asMap().entrySet().stream()
        .map(tag -> Tag.builder().key(tag.getKey()).value(tag.getValue()).build())
        .toList();
  }

  /** Whether these are among the tags of a secret. */
  boolean describe(List<Tag> tags) {
    return asMap(tags).entrySet().containsAll(asMap().entrySet());
  }

  /** Whether a secret has tags of an owner, whoever that is. */
  static boolean anyIn(List<Tag> tags) {
    return tags.stream()
        .anyMatch(tag -> List.of(MANAGED_BY, CLUSTER, NAMESPACE, NAME).contains(tag.key()));
  }

  /** Whom the tags of a secret name, if we wrote them. */
  static Optional<OwnerTags> ownedBy(List<Tag> tags) {
    Map<String, String> present = asMap(tags);
    if (!MANAGER.equals(present.get(MANAGED_BY))) {
      return Optional.empty();
    }
    return Optional.of(
        new OwnerTags(
            present.getOrDefault(CLUSTER, "?"),
            present.getOrDefault(NAMESPACE, "?"),
            present.getOrDefault(NAME, "?")));
  }

  /** Whom the tags of a secret name, in words. */
  static String ownerIn(List<Tag> tags) {
    return ownedBy(tags).map(OwnerTags::toString).orElse("nobody that its tags name");
  }

  /** In words. */
  @Override
  public String toString() {
    return "Secret " + namespace + "/" + name + " of cluster " + cluster;
  }

  private Map<String, String> asMap() {
    Map<String, String> tags = new LinkedHashMap<>();
    tags.put(MANAGED_BY, MANAGER);
    tags.put(CLUSTER, cluster);
    tags.put(NAMESPACE, namespace);
    tags.put(NAME, name);
    return tags;
  }

  private static Map<String, String> asMap(List<Tag> tags) {
    Map<String, String> map = new LinkedHashMap<>();
    tags.forEach(tag -> map.put(tag.key(), tag.value()));
    return map;
  }
}
