package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.aws.AwsEnvironment;
import io.github.secretscontroller.aws.KmsEnvelopeWriter;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The jar that ships, against a server that answers as AWS documents. */
@DisplayName("The fetcher's jar and AWS")
class AwsProgramIT {

  @TempDir Path directory;
  private Path root;
  private StubSecretsManager aws;
  private Launched.Launcher launcher;

  @BeforeEach
  void start() throws IOException {
    root = Files.createDirectory(directory.resolve("volume"));
    aws = new StubSecretsManager();
    launcher =
        new Launched.Launcher(directory)
            .with("SECRETS_ROOT", root.toString())
            .with(aws.variables())
            .with("SECRETS_PLAN", plan(""));
  }

  @AfterEach
  void stop() {
    aws.close();
  }

  private static String file(String secret, String path) {
    return "{\"secret\": \"" + secret + "\", \"path\": \"" + path + "\"}";
  }

  /** Five references to two secrets. */
  private static String plan(String more) {
    return """
    {"version": 1, "files": [%s, %s, %s, %s, %s],
     "refresh": {"interval": "PT1S"}%s}
    """
        .formatted(
            file("db", "a"),
            file("db", "b"),
            file("db?stage=AWSCURRENT", "c"),
            file("key", "d"),
            file("key", "e"),
            more);
  }

  private Launched run(String... arguments) throws Exception {
    return launcher.run(arguments);
  }

  private String terminationMessage() throws IOException {
    return Files.readString(directory.resolve("termination-log"));
  }

  private void assertFailed(Launched run, int code, String... sentence) throws Exception {
    assertThat(run.exitCode()).as(run.err()).isEqualTo(code);
    assertThat(terminationMessage()).hasLineCount(1).contains(sentence);
    assertThat(root).isEmptyDirectory();
  }

  @Nested
  @DisplayName("cost")
  class Calls {

    @Test
    @DisplayName("a pod's start one read for each distinct secret, whatever refers to it")
    void start() throws Exception {
      aws.put("db", "1");
      aws.put("key", "1");

      assertThat(run("init").exitCode()).isZero();

      assertThat(aws.calls()).containsExactly("GetSecretValue", "GetSecretValue");
      assertThat(root.resolve(".status.json"))
          .content()
          .contains("keys from AWS_ACCESS_KEY_ID", "us-east-1");
    }

    @Test
    @DisplayName("a refresh one DescribeSecret for each, and one read for one that changed")
    void refresh() throws Exception {
      aws.put("db", "1");
      aws.put("key", "1");
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        sidecar.await("two rounds", () -> aws.count("DescribeSecret") >= 4);
        assertThat(aws.count("GetSecretValue")).isEqualTo(2);

        aws.put("db", "2");
        sidecar.await("the new version", () -> aws.count("GetSecretValue") == 3);
        sidecar.awaitSaid("INFO published c");
        long looks = aws.count("DescribeSecret");
        sidecar.await("another round", () -> aws.count("DescribeSecret") >= looks + 4);
        assertThat(aws.count("GetSecretValue")).isEqualTo(3);
        assertThat(root.resolve("b")).hasContent("2");
      }
    }

    @Test
    @DisplayName("reads instead, where a role may read but not describe")
    void describeDenied() throws Exception {
      aws.put("db", "1");
      aws.put("key", "1");
      aws.refuse("DescribeSecret", Integer.MAX_VALUE, 400, "AccessDeniedException");
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        aws.put("db", "2");
        sidecar.awaitSaid("INFO published a");
        assertThat(root.resolve("a")).hasContent("2");
        assertThat(aws.count("DescribeSecret")).isEqualTo(2);
        assertThat(sidecar.err()).doesNotContain("WARN");
      }
    }
  }

  @Nested
  @DisplayName("end with an exit code and a sentence")
  class Failures {

    @Test
    @DisplayName("5 when the endpoint can't be reached")
    void unreachable() throws Exception {
      int nobody;
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        nobody = socket.getLocalPort();
      }
      launcher.with("AWS_ENDPOINT_URL", "http://127.0.0.1:" + nobody);
      assertFailed(run("init"), 5, "a: AWS can't be reached for db");
    }

    @Test
    @DisplayName("4 when the credentials have expired, with AWS's request id")
    void expired() throws Exception {
      aws.refuse("GetSecretValue", Integer.MAX_VALUE, 400, "ExpiredTokenException");
      assertFailed(
          run("init"),
          4,
          "AWS doesn't accept the credentials, for db",
          "ExpiredTokenException",
          StubSecretsManager.REQUEST_ID);
    }

    @Test
    @DisplayName("4 when there are no credentials, and never the node's role by itself")
    void none() throws Exception {
      launcher.with("AWS_ACCESS_KEY_ID", "").with("AWS_SECRET_ACCESS_KEY", "");
      assertFailed(
          run("init"),
          4,
          "no AWS credentials are configured",
          "SECRETS_AWS_CREDENTIALS=instance-metadata");
      assertThat(aws.calls()).isEmpty();
    }

    @Test
    @DisplayName("2 when failover is asked for together with one endpoint")
    void failoverWithEndpoint() throws Exception {
      launcher.with("SECRETS_PLAN", plan(", \"failoverRegion\": \"us-west-2\""));
      assertFailed(
          run("init"), 2, "AWS_ENDPOINT_URL names one endpoint, and failover to us-west-2");
      assertThat(aws.calls()).isEmpty();
    }

    @Test
    @DisplayName("2 when the operator doesn't allow a secret, before anything is read")
    void notAllowed() throws Exception {
      launcher.with("SECRETS_PLAN", plan(", \"allowed\": [\"prod/*\", \"db\"]"));
      assertFailed(
          run("init"), 2, "d: the operator doesn't allow key here; allowed are [prod/*, db]");
      assertThat(aws.calls()).isEmpty();
    }
  }

  @Nested
  @DisplayName("refuse what the operator's patterns don't allow by the ARN that AWS answers with")
  class AnsweredArn {

    /** A partial ARN, that looks like the full one of a secret that is called db. */
    private static final String PARTIAL =
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-secret";

    private void allowed(String pattern) {
      launcher.with(
          "SECRETS_PLAN",
          """
          {"version": 1, "files": [%s], "refresh": {"interval": "PT1S"}, "allowed": ["%s"]}
          """
              .formatted(file(PARTIAL, "a"), pattern));
    }

    @Test
    @DisplayName("before anything is published")
    void notAllowed() throws Exception {
      aws.put("db", "1");
      aws.put("db-secret", "another's");
      allowed("db");

      assertFailed(
          run("init"),
          4,
          "a: " + PARTIAL + " is the secret " + StubSecretsManager.arn("db-secret"),
          ", which the operator doesn't allow here; allowed are [db]; name another secret");
    }

    @Test
    @DisplayName("but not a secret that a pattern names, by its ARN too")
    void allowed() throws Exception {
      aws.put("db-secret", "1");
      for (String pattern : List.of("db-secret", "arn:aws:secretsmanager:*:secret:db-secret")) {
        allowed(pattern);
        assertThat(run("init").exitCode()).isZero();
        assertThat(root.resolve("a")).hasContent("1");
      }
    }

    @Test
    @DisplayName("as a sidecar, too")
    void sidecar() throws Exception {
      aws.put("db-secret", "another's");
      allowed("db");

      assertFailed(run("sidecar"), 4, "which the operator doesn't allow here");
    }
  }

  @Test
  @DisplayName("wait until AWS doesn't throttle any more")
  void throttled() throws Exception {
    aws.put("db", "1");
    aws.put("key", "1");
    // More than the SDK's own attempts.
    aws.refuse("GetSecretValue", 8, 400, "ThrottlingException");

    Launched run = run("init");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(run.err()).contains("INFO throttled on ");
    assertThat(root.resolve("a")).hasContent("1");
  }

  @Test
  @DisplayName("wait for a token that is mounted late, and say whose role was taken")
  void lateToken() throws Exception {
    aws.put("db", "1");
    aws.put("key", "1");
    Path token = directory.resolve("token");
    launcher
        .with("AWS_ACCESS_KEY_ID", "")
        .with("AWS_SECRET_ACCESS_KEY", "")
        .with("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/shop")
        .with("AWS_WEB_IDENTITY_TOKEN_FILE", token.toString());
    try (Launched fetcher = launcher.start("init")) {
      fetcher.awaitSaid("INFO credentials: IRSA, role arn:aws:iam::123456789012:role/shop");
      assertThat(aws.calls()).isEmpty();
      Files.writeString(token, "a token");

      assertThat(fetcher.exitCode()).as(fetcher.err()).isZero();
      assertThat(aws.calls())
          .containsExactlyInAnyOrder(
              "AssumeRoleWithWebIdentity", "GetSecretValue", "GetSecretValue");
      assertThat(root.resolve(".status.json")).content().contains("IRSA, role arn:aws:iam::");
    }
  }

  @Test
  @DisplayName("open a sealed value with the plan's key, for its cluster and namespace only")
  void sealed() throws Exception {
    aws.refuse("DescribeKey", 1, 400, "AccessDeniedException");
    SecretReference sealed;
    try (KmsEnvelopeWriter writer =
        new KmsEnvelopeWriter(AwsEnvironment.of(aws.variables()), StubSecretsManager.KEY)) {
      sealed =
          writer.write(
              "db",
              "value".getBytes(StandardCharsets.UTF_8),
              WriteContext.of("blue", "shop", "db"));
    }
    String plan =
        """
        {"version": 1, "files": [%s],
         "sealed": {"keys": ["%s"], "cluster": "blue", "namespace": "%s"}}
        """;
    launcher.with(
        "SECRETS_PLAN",
        plan.formatted(file(sealed.toString(), "a"), StubSecretsManager.KEY, "else"));
    assertFailed(run("init"), 2, "is sealed for namespace shop of cluster blue");

    launcher.with(
        "SECRETS_PLAN",
        plan.formatted(file(sealed.toString(), "a"), StubSecretsManager.KEY, "shop"));
    assertThat(run("init").exitCode()).isZero();
    assertThat(root.resolve("a")).hasContent("value");
    assertThat(aws.count("Decrypt")).isEqualTo(1);
  }

  @Test
  @DisplayName("read in the plan's region rather than in the environment's")
  void region() throws Exception {
    aws.put("db", "1");
    aws.put("key", "1");
    launcher.with("AWS_REGION", "").with("SECRETS_PLAN", plan(", \"region\": \"us-east-1\""));
    assertThat(run("init").exitCode()).isZero();
    assertThat(List.of("a", "e"))
        .allSatisfy(path -> assertThat(root.resolve(path)).hasContent("1"));
  }
}
