package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;

/**
 * The jar that ships, against the emulator of AWS that {@code AWS_ENDPOINT_URL} names; without one
 * it is skipped, or fails if {@code AWS_TESTS_REQUIRED} is {@code true}.
 */
@DisplayName("The fetcher's jar and an emulator of AWS")
class EmulatorProgramIT {

  @TempDir Path directory;
  private final String prefix = "it-" + UUID.randomUUID() + "/";
  private Path root;
  private SecretsManagerClient aws;
  private Launched.Launcher launcher;

  @BeforeEach
  void start() throws Exception {
    String endpoint = System.getenv("AWS_ENDPOINT_URL");
    if (endpoint == null && Boolean.parseBoolean(System.getenv("AWS_TESTS_REQUIRED"))) {
      throw new IllegalStateException("AWS_ENDPOINT_URL isn't set, and AWS_TESTS_REQUIRED is true");
    }
    Assumptions.assumeTrue(endpoint != null, "AWS_ENDPOINT_URL isn't set");
    aws =
        SecretsManagerClient.builder()
            .httpClient(UrlConnectionHttpClient.create())
            .endpointOverride(URI.create(endpoint))
            .region(Region.US_EAST_1)
            .credentialsProvider(
                StaticCredentialsProvider.create(AwsBasicCredentials.create("test", "test")))
            .build();
    root = Files.createDirectory(directory.resolve("volume"));
    launcher =
        new Launched.Launcher(directory)
            .with("SECRETS_ROOT", root.toString())
            .with(
                Map.of(
                    "AWS_ENDPOINT_URL", endpoint,
                    "AWS_REGION", "us-east-1",
                    "AWS_ACCESS_KEY_ID", "test",
                    "AWS_SECRET_ACCESS_KEY", "test"));
  }

  @AfterEach
  void stop() {
    if (aws != null) {
      aws.close();
    }
  }

  /** The full ARN of a new secret. */
  private String secret(String name, String value) {
    return aws.createSecret(secret -> secret.name(prefix + name).secretString(value)).arn();
  }

  private Launched run(String reference) throws Exception {
    return launcher
        .with(
            "SECRETS_PLAN",
            """
            {"version": 1, "files": [{"secret": "%s", "path": "a"}], "allowed": ["%sdb"]}
            """
                .formatted(reference, prefix))
        .run("init");
  }

  @Test
  @DisplayName("refuse a secret whose partial ARN looks like the full one of an allowed secret")
  void lookAlike() throws Exception {
    String mine = secret("db", "mine");
    String anothers = secret("db-secret", "another's");
    String partial = anothers.substring(0, anothers.lastIndexOf('-'));

    Launched run = run(partial);

    assertThat(run.exitCode()).as(run.err()).isEqualTo(4);
    assertThat(directory.resolve("termination-log"))
        .content()
        .contains("a: " + partial + " is the secret " + anothers + ", which the operator doesn't");
    assertThat(root).isEmptyDirectory();

    for (String reference :
        new String[] {mine, mine.substring(0, mine.lastIndexOf('-')), prefix + "db"}) {
      assertThat(run(reference).exitCode()).isZero();
      assertThat(root.resolve("a")).hasContent("mine");
    }
  }
}
