package io.github.secretscontroller.aws;

import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.StsClientBuilder;
import software.amazon.awssdk.services.sts.auth.StsWebIdentityTokenFileCredentialsProvider;

/**
 * What the standard AWS variables of a process say: region, endpoints, and which credentials.
 *
 * <p>One kind of credentials is chosen from the variables that are present, and nothing else is
 * tried: a pod whose identity was forgotten must fail, and never fall back to its node's role. In
 * this order: keys ({@code AWS_ACCESS_KEY_ID}, {@code AWS_SECRET_ACCESS_KEY}, {@code
 * AWS_SESSION_TOKEN}); the IAM role of a ServiceAccount ({@code AWS_WEB_IDENTITY_TOKEN_FILE},
 * {@code AWS_ROLE_ARN}); EKS Pod Identity ({@code AWS_CONTAINER_CREDENTIALS_FULL_URI}).
 *
 * <p>Immutable and thread-safe.
 */
public final class AwsEnvironment {

  private final Map<String, String> variables;

  /** Reads the variables of a process, usually {@link System#getenv()}. */
  public AwsEnvironment(Map<String, String> variables) {
    this.variables = Map.copyOf(variables);
  }

  /** {@code AWS_REGION}, or else {@code AWS_DEFAULT_REGION}. */
  public Optional<String> region() {
    return variable("AWS_REGION").or(() -> variable("AWS_DEFAULT_REGION"));
  }

  /** {@code AWS_ENDPOINT_URL_SECRETS_MANAGER}, or else {@code AWS_ENDPOINT_URL}. */
  Optional<URI> secretsManagerEndpoint() {
    return endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER");
  }

  /**
   * Credentials for calls in {@code region}.
   *
   * @throws IllegalArgumentException if the variables name none; the message tells what to set
   */
  AwsCredentialsProvider credentials(String region) {
    Optional<String> keyId = variable("AWS_ACCESS_KEY_ID");
    Optional<String> key = variable("AWS_SECRET_ACCESS_KEY");
    if (keyId.isPresent() && key.isPresent()) {
      return StaticCredentialsProvider.create(
          variable("AWS_SESSION_TOKEN").isPresent()
              ? AwsSessionCredentials.create(
                  keyId.get(), key.get(), variable("AWS_SESSION_TOKEN").get())
              : AwsBasicCredentials.create(keyId.get(), key.get()));
    }
    Optional<String> tokenFile = variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    Optional<String> role = variable("AWS_ROLE_ARN");
    if (tokenFile.isPresent() && role.isPresent()) {
      return StsWebIdentityTokenFileCredentialsProvider.builder()
          .stsClient(stsClient(region))
          .webIdentityTokenFile(Path.of(tokenFile.get()))
          .roleArn(role.get())
          .roleSessionName(variable("AWS_ROLE_SESSION_NAME").orElse("secrets-controller"))
          .build();
    }
    if (variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").isPresent()) {
      return ContainerCredentialsProvider.create();
    }
    throw new IllegalArgumentException(
        "no AWS credentials are configured: give the pod an identity (IRSA or EKS Pod Identity), or"
            + " set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; the node's role is never used");
  }

  private StsClient stsClient(String region) {
    StsClientBuilder sts =
        StsClient.builder()
            .region(Region.of(region))
            // The call is what gets credentials, so it has none.
            .credentialsProvider(AnonymousCredentialsProvider.create())
            .httpClient(AwsHttp.client());
    endpoint("AWS_ENDPOINT_URL_STS").ifPresent(sts::endpointOverride);
    return sts.build();
  }

  private Optional<URI> endpoint(String service) {
    return variable(service).or(() -> variable("AWS_ENDPOINT_URL")).map(URI::create);
  }

  private Optional<String> variable(String name) {
    String value = variables.get(name);
    return value == null || value.isBlank() ? Optional.empty() : Optional.of(value);
  }
}
