package io.github.secretscontroller.aws;

import java.net.URI;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.localstack.LocalStackContainer;
import org.testcontainers.containers.localstack.LocalStackContainer.Service;
import org.testcontainers.utility.DockerImageName;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.core.client.builder.SdkSyncClientBuilder;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;

/**
 * Where tests find something that speaks AWS's protocols: the endpoint that {@code
 * AWS_ENDPOINT_URL} names, else LocalStack in Docker; else they are skipped and say why. {@code
 * AWS_TESTS_REQUIRED=true} makes them fail then.
 *
 * <p>Others may use the endpoint at the same time: take names of your own.
 */
final class AwsEndpoint implements ExecutionCondition {

  private static final String URL = "AWS_ENDPOINT_URL";

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    if (System.getenv(URL) != null) {
      return ConditionEvaluationResult.enabled("the endpoint is " + System.getenv(URL));
    }
    if (DockerClientFactory.instance().isDockerAvailable()) {
      return ConditionEvaluationResult.enabled("LocalStack runs in Docker");
    }
    String reason = URL + " isn't set, and there is no Docker to run LocalStack in";
    if ("true".equals(System.getenv("AWS_TESTS_REQUIRED"))) {
      throw new IllegalStateException(reason + ", but AWS_TESTS_REQUIRED is true");
    }
    return ConditionEvaluationResult.disabled(reason);
  }

  /** The variables of a process that uses the endpoint; a modifiable map. */
  static Map<String, String> variables() {
    Map<String, String> variables = new HashMap<>();
    variables.put("AWS_REGION", "us-east-1");
    variables.put("AWS_ACCESS_KEY_ID", "test");
    variables.put("AWS_SECRET_ACCESS_KEY", "test");
    String url = System.getenv(URL);
    variables.put(URL, url == null ? LocalStack.CONTAINER.getEndpoint().toString() : url);
    return variables;
  }

  /** An SDK client of the test's own, which prepares what ours then finds. */
  static <B extends AwsClientBuilder<B, C> & SdkSyncClientBuilder<B, C>, C> C client(
      B builder, String region) {
    return builder
        .endpointOverride(URI.create(variables().get(URL)))
        .region(Region.of(region))
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
        .httpClient(UrlConnectionHttpClient.create())
        .build();
  }

  static AwsEnvironment environment() {
    return AwsEnvironment.of(variables());
  }

  /** Started when it is first needed; Testcontainers removes it when the JVM ends. */
  private static final class LocalStack {

    // The last image that runs without a token; another that behaves like it can be named.
    static final LocalStackContainer CONTAINER =
        new LocalStackContainer(
                DockerImageName.parse(
                        Objects.requireNonNullElse(
                            System.getenv("LOCALSTACK_IMAGE"), "localstack/localstack:4.14.0"))
                    .asCompatibleSubstituteFor("localstack/localstack"))
            .withServices(Service.SECRETSMANAGER, Service.KMS, Service.SSM, Service.STS);

    static {
      CONTAINER.start();
    }
  }
}
