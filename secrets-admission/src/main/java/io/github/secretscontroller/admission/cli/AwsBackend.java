package io.github.secretscontroller.admission.cli;

import io.github.secretscontroller.core.StagingSecretWriter;
import java.lang.reflect.InvocationTargetException;
import java.util.Map;

/**
 * AWS, as far as the program knows it. The library of this module knows none: whoever embeds it
 * gets no SDK, and the compiler doesn't see {@code secrets-aws}. Only the program's jar has it, so
 * its writer is made by name; that is a name written here, and no search of the class path.
 */
final class AwsBackend {

  private static final String PACKAGE = "io.github.secretscontroller.aws.";

  private AwsBackend() {}

  /** What the interceptor writes with; it only lists and deletes here. */
  static StagingSecretWriter secretsManager(Map<String, String> environment) throws UsageException {
    try {
      Class<?> variables = Class.forName(PACKAGE + "AwsEnvironment");
      Object aws = variables.getMethod("of", Map.class).invoke(null, environment);
      // No version is made, so that no token is: any key will do.
      Object builder =
          Class.forName(PACKAGE + "SecretsManagerWriter")
              .getMethod("builder", variables, byte[].class)
              .invoke(null, aws, new byte[32]);
      return (StagingSecretWriter) builder.getClass().getMethod("build").invoke(builder);
    } catch (InvocationTargetException e) {
      // A variable that is missing or contradicts another one.
      throw new UsageException(String.valueOf(e.getTargetException().getMessage()));
    } catch (ReflectiveOperationException e) {
      throw new UsageException(
          "secrets-aws isn't on the class path; secrets-admission-cli.jar has it");
    }
  }
}
