package io.github.secretscontroller.samples.backend;

import io.github.secretscontroller.admission.NativeSecretInterceptor;
import io.github.secretscontroller.admission.NativeSecretsConfig;
import io.github.secretscontroller.aws.AwsEnvironment;
import io.github.secretscontroller.aws.KmsEnvelopeWriter;
import io.github.secretscontroller.aws.SecretsManagerSource;
import io.github.secretscontroller.aws.SecretsManagerWriter;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.StagingSecretWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the values of native Secrets go, by {@code WEBHOOK_SECRETS_BACKEND}: {@code
 * secretsmanager}, {@code kms} or {@code directory:/path}. Without it, Secrets Manager if AWS is
 * configured.
 *
 * @param writer what the interceptor writes with
 */
public record SecretsBackend(
    NativeSecretsConfig config, NativeSecretInterceptor interceptor, StagingSecretWriter writer) {

  private static final Logger LOG = LoggerFactory.getLogger(SecretsBackend.class);

  /** Less than a webhook may take, so that it can still say what was wrong. */
  private static final Duration DEADLINE = Duration.ofSeconds(6);

  private static final List<String> IDENTITY =
      List.of(
          "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI");

  /** The backend; empty if there is none, and then Secrets aren't answered for. */
  public static Optional<SecretsBackend> of(Map<String, String> env) throws IOException {
    String backend = env.get("WEBHOOK_SECRETS_BACKEND");
    if (backend == null) {
      boolean aws = env.containsKey("AWS_REGION") && IDENTITY.stream().anyMatch(env::containsKey);
      return aws ? Optional.of(secretsManager(env)) : Optional.empty();
    }
    if (backend.equals("secretsmanager")) {
      return Optional.of(secretsManager(env));
    }
    if (backend.equals("kms")) {
      return Optional.of(kms(env));
    }
    if (backend.startsWith("directory:/")) {
      DirectorySecretStore store =
          new DirectorySecretStore(Path.of(backend.substring("directory:".length())));
      return Optional.of(of(env, "directory", store, store));
    }
    throw new IllegalArgumentException(
        "WEBHOOK_SECRETS_BACKEND must be secretsmanager, kms or directory:/path, not \""
            + backend
            + "\"");
  }

  private static SecretsBackend of(
      Map<String, String> env,
      String name,
      StagingSecretWriter writer,
      @Nullable SecretSource source) {
    NativeSecretsConfig config = NativeSecretsConfig.fromEnvironment(env);
    return new SecretsBackend(
        config, NativeSecretInterceptor.of(config, name, writer, source), writer);
  }

  private static SecretsBackend secretsManager(Map<String, String> env) throws IOException {
    AwsEnvironment aws = AwsEnvironment.of(env).withDeadline(DEADLINE);
    SecretsManagerWriter.Builder writer = SecretsManagerWriter.builder(aws, tokenKey(env));
    String key = env.get("WEBHOOK_KMS_KEY");
    return of(
        env,
        "secretsmanager",
        (key == null ? writer : writer.kmsKeyId(key)).build(),
        SecretsManagerSource.of(aws));
  }

  private static SecretsBackend kms(Map<String, String> env) {
    String key = env.get("WEBHOOK_KMS_KEY");
    if (key == null) {
      throw new IllegalArgumentException(
          "WEBHOOK_KMS_KEY must be the ARN of the key that seals values, since"
              + " WEBHOOK_SECRETS_BACKEND is kms");
    }
    return of(
        env,
        "kms",
        new KmsEnvelopeWriter(AwsEnvironment.of(env).withDeadline(DEADLINE), key),
        null);
  }

  /** All replicas must have the same, or two that race could make two versions of one value. */
  private static byte[] tokenKey(Map<String, String> env) throws IOException {
    String file = env.get("WEBHOOK_TOKEN_KEY");
    if (file != null) {
      return Files.readAllBytes(Path.of(file));
    }
    LOG.warn(
        "WEBHOOK_TOKEN_KEY names no file with 32 random bytes: good for one replica of the webhook"
            + " only");
    byte[] key = new byte[32];
    new SecureRandom().nextBytes(key);
    return key;
  }
}
