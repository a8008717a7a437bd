package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.InvalidRequestException;
import software.amazon.awssdk.services.secretsmanager.model.ResourceNotFoundException;

/** Finds secrets, and acts on them only for their owner. Thread-safe, as the client is. */
final class OwnedSecrets {

  private final SecretsManagerClient client;

  OwnedSecrets(SecretsManagerClient client) {
    this.client = client;
  }

  static <T> T translated(SecretReference reference, Supplier<T> calls) {
    try {
      return calls.get();
    } catch (SecretException e) {
      throw e;
    } catch (RuntimeException e) {
      throw AwsFailures.writing(reference, e);
    }
  }

  /** Acts on a secret if there is one, and refuses if it isn't the owner's. */
  void act(SecretReference reference, WriteContext owner, Consumer<DescribeSecretResponse> action) {
    translated(
        reference,
        () -> {
          Optional<DescribeSecretResponse> secret = describe(reference);
          if (secret.isPresent()) {
            require(reference, secret.get(), owner);
            action.accept(secret.get());
          }
          return secret;
        });
  }

  Optional<DescribeSecretResponse> describe(SecretReference reference) {
    try {
      return Optional.of(client.describeSecret(request -> request.secretId(reference.id())));
    } catch (ResourceNotFoundException e) {
      return Optional.empty();
    } catch (InvalidRequestException e) {
      // Some answer so for a secret that is scheduled for deletion.
      throw AwsFailures.writing(reference, e);
    }
  }

  static void require(
      SecretReference reference, DescribeSecretResponse secret, WriteContext context) {
    OwnerTags owner = OwnerTags.of(context);
    if (!owner.describe(secret.tags())) {
      throw new SecretException.InvalidRequest(
          reference,
          "the AWS secret "
              + reference.name()
              + " belongs to "
              + OwnerTags.ownerIn(secret.tags())
              + ", not to "
              + owner
              + (OwnerTags.anyIn(secret.tags())
                  ? "; choose another name, or take the owner's tags off if nothing uses it"
                  : "; choose another name, or let the operator adopt existing secrets"),
          null);
    }
  }
}
