package io.github.secretscontroller.samples.deployment;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import io.github.secretscontroller.admission.testkit.LiveClusterExtension;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs the shell blocks of the document in order, in a copy of the files: kubectl at a real API
 * server, AWS's command line at the endpoint that {@code AWS_ENDPOINT_URL} names, and Helm's own
 * engine. Blocks that are marked {@code untested} need what isn't there, with the reason.
 */
@DisplayName("The walkthrough")
@ExtendWith(LiveClusterExtension.class)
class WalkthroughIT {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path ROOT = Path.of("../..");
  private static final Pattern BLOCK =
      Pattern.compile("(?:<!-- untested: ([^\n]*) -->\\n)?```sh\\n(.*?)```\\n", Pattern.DOTALL);
  private static final Duration PATIENCE = Duration.ofMinutes(10);
  private static final String CLEAN_UP = "## Clean up";

  @TempDir Path workspace;

  private final Map<String, String> environment = new HashMap<>();
  private Controllers controllers;
  private Path checkout;
  private Path bin;

  @BeforeEach
  void prepare() throws Exception {
    boolean required = Boolean.parseBoolean(System.getenv("AWS_TESTS_REQUIRED"));
    String missing =
        System.getenv("AWS_ENDPOINT_URL") == null
            ? "AWS_ENDPOINT_URL isn't set"
            : aws() == null ? "there is no command aws: apt-get install awscli" : "";
    if (required && !missing.isEmpty()) {
      throw new IllegalStateException(missing + ", and AWS_TESTS_REQUIRED is true");
    }
    Assumptions.assumeTrue(missing.isEmpty(), missing);
    checkout = Files.createDirectory(workspace.resolve("checkout"));
    for (String folder : List.of("docs/walkthrough", "samples/webhook-deployment/chart")) {
      copy(ROOT.resolve(folder), checkout.resolve(folder));
    }
    bin = Files.createDirectory(workspace.resolve("bin"));
    // An older command line doesn't know the variable.
    command("aws", "exec " + aws() + " --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"");
    command("kubectl", "exec \"$KUBEBUILDER_ASSETS/kubectl\" \"$@\"");
    command(
        "helm",
        "exec \"%s/bin/java\" -cp '%s' %s \"$@\""
            .formatted(
                System.getProperty("java.home"),
                System.getProperty("java.class.path"),
                HelmShim.class.getName()));
  }

  @Test
  @DisplayName("can be followed with copy and paste")
  void copyAndPaste() throws Exception {
    String text = Files.readString(ROOT.resolve("docs/walkthrough.md"));
    int cleanUp = text.indexOf(CLEAN_UP);
    int port = freePort();
    Map<String, String> role = ownAccount();
    try (LiveCluster cluster =
            LiveCluster.start(
                Path.of(System.getenv("KUBEBUILDER_ASSETS")),
                Files.createDirectory(workspace.resolve("cluster")));
        Controllers running =
            new Controllers(
                cluster, Files.createDirectory(workspace.resolve("webhook")), port, role)) {
      controllers = running;
      // A newer API server does this by itself.
      cluster
          .kubectl("label", "namespace", "default", "kubernetes.io/metadata.name=default")
          .orFail();
      environment.putAll(role);
      environment.put("KUBECONFIG", workspace.resolve("cluster/kubeconfig").toString());
      environment.put("WEBHOOK_URL", "https://127.0.0.1:" + port);
      environment.put("HELM_STATE", Files.createDirectory(workspace.resolve("helm")).toString());

      String shown = run(text.substring(0, cleanUp));
      assertThat(shown)
          .contains("deployment \"secrets-webhook\" successfully rolled out")
          .contains("deployment \"webserver\" successfully rolled out")
          .containsPattern(
              "SECRETS_PLAN\\n.*\"arn:aws:secretsmanager:us-east-1:\\d+:secret:database-password-\\w{6}\"")
          .containsPattern(
              "arn:aws:secretsmanager:us-east-1:\\d+:secret:kubernetes/default/api/k8s-\\w{6}\\?version=[^#]+#key");
      assertThat(new String(cluster.etcd(), ISO_8859_1))
          .contains("/registry/secrets/default/api")
          .doesNotContain(
              "not-in-etcd", Base64.getEncoder().encodeToString("not-in-etcd".getBytes(UTF_8)));
      assertThat(bash("aws secretsmanager get-secret-value --secret-id kubernetes/default/api/k8s"))
          .contains("not-in-etcd");
      assertThat(checkout.resolve("docs/walkthrough").toFile().list())
          .as("files that are left over")
          .hasSameSizeAs(ROOT.resolve("docs/walkthrough").toFile().list());

      run(text.substring(cleanUp));
      assertThat(cluster.kubectl("get", "secret", "api").stderr()).contains("NotFound");
      assertThat(cluster.kubectl("get", "mutatingwebhookconfigurations", "-o", "name").stdout())
          .isEmpty();
      assertThat(bash("aws secretsmanager list-secrets --query 'SecretList[].Name'"))
          .contains("[]");
      assertThat(bash("aws iam list-roles --query 'Roles[].RoleName'")).contains("[]");
    }
  }

  @Test
  @DisplayName("leaves out only what needs nodes or EKS")
  void untested() throws Exception {
    Matcher block = BLOCK.matcher(Files.readString(ROOT.resolve("docs/walkthrough.md")));
    List<String> reasons = new ArrayList<>();
    int tested = 0;
    while (block.find()) {
      if (block.group(1) == null) {
        tested++;
      } else {
        reasons.add(block.group(1));
        assertThat(block.group(2)).matches("(?s)(aws eks|kubectl logs) .*");
      }
    }
    assertThat(reasons).hasSize(4).allMatch(reason -> reason.matches("needs (nodes|EKS)"));
    assertThat(tested).isGreaterThan(2 * reasons.size());
  }

  /** Runs the blocks of a text in one shell, as a reader does. */
  private String run(String text) throws Exception {
    StringBuilder script = new StringBuilder();
    Matcher block = BLOCK.matcher(text);
    while (block.find()) {
      if (block.group(1) == null) {
        script.append(block.group(2));
      }
    }
    return bash(script.toString());
  }

  private String bash(String script) throws Exception {
    Path out = Files.createTempFile(workspace, "shell", ".out");
    Path err = Files.createTempFile(workspace, "shell", ".err");
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-euo", "pipefail", "-c", script)
            .directory(checkout.toFile())
            .redirectOutput(out.toFile())
            .redirectError(err.toFile());
    Map<String, String> env = builder.environment();
    env.keySet().removeIf(name -> name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
    env.putAll(environment);
    env.put("HOME", workspace.toString());
    env.put("PATH", bin + ":" + env.get("PATH"));
    env.put("AWS_PAGER", "");
    Process shell = builder.start();
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!shell.waitFor(200, TimeUnit.MILLISECONDS)) {
      Optional<Throwable> failure = controllers == null ? Optional.empty() : controllers.failure();
      if (failure.isPresent() || System.nanoTime() > end) {
        shell.descendants().forEach(ProcessHandle::destroyForcibly);
        shell.destroyForcibly();
        throw new AssertionError(
            "no end in sight: " + Files.readString(out) + Files.readString(err),
            failure.orElse(null));
      }
    }
    assertThat(shell.exitValue())
        .as("%s\n%s", Files.readString(out), Files.readString(err))
        .isZero();
    return Files.readString(out);
  }

  /** An account of its own at the endpoint, so that nobody else's secrets are in the way. */
  private Map<String, String> ownAccount() throws Exception {
    String account =
        Long.toString(ThreadLocalRandom.current().nextLong(100_000_000_000L, 1_000_000_000_000L));
    environment.put("AWS_ACCESS_KEY_ID", "test");
    environment.put("AWS_SECRET_ACCESS_KEY", "test");
    environment.put("AWS_REGION", "us-east-1");
    environment.put("AWS_DEFAULT_REGION", "us-east-1");
    JsonNode credentials =
        JSON.readTree(
                bash(
                    "aws sts assume-role --role-session-name walkthrough --role-arn arn:aws:iam::"
                        + account
                        + ":role/newcomer"))
            .get("Credentials");
    return Map.of(
        "AWS_ENDPOINT_URL", System.getenv("AWS_ENDPOINT_URL"),
        "AWS_REGION", "us-east-1",
        "AWS_DEFAULT_REGION", "us-east-1",
        "AWS_ACCESS_KEY_ID", credentials.path("AccessKeyId").asText(),
        "AWS_SECRET_ACCESS_KEY", credentials.path("SecretAccessKey").asText(),
        "AWS_SESSION_TOKEN", credentials.path("SessionToken").asText());
  }

  private void command(String name, String line) throws IOException {
    Path file = Files.writeString(bin.resolve(name), "#!/bin/bash\n" + line + "\n");
    assertThat(file.toFile().setExecutable(true)).isTrue();
  }

  private static String aws() {
    // Debian's first: others of that name on the path may only stand for one.
    return Stream.concat(Stream.of("/usr/bin"), Stream.of(System.getenv("PATH").split(":", -1)))
        .map(folder -> Path.of(folder, "aws"))
        .filter(Files::isExecutable)
        .map(Path::toString)
        .findFirst()
        .orElse(null);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : (Iterable<Path>) files::iterator) {
        Path target = to.resolve(from.relativize(file).toString());
        Files.createDirectories(Files.isDirectory(file) ? target : target.getParent());
        if (Files.isRegularFile(file)) {
          Files.copy(file, target);
        }
      }
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }
}
