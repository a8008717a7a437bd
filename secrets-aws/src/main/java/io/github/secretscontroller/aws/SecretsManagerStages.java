package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.StagingSecretWriter.Written;
import io.github.secretscontroller.core.WriteContext;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.Filter;
import software.amazon.awssdk.services.secretsmanager.model.FilterNameStringType;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.ListSecretsRequest;
import software.amazon.awssdk.services.secretsmanager.model.PutSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;
import software.amazon.awssdk.services.secretsmanager.model.SecretListEntry;
import software.amazon.awssdk.services.secretsmanager.model.Tag;

/**
 * Which version of a secret stands where, told by staging labels: {@link #ADMITTED} is on the one
 * that was staged last, {@link #STORED} on the one that was promoted last, or was current from the
 * start, and {@link #REFERENCED} on one that an object refers to that was not promoted yet. The
 * labels also keep AWS from removing these versions as deprecated.
 *
 * @see <a
 *     href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html#term_version">Versions
 *     and their labels</a>
 */
final class SecretsManagerStages {

  static final String CURRENT = "AWSCURRENT";
  static final String ADMITTED = "secrets-controller/admitted";
  static final String STORED = "secrets-controller/stored";
  static final String REFERENCED = "secrets-controller/referenced";
  static final String MARK = "secrets-controller/deleted-at";

  private final SecretsManagerClient client;
  private final WriteTokens tokens;

  SecretsManagerStages(SecretsManagerClient client, WriteTokens tokens) {
    this.client = client;
    this.tokens = tokens;
  }

  /**
   * Puts a version without moving {@code AWSCURRENT}, unless the value is there. Afterwards both it
   * and the previous one, which stays referred to if the object is rejected, have a label of ours.
   *
   * @return its id; empty if somebody else was faster
   */
  Optional<String> put(DescribeSecretResponse secret, byte[] value, WriteContext context) {
    Optional<String> present = holding(secret, value, context);
    if (present.isPresent()) {
      return keep(secret, present.get());
    }
    keepPrevious(secret, context);
    String replaced =
        previousVersion(secret, context).or(() -> versionAt(secret, CURRENT)).orElse("");
    SecretContent content = SecretContent.of(value);
    try {
      PutSecretValueResponse put =
          client.putSecretValue(
              request ->
                  request
                      .secretId(secret.arn())
                      .clientRequestToken(tokens.token(secret.arn(), replaced, value))
                      .versionStages(ADMITTED)
                      .secretString(content.string())
                      .secretBinary(content.binary()));
      // AWS takes a token that it knows for a repetition, and moves no label.
      return put.versionStages().contains(ADMITTED)
          ? Optional.of(put.versionId())
          : admit(secret, put.versionId());
    } catch (ResourceExistsException somebodyWasFaster) {
      return Optional.empty();
    }
  }

  /**
   * Notes that a version is current without being promoted, lest {@link #promote} move {@code
   * AWSCURRENT} back to it after a rotation. Does nothing if the label is in use.
   */
  void currentFromTheStart(String arn, String versionId) {
    try {
      move(arn, STORED, versionId, null);
    } catch (InvalidParameterException somebodyWasFaster) {
      // Another version was promoted since, which tells more.
    }
  }

  private Optional<String> keep(DescribeSecretResponse secret, String versionId) {
    List<String> labels = secret.versionIdsToStages().getOrDefault(versionId, List.of());
    if (labels.contains(CURRENT) && versionAt(secret, STORED).isEmpty()) {
      currentFromTheStart(secret.arn(), versionId);
      return Optional.of(versionId);
    }
    return labels.contains(ADMITTED) || labels.contains(STORED) || labels.contains(REFERENCED)
        ? Optional.of(versionId)
        : admit(secret, versionId);
  }

  private Optional<String> admit(DescribeSecretResponse secret, String versionId) {
    try {
      move(secret.arn(), ADMITTED, versionId, versionAt(secret, ADMITTED).orElse(null));
      return Optional.of(versionId);
    } catch (InvalidParameterException somebodyWasFaster) {
      return Optional.empty();
    }
  }

  /** Once {@link #ADMITTED} moves on, nothing else may be on the version that is referred to. */
  private void keepPrevious(DescribeSecretResponse secret, WriteContext context) {
    Optional<String> previous = previousVersion(secret, context);
    List<String> labels =
        previous
            .map(version -> secret.versionIdsToStages().getOrDefault(version, List.of()))
            .orElse(List.of());
    if (previous.isEmpty() || labels.contains(STORED) || labels.contains(REFERENCED)) {
      return;
    }
    try {
      move(secret.arn(), REFERENCED, previous.get(), versionAt(secret, REFERENCED).orElse(null));
    } catch (ResourceNotFoundException removed) {
      // Nothing is left to keep.
    } catch (InvalidParameterException removedOrMoved) {
      // Or somebody else, who replaces the same version, was faster.
    }
  }

  /** The id of a version with these bytes: the previous one, the last staged or the current. */
  Optional<String> holding(DescribeSecretResponse secret, byte[] value, WriteContext context) {
    Set<String> candidates = new LinkedHashSet<>();
    previousVersion(secret, context).ifPresent(candidates::add);
    versionAt(secret, ADMITTED).ifPresent(candidates::add);
    versionAt(secret, CURRENT).ifPresent(candidates::add);
    return candidates.stream().filter(id -> holds(secret.arn(), id, value)).findFirst();
  }

  /** The version that the object refers to, if that is one of this very secret. */
  private static Optional<String> previousVersion(
      DescribeSecretResponse secret, WriteContext context) {
    return context
        .previous()
        .filter(previous -> isFor(secret, previous.id()))
        .map(SecretReference::versionId);
  }

  /** Whether it is the ARN, with or without the random suffix, or the name. */
  private static boolean isFor(DescribeSecretResponse secret, String id) {
    return id.equals(secret.arn())
        || id.equals(secret.name())
        || id.equals(SecretNames.withoutRandomSuffix(secret.arn()));
  }

  private static Optional<String> versionAt(DescribeSecretResponse secret, String stage) {
    return secret.versionIdsToStages().entrySet().stream()
        .filter(version -> version.getValue().contains(stage))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  boolean exists(DescribeSecretResponse secret, String versionId) {
    return secret.versionIdsToStages().containsKey(versionId)
        || client
            .listSecretVersionIdsPaginator(
                request -> request.secretId(secret.arn()).includeDeprecated(true))
            .stream()
            .flatMap(page -> page.versions().stream())
            .anyMatch(version -> version.versionId().equals(versionId));
  }

  /** Does nothing for a version that was promoted before, lest it undo a rotation. */
  void promote(DescribeSecretResponse secret, String versionId) {
    Optional<String> stored = versionAt(secret, STORED);
    if (stored.filter(versionId::equals).isPresent()) {
      return;
    }
    Optional<String> current = versionAt(secret, CURRENT);
    if (current.filter(versionId::equals).isEmpty()) {
      move(secret.arn(), CURRENT, versionId, current.orElse(null));
    }
    move(secret.arn(), STORED, versionId, stored.orElse(null));
  }

  private void move(String arn, String stage, String to, @Nullable String from) {
    client.updateSecretVersionStage(
        request ->
            request
                .secretId(arn)
                .versionStage(stage)
                .moveToVersionId(to)
                .removeFromVersionId(from));
  }

  void mark(String arn, Instant when) {
    client.tagResource(
        request ->
            request.secretId(arn).tags(Tag.builder().key(MARK).value(when.toString()).build()));
  }

  void unmark(DescribeSecretResponse secret) {
    if (secret.tags().stream().anyMatch(tag -> tag.key().equals(MARK))) {
      client.untagResource(request -> request.secretId(secret.arn()).tagKeys(MARK));
    }
  }

  List<Written> inventory(String cluster) {
    List<Written> inventory = new ArrayList<>();
    ListSecretsRequest ours =
        ListSecretsRequest.builder()
            .includePlannedDeletion(true)
            .filters(
                Filter.builder()
                    .key(FilterNameStringType.TAG_KEY)
                    .values(OwnerTags.CLUSTER)
                    .build(),
                Filter.builder().key(FilterNameStringType.TAG_VALUE).values(cluster).build())
            .build();
    for (SecretListEntry secret : list(ours)) {
      OwnerTags.ownedBy(secret.tags())
          .filter(owner -> owner.cluster().equals(cluster))
          .ifPresent(
              owner ->
                  inventory.add(
                      new Written(
                          SecretReference.parse(secret.arn()),
                          WriteContext.of(owner.cluster(), owner.namespace(), owner.name()),
                          secret.deletedDate() != null,
                          markedAt(secret.tags()))));
    }
    return inventory;
  }

  private List<SecretListEntry> list(ListSecretsRequest request) {
    return client.listSecretsPaginator(request).stream()
        .flatMap(page -> page.secretList().stream())
        .toList();
  }

  private static @Nullable Instant markedAt(List<Tag> tags) {
    for (Tag tag : tags) {
      if (tag.key().equals(MARK)) {
        try {
          return Instant.parse(tag.value());
        } catch (DateTimeParseException writtenByHand) {
          return null;
        }
      }
    }
    return null;
  }

  private boolean holds(String arn, String versionId, byte[] value) {
    try {
      return SecretContent.of(
              client.getSecretValue(request -> request.secretId(arn).versionId(versionId)))
          .holds(value);
    } catch (ResourceNotFoundException removed) {
      return false;
    } catch (InvalidRequestException withoutValue) {
      return false;
    }
  }
}
