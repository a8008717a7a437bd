package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.BatchGetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.SecretValueEntry;

/**
 * Reads current versions by BatchGetSecretValue. Whatever isn't answered, for whatever reason, is
 * left out, for the caller to read singly and so to find out why.
 *
 * @see <a
 *     href="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_BatchGetSecretValue.html">BatchGetSecretValue</a>
 */
final class BatchReader {

  private static final int SECRETS_PER_CALL = 20;

  private final RegionalClients<SecretsManagerClient> clients;

  BatchReader(RegionalClients<SecretsManagerClient> clients) {
    this.clients = clients;
  }

  /** What could be read of {@code wholes}; a modifiable map. */
  Map<SecretReference, SecretResult> read(Collection<SecretReference> wholes, Deadline deadline) {
    Map<String, List<SecretReference>> byRegion = new HashMap<>();
    for (SecretReference whole : wholes) {
      // The call has no parameter for a version. One secret alone is no batch.
      if (whole.versionId() == null && whole.versionStage() == null) {
        try {
          byRegion.computeIfAbsent(clients.regionOf(whole), r -> new ArrayList<>()).add(whole);
        } catch (SecretException e) {
          // Without a region; the single read tells so.
        }
      }
    }
    Map<SecretReference, SecretResult> results = new HashMap<>();
    for (List<SecretReference> region : byRegion.values()) {
      for (List<SecretReference> chunk : Batches.chunks(region, SECRETS_PER_CALL)) {
        if (chunk.size() > 1 && !deadline.isOver()) {
          readChunk(chunk, deadline, results);
        }
      }
    }
    return results;
  }

  private void readChunk(
      List<SecretReference> chunk, Deadline deadline, Map<SecretReference, SecretResult> results) {
    List<String> ids = chunk.stream().map(SecretReference::id).distinct().toList();
    try {
      SecretsManagerClient client = clients.clientFor(chunk.get(0));
      String token = null;
      do {
        String page = token;
        BatchGetSecretValueResponse response =
            client.batchGetSecretValue(
                request ->
                    request
                        .secretIdList(ids)
                        .nextToken(page)
                        .overrideConfiguration(o -> o.apiCallTimeout(deadline.remaining())));
        for (SecretValueEntry entry : response.secretValues()) {
          accept(entry, chunk, results);
        }
        token = response.nextToken();
      } while (token != null && !token.isEmpty());
    } catch (RuntimeException e) {
      // Denied, throttled or broken: the single reads either work or tell what is wrong.
    }
  }

  private static void accept(
      SecretValueEntry entry,
      List<SecretReference> chunk,
      Map<SecretReference, SecretResult> results) {
    for (SecretReference reference : chunk) {
      if (names(reference, entry) && !results.containsKey(reference)) {
        results.put(
            reference,
            new SecretResult.Fetched(
                SecretsManagerSource.value(
                    reference,
                    entry.arn(),
                    entry.versionId(),
                    entry.versionStages(),
                    entry.createdDate(),
                    entry.secretString(),
                    entry.secretBinary())));
      }
    }
  }

  /** Answers come in any order, under the full ARN and the name, whatever was asked for. */
  private static boolean names(SecretReference reference, SecretValueEntry entry) {
    if (reference.isArn()) {
      boolean sameAccount =
          SecretReference.parse(entry.arn()).accountId().equals(reference.accountId());
      return reference.id().equals(entry.arn())
          || (sameAccount && reference.name().equals(entry.name()));
    }
    return reference.id().equals(entry.name());
  }
}
