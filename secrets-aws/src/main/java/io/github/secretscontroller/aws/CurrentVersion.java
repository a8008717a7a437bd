package io.github.secretscontroller.aws;

import java.util.Optional;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.InvalidParameterException;
import software.amazon.awssdk.services.secretsmanager.model.PutSecretValueResponse;
import software.amazon.awssdk.services.secretsmanager.model.ResourceExistsException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;

/** Writes the version that everybody reads who names none. Thread-safe, as the client is. */
final class CurrentVersion {

  private final SecretsManagerClient client;
  private final WriteTokens tokens;

  CurrentVersion(SecretsManagerClient client, WriteTokens tokens) {
    this.client = client;
    this.tokens = tokens;
  }

  /**
   * Puts a value, unless it is there.
   *
   * @return the version's id; empty if somebody else was faster
   */
  Optional<String> put(String arn, byte[] value) {
    GetSecretValueResponse current = current(arn);
    if (current != null && SecretContent.of(current).holds(value)) {
      return Optional.of(current.versionId());
    }
    String replaced = current == null ? "" : current.versionId();
    SecretContent content = SecretContent.of(value);
    try {
      PutSecretValueResponse put =
          client.putSecretValue(
              request ->
                  request
                      .secretId(arn)
                      .clientRequestToken(tokens.token(arn, replaced, value))
                      .secretString(content.string())
                      .secretBinary(content.binary()));
      boolean done =
          current == null
              || put.versionStages().contains(SecretsManagerStages.CURRENT)
              || makeCurrentAgain(arn, put.versionId(), replaced);
      return done ? Optional.of(put.versionId()) : Optional.empty();
    } catch (ResourceExistsException somebodyWasFaster) {
      return Optional.empty();
    }
  }

  /**
   * Once a version was put, and somebody moved {@code AWSCURRENT} back to the version before it,
   * putting it again has the same token: AWS takes it for a repetition, and moves nothing.
   *
   * @return whether it was moved; not if another version became current in between
   * @see <a
   *     href="https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html">UpdateSecretVersionStage</a>
   */
  private boolean makeCurrentAgain(String arn, String version, String replaced) {
    try {
      client.updateSecretVersionStage(
          request ->
              request
                  .secretId(arn)
                  .versionStage(SecretsManagerStages.CURRENT)
                  .moveToVersionId(version)
                  .removeFromVersionId(replaced));
      return true;
    } catch (InvalidParameterException somebodyWasFaster) {
      return false;
    }
  }

  private @Nullable GetSecretValueResponse current(String arn) {
    try {
      return client.getSecretValue(
          request -> request.secretId(arn).versionStage(SecretsManagerStages.CURRENT));
    } catch (ResourceNotFoundException noValueYet) {
      return null;
    }
  }
}
