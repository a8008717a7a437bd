package io.github.secretscontroller.admission.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("explain orphans")
class OrphansTest {

  private static final String KEPT = "/api/v1/namespaces/shop/secrets/kept";
  private static final String LOST = "prod/shop/lost/k8s of Secret shop/lost";

  @TempDir Path root;
  private final Map<String, String> secrets = new ConcurrentHashMap<>();
  private final List<String> tokens = new ArrayList<>();
  private Runnable afterLookAtLost = () -> {};
  private HttpServer server;
  private DirectorySecretStore store;

  private record Run(int code, String out, String err) {}

  @BeforeEach
  void start() throws IOException {
    store = new DirectorySecretStore(root);
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          tokens.add(exchange.getRequestHeaders().getFirst("Authorization"));
          String secret = secrets.get(exchange.getRequestURI().getPath());
          int status = secret == null ? 404 : secret.isEmpty() ? 403 : 200;
          String text =
              status == 404
                  ? notFound(exchange.getRequestURI().getPath())
                  : status == 403 ? "{\"message\":\"no\"}" : secret;
          byte[] body = text.getBytes(StandardCharsets.UTF_8);
          exchange.getResponseHeaders().set("Content-Type", "application/json");
          exchange.sendResponseHeaders(status, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
          if (exchange.getRequestURI().getPath().endsWith("/lost")) {
            afterLookAtLost.run();
          }
        });
    server.start();
    write("prod", "kept");
    write("prod", "lost");
    write("other", "elsewhere");
    secrets.put(KEPT, secret("prod/shop/kept/k8s"));
  }

  @AfterEach
  void stop() {
    server.stop(0);
    store.close();
  }

  private void write(String cluster, String name) {
    store.stage(
        cluster + "/shop/" + name + "/k8s",
        "canary".getBytes(StandardCharsets.UTF_8),
        WriteContext.of(cluster, "shop", name));
  }

  private static String notFound(String path) {
    return "{\"kind\":\"Status\",\"reason\":\"NotFound\",\"code\":404,"
        + "\"details\":{\"kind\":\"secrets\",\"name\":\""
        + path.substring(path.lastIndexOf('/') + 1)
        + "\"}}";
  }

  private static String secret(String reference) {
    return "{\"data\":{\"a\":\""
        + Base64.getEncoder().encodeToString(reference.getBytes(StandardCharsets.UTF_8))
        + "\"}}";
  }

  private Run run(String... options) {
    List<String> words = new ArrayList<>(List.of("explain", "orphans"));
    words.addAll(List.of(options));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ByteArrayOutputStream err = new ByteArrayOutputStream();
    int code =
        Main.run(
            words.toArray(String[]::new),
            new ByteArrayInputStream(new byte[0]),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Run(
        code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  private Run orphans(String... more) {
    List<String> options =
        new ArrayList<>(
            List.of(
                "--cluster",
                "prod",
                "--backend",
                "directory:" + root,
                "--server",
                "http://127.0.0.1:" + server.getAddress().getPort() + "/"));
    options.addAll(List.of(more));
    return run(options.toArray(String[]::new));
  }

  private boolean isScheduled(String reference) {
    return store.inventory(reference.substring(0, reference.indexOf('/'))).stream()
        .filter(written -> written.reference().equals(SecretReference.parse(reference)))
        .findFirst()
        .orElseThrow()
        .scheduledForDeletion();
  }

  @Test
  @DisplayName("lists what this cluster's Secrets don't refer to, and changes nothing")
  void lists() {
    assertThat(orphans()).isEqualTo(new Run(1, LOST + "\n", ""));
    assertThat(orphans()).isEqualTo(new Run(1, LOST + "\n", ""));
    assertThat(isScheduled("prod/shop/lost/k8s")).isFalse();
  }

  @Test
  @DisplayName("schedules its deletion if told to, and that of nothing else")
  void deletes() {
    assertThat(orphans("--delete", "--wait", "0"))
        .isEqualTo(new Run(0, LOST + ": deletion scheduled\n", ""));
    assertThat(isScheduled("prod/shop/lost/k8s")).isTrue();
    assertThat(isScheduled("prod/shop/kept/k8s")).isFalse();
    assertThat(isScheduled("other/shop/elsewhere/k8s")).isFalse();
    assertThat(orphans()).isEqualTo(new Run(0, "", ""));
  }

  @Test
  @DisplayName("keeps what turns up while it waits")
  void turnsUp() {
    afterLookAtLost =
        () ->
            secrets.put("/api/v1/namespaces/shop/secrets/lost", secret("prod/shop/lost/k8s#user"));
    secrets.put("/api/v1/namespaces/shop/secrets/lost", "{}");
    assertThat(orphans("--delete", "--wait", "1"))
        .isEqualTo(new Run(0, LOST + ": kept, it is stored by now\n", ""));
    assertThat(isScheduled("prod/shop/lost/k8s")).isFalse();
  }

  @Test
  @DisplayName("takes no denial for a Secret that is gone")
  void denied() {
    secrets.put(KEPT, "");
    Run run = orphans("--delete", "--wait", "0");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("HTTP 403").contains(KEPT);
    assertThat(run.out()).isEmpty();
    assertThat(isScheduled("prod/shop/kept/k8s")).isFalse();
    assertThat(isScheduled("prod/shop/lost/k8s")).isFalse();
  }

  @Test
  @DisplayName("shows a token to the API server, and reads the cluster's name in a configuration")
  void tokenAndConfiguration() throws IOException {
    Path token = Files.writeString(root.resolve("token"), "t0ken\n");
    Path config =
        Files.writeString(root.resolve("webhook.yaml"), "nativeSecrets: {cluster: other}\n");
    Run run =
        run(
            "--config",
            config.toString(),
            "--backend",
            "directory:" + root,
            "--server",
            "http://127.0.0.1:" + server.getAddress().getPort(),
            "--token-file",
            token.toString());
    assertThat(run)
        .isEqualTo(new Run(1, "other/shop/elsewhere/k8s of Secret shop/elsewhere\n", ""));
    assertThat(tokens).containsOnly("Bearer t0ken");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "--delete"})
  @DisplayName("guesses no cluster: another one of the default name may have the secrets")
  void unnamed(String delete) throws IOException {
    write("kubernetes", "elsewhere");
    Path config = Files.writeString(root.resolve("webhook.yaml"), "nativeSecrets: {}\n");
    List<String> options =
        new ArrayList<>(
            List.of(
                "--config",
                config.toString(),
                "--backend",
                "directory:" + root,
                "--server",
                "http://127.0.0.1:" + server.getAddress().getPort(),
                "--wait",
                "0"));
    if (!delete.isEmpty()) {
      options.add(delete);
    }
    Run run = run(options.toArray(String[]::new));
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).contains("nativeSecrets.cluster", "WEBHOOK_CLUSTER", "--cluster");
    assertThat(isScheduled("kubernetes/shop/elsewhere/k8s")).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          | whose orphans? name the webhook's configuration
          --cluster prod --all | explain orphans takes no --all
          --cluster prod --wait 1m | --wait must be seconds, not "1m"
          --cluster prod --token-file t | --ca-file and --token-file need --server
          --cluster a/b | nativeSecrets.cluster must have
          --config /nowhere | can't read /nowhere
          --cluster prod --backend kms | --backend must be secretsmanager or directory:/path
          --cluster prod --server http://x --ca-file /nowhere --backend directory:/tmp/none | --ca-file /nowhere can't be read
          """)
  @DisplayName("says what is wrong with the command line")
  void usage(String options, String problem) {
    Run run = run(options == null ? new String[0] : options.split(" "));
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.err()).startsWith(problem);
  }
}
