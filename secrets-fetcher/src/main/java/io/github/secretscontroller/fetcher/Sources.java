package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.aws.AwsEnvironment;
import io.github.secretscontroller.aws.ParameterStoreSource;
import io.github.secretscontroller.aws.SecretsManagerSource;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Map;

/** Where the program as it ships reads secrets. */
final class Sources {

  static final String VARIABLE = "SECRETS_SOURCE";

  private static final String DIRECTORY = "directory:";

  private Sources() {}

  /**
   * Opens the source that the environment names.
   *
   * @throws IllegalArgumentException if it names none that there is
   */
  static SecretSource open(Map<String, String> environment) {
    String name = environment.getOrDefault(VARIABLE, "");
    if (name.isEmpty()) {
      AwsEnvironment aws = AwsEnvironment.of(environment);
      return SecretSource.routing(
          Map.of(
              SecretReference.SECRETS_MANAGER, SecretsManagerSource.of(aws),
              SecretReference.PARAMETER_STORE, ParameterStoreSource.of(aws)));
    }
    if (name.startsWith(DIRECTORY) && name.length() > DIRECTORY.length()) {
      try {
        return new DirectorySecretStore(Path.of(name.substring(DIRECTORY.length())));
      } catch (InvalidPathException e) {
        throw new IllegalArgumentException(
            VARIABLE + ": \"" + name + "\" names no path: " + e.getReason(), e);
      }
    }
    throw new IllegalArgumentException(
        VARIABLE
            + " must be directory:/path, or not set for AWS Secrets Manager, not \""
            + name
            + "\"");
  }
}
