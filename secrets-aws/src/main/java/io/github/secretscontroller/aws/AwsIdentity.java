package io.github.secretscontroller.aws;

import java.nio.file.Path;
import java.util.Optional;
import java.util.function.BiFunction;
import software.amazon.awssdk.auth.credentials.AnonymousCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.auth.credentials.AwsSessionCredentials;
import software.amazon.awssdk.auth.credentials.ContainerCredentialsProvider;
import software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider;
import software.amazon.awssdk.auth.credentials.InstanceProfileCredentialsProvider;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.services.sts.StsClient;
import software.amazon.awssdk.services.sts.auth.StsWebIdentityTokenFileCredentialsProvider;

/**
 * Whose credentials are used. One kind is chosen from the variables that are present, and nothing
 * else is tried: a pod whose identity was forgotten must fail, and not fall back to the role of its
 * node, which may read what the pod must not.
 *
 * <table>
 *   <caption>The first row that applies is chosen</caption>
 *   <tr><th>variables</th><th>credentials</th></tr>
 *   <tr><td>{@code SECRETS_AWS_CREDENTIALS=instance-metadata}</td><td>the node's role</td></tr>
 *   <tr><td>{@code SECRETS_AWS_CREDENTIALS=default-chain}</td>
 *       <td>whatever the SDK's own chain finds, the node's role included</td></tr>
 *   <tr><td>{@code AWS_ACCESS_KEY_ID}, {@code AWS_SECRET_ACCESS_KEY} and, for temporary ones,
 *       {@code AWS_SESSION_TOKEN}</td><td>these keys</td></tr>
 *   <tr><td>{@code AWS_WEB_IDENTITY_TOKEN_FILE}, {@code AWS_ROLE_ARN}</td>
 *       <td>the IAM role of the pod's ServiceAccount (IRSA)</td></tr>
 *   <tr><td>{@code AWS_CONTAINER_CREDENTIALS_FULL_URI} or {@code ..._RELATIVE_URI}</td>
 *       <td>EKS Pod Identity, or the task role of ECS; the SDK reads these two from the process's
 *       own environment</td></tr>
 * </table>
 *
 * <p>Immutable and thread-safe.
 */
public final class AwsIdentity {

  private static final String MODE = "SECRETS_AWS_CREDENTIALS";

  private final String description;
  private final BiFunction<String, AwsResources, AwsCredentialsProvider> provider;

  private AwsIdentity(
      String description, BiFunction<String, AwsResources, AwsCredentialsProvider> provider) {
    this.description = description;
    this.provider = provider;
  }

  /**
   * Chooses.
   *
   * @throws IllegalArgumentException if nothing applies; the message tells what to set
   */
  static AwsIdentity choose(AwsEnvironment environment) {
    String mode = environment.variable(MODE).orElse("environment");
    switch (mode) {
      case "environment" -> {}
      case "instance-metadata" -> {
        return new AwsIdentity(
            "the node's role, from instance metadata",
            (region, resources) -> InstanceProfileCredentialsProvider.create());
      }
      case "default-chain" -> {
        return new AwsIdentity(
            "the SDK's default chain",
            (region, resources) -> DefaultCredentialsProvider.builder().build());
      }
      default ->
          throw new IllegalArgumentException(
              MODE
                  + " must be environment, instance-metadata or default-chain, not \""
                  + mode
                  + "\"");
    }
    Optional<String> keyId = environment.variable("AWS_ACCESS_KEY_ID");
    Optional<String> key = environment.variable("AWS_SECRET_ACCESS_KEY");
    if (keyId.isPresent() && key.isPresent()) {
      return staticKeys(keyId.get(), key.get(), environment.variable("AWS_SESSION_TOKEN"));
    }
    Optional<String> tokenFile = environment.variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    Optional<String> role = environment.variable("AWS_ROLE_ARN");
    if (tokenFile.isPresent() && role.isPresent()) {
      return webIdentity(environment, Path.of(tokenFile.get()), role.get());
    }
    if (environment.variable("AWS_CONTAINER_CREDENTIALS_FULL_URI").isPresent()
        || environment.variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").isPresent()) {
      return new AwsIdentity(
          "EKS Pod Identity", (region, resources) -> ContainerCredentialsProvider.create());
    }
    throw new IllegalArgumentException(nothingFound(keyId, key, tokenFile, role));
  }

  /** What was chosen, for a log or a status: the kind and its role, never a key or a token. */
  public String describe() {
    return description;
  }

  /** Credentials for calls in {@code region}; what they need is closed with {@code resources}. */
  AwsCredentialsProvider provider(String region, AwsResources resources) {
    return provider.apply(region, resources);
  }

  /** As {@link #describe}. */
  @Override
  public String toString() {
    return "AwsIdentity[" + description + "]";
  }

  private static AwsIdentity staticKeys(String keyId, String key, Optional<String> sessionToken) {
    AwsCredentialsProvider provider =
        StaticCredentialsProvider.create(
            sessionToken.isPresent()
                ? AwsSessionCredentials.create(keyId, key, sessionToken.get())
                : AwsBasicCredentials.create(keyId, key));
    return new AwsIdentity("keys from AWS_ACCESS_KEY_ID", (region, resources) -> provider);
  }

  private static AwsIdentity webIdentity(AwsEnvironment environment, Path tokenFile, String role) {
    return new AwsIdentity(
        "IRSA, role " + role,
        (region, resources) -> {
          // The call is what gets credentials, so it has none itself.
          StsClient sts =
              environment.client(
                  StsClient.builder(),
                  "STS",
                  region,
                  AnonymousCredentialsProvider.create(),
                  resources);
          StsWebIdentityTokenFileCredentialsProvider credentials =
              StsWebIdentityTokenFileCredentialsProvider.builder()
                  .stsClient(sts)
                  .webIdentityTokenFile(tokenFile)
                  .roleArn(role)
                  .roleSessionName(
                      environment.variable("AWS_ROLE_SESSION_NAME").orElse("secrets-controller"))
                  .build();
          resources.own(credentials);
          resources.own(sts);
          return new AwaitedToken(tokenFile, credentials);
        });
  }

  private static String nothingFound(
      Optional<String> keyId,
      Optional<String> key,
      Optional<String> tokenFile,
      Optional<String> role) {
    if (keyId.isPresent() != key.isPresent()) {
      return "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set; set both or neither";
    }
    if (tokenFile.isPresent() != role.isPresent()) {
      return "only one of AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN is set; annotate the"
          + " ServiceAccount with eks.amazonaws.com/role-arn";
    }
    return "no AWS credentials are configured: give the pod's ServiceAccount an IAM role (IRSA or"
        + " EKS Pod Identity); the node's role is used only if the operator sets "
        + MODE
        + "=instance-metadata";
  }
}
