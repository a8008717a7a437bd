package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClientBuilder;
import software.amazon.awssdk.services.secretsmanager.model.DescribeSecretResponse;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueRequest;
import software.amazon.awssdk.services.secretsmanager.model.GetSecretValueResponse;

/**
 * Reads from AWS Secrets Manager, by ARN or name, strings and binary secrets alike.
 *
 * <p>The region is the ARN's, or else the environment's; there is one client per region, made when
 * it is first needed. Thread-safe.
 */
public final class SecretsManagerSource implements SecretSource {

  private static final String CURRENT = "AWSCURRENT";

  private final AwsEnvironment environment;
  private final Map<String, SecretsManagerClient> clientByRegion = new ConcurrentHashMap<>();

  /** A source with the region, endpoint and credentials of an environment. */
  public SecretsManagerSource(AwsEnvironment environment) {
    this.environment = environment;
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    GetSecretValueResponse response;
    try {
      response =
          client(reference)
              .getSecretValue(
                  GetSecretValueRequest.builder()
                      .secretId(reference.id())
                      .versionId(reference.versionId())
                      .versionStage(reference.versionStage())
                      .build());
    } catch (SdkException e) {
      throw AwsFailures.translate(reference, e);
    }
    byte[] content =
        response.secretString() != null
            ? response.secretString().getBytes(StandardCharsets.UTF_8)
            : response.secretBinary().asByteArray();
    try {
      return new SecretValue(
          content,
          SecretReference.parse(response.arn()),
          response.versionId(),
          Set.copyOf(response.versionStages()),
          response.createdDate());
    } finally {
      Arrays.fill(content, (byte) 0);
    }
  }

  @Override
  public String currentVersion(SecretReference reference) {
    DescribeSecretResponse secret;
    try {
      secret = client(reference).describeSecret(request -> request.secretId(reference.id()));
    } catch (SdkException e) {
      throw AwsFailures.translate(reference, e);
    }
    String wanted = reference.versionStage() == null ? CURRENT : reference.versionStage();
    String versionId = reference.versionId();
    return secret.versionIdsToStages().entrySet().stream()
        .filter(
            version ->
                versionId == null
                    ? version.getValue().contains(wanted)
                    : version.getKey().equals(versionId))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () ->
                new SecretException.NotFound(
                    reference, "there is no such version: " + reference.describe(), null));
  }

  @Override
  public void close() {
    clientByRegion.values().forEach(SecretsManagerClient::close);
    clientByRegion.clear();
  }

  private SecretsManagerClient client(SecretReference reference) {
    String region =
        reference
            .region()
            .or(environment::region)
            .orElseThrow(
                () ->
                    new SecretException.InvalidRequest(
                        reference,
                        "no region is known for "
                            + reference.describe()
                            + "; name the secret by its ARN, or set AWS_REGION",
                        null));
    try {
      return clientByRegion.computeIfAbsent(region, this::newClient);
    } catch (IllegalArgumentException e) {
      throw new SecretException.AccessDenied(reference, String.valueOf(e.getMessage()), e);
    }
  }

  private SecretsManagerClient newClient(String region) {
    SecretsManagerClientBuilder builder =
        SecretsManagerClient.builder()
            .region(Region.of(region))
            .credentialsProvider(environment.credentials(region))
            .httpClient(AwsHttp.client());
    environment.secretsManagerEndpoint().ifPresent(builder::endpointOverride);
    return builder.build();
  }
}
