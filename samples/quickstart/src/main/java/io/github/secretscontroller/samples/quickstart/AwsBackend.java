package io.github.secretscontroller.samples.quickstart;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * AWS Secrets Manager, or an emulator of it.
 *
 * <p>{@code SECRET_ARN} names the secret to read. Without it, and only where {@code
 * AWS_ENDPOINT_URL} names an emulator, a secret is written first and deleted in the end.
 */
final class AwsBackend implements Backend {

  /** What an operator passes on: where AWS is. */
  private static final List<String> OPERATOR_VARIABLES =
      List.of(
          "AWS_ENDPOINT_URL",
          "AWS_ENDPOINT_URL_SECRETS_MANAGER",
          "AWS_REGION",
          "AWS_DEFAULT_REGION");

  /** What EKS gives to a pod, and what stands for it outside of a cluster: who one is. */
  private static final List<String> IDENTITY_VARIABLES =
      List.of(
          "AWS_ACCESS_KEY_ID",
          "AWS_SECRET_ACCESS_KEY",
          "AWS_SESSION_TOKEN",
          "AWS_WEB_IDENTITY_TOKEN_FILE",
          "AWS_ROLE_ARN",
          "AWS_CONTAINER_CREDENTIALS_FULL_URI",
          "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

  private final Map<String, String> environment;
  private final String secret;
  private final @Nullable SecretsManagerClient emulator;

  private AwsBackend(
      Map<String, String> environment, String secret, @Nullable SecretsManagerClient emulator) {
    this.environment = environment;
    this.secret = secret;
    this.emulator = emulator;
  }

  static boolean isConfigured(Map<String, String> environment) {
    return environment.containsKey("AWS_ENDPOINT_URL")
        || IDENTITY_VARIABLES.stream().anyMatch(environment::containsKey);
  }

  static AwsBackend create(Map<String, String> environment) throws IOException {
    String secret = environment.get("SECRET_ARN");
    if (secret != null) {
      return new AwsBackend(environment, secret, null);
    }
    String endpoint = environment.get("AWS_ENDPOINT_URL");
    if (endpoint == null) {
      throw new IOException(
          "AWS credentials are in the environment: set SECRET_ARN to a secret that they may read"
              + " and that may be printed here, or unset them to run without AWS");
    }
    SecretsManagerClient emulator =
        SecretsManagerClient.builder()
            .endpointOverride(URI.create(endpoint))
            .region(Region.of(environment.getOrDefault("AWS_REGION", "us-east-1")))
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            .httpClient(UrlConnectionHttpClient.create())
            .build();
    String arn =
        emulator
            .createSecret(
                request ->
                    request.name("quickstart/" + UUID.randomUUID()).secretString(EXAMPLE_VALUE))
            .arn();
    return new AwsBackend(environment, arn, emulator);
  }

  @Override
  public Map<String, String> operatorEnvironment() {
    return only(OPERATOR_VARIABLES);
  }

  @Override
  public Map<String, String> podIdentity() {
    Map<String, String> identity = only(IDENTITY_VARIABLES);
    if (identity.isEmpty()) {
      // An emulator takes anybody, but the protocol wants a signature.
      return Map.of("AWS_ACCESS_KEY_ID", "test", "AWS_SECRET_ACCESS_KEY", "test");
    }
    return identity;
  }

  @Override
  public byte[] adapt(byte[] admissionReview) {
    return new String(admissionReview, StandardCharsets.UTF_8)
        .replace(RECORDED_ARN, secret)
        .getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    if (emulator != null) {
      emulator.deleteSecret(request -> request.secretId(secret).forceDeleteWithoutRecovery(true));
      emulator.close();
    }
  }

  private Map<String, String> only(List<String> names) {
    Map<String, String> found = new LinkedHashMap<>();
    for (String name : names) {
      String value = environment.get(name);
      if (value != null) {
        found.put(name, value);
      }
    }
    return found;
  }
}
