package io.github.secretscontroller.aws;

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
