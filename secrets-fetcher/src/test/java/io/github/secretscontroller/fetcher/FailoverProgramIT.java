package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The jar that ships as one process that asks the endpoints of two regions, by their real names and
 * over TLS, through a proxy that leads to a server of the test for each.
 */
@DisplayName("The fetcher's jar and two regions")
class FailoverProgramIT {

  private static final String HOME = "eu-west-1";
  private static final String AWAY = "eu-central-1";

  @TempDir Path directory;
  private Path root;
  private TlsProxy proxy;
  private StubSecretsManager home;
  private StubSecretsManager away;
  private Launched.Launcher launcher;

  @BeforeEach
  void start() throws Exception {
    root = Files.createDirectory(directory.resolve("volume"));
    home = new StubSecretsManager(HOME);
    away = new StubSecretsManager(AWAY);
    proxy = new TlsProxy();
    proxy.up(host(HOME), home.port());
    proxy.up(host(AWAY), away.port());
    home.put("db", "of home");
    away.put("db", "of the replica");
    launcher =
        new Launched.Launcher(directory)
            .with("SECRETS_ROOT", root.toString())
            .with("AWS_REGION", HOME)
            .with("AWS_ACCESS_KEY_ID", "test")
            .with("AWS_SECRET_ACCESS_KEY", "test")
            .with(proxy.variables(directory))
            .with("SECRETS_PLAN", plan(""));
  }

  @AfterEach
  void stop() {
    proxy.close();
    home.close();
    away.close();
  }

  private static String host(String region) {
    return "secretsmanager." + region + ".amazonaws.com";
  }

  private static String plan(String more) {
    return """
        {"version": 1, "failoverRegion": "%s", "files": [{"secret": "%s", "path": "db"}],
         "refresh": {"interval": "PT1S"}%s}
        """
        .formatted(AWAY, StubSecretsManager.arn(HOME, "db"), more);
  }

  @Test
  @DisplayName("reads the secret at home while it can")
  void reachable() throws Exception {
    Launched run = launcher.run("init");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(root.resolve("db")).hasContent("of home");
    assertThat(away.calls()).isEmpty();
  }

  @Test
  @DisplayName("reads the replica while home can't be reached, and says so")
  void unreachable() throws Exception {
    proxy.down(host(HOME));

    Launched run = launcher.run("init");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(root.resolve("db")).hasContent("of the replica");
    assertThat(run.err()).contains("db: " + StubSecretsManager.arn(AWAY, "db") + ", version ");
    assertThat(root.resolve(".status.json")).content().contains(AWAY);
    assertThat(home.calls()).isEmpty();
  }

  @Test
  @DisplayName("reads the replica while home fails")
  void failing() throws Exception {
    home.refuse("GetSecretValue", Integer.MAX_VALUE, 503, "ServiceUnavailable");

    Launched run = launcher.run("init");

    assertThat(run.exitCode()).as(run.err()).isZero();
    assertThat(root.resolve("db")).hasContent("of the replica");
    assertThat(home.calls()).contains("GetSecretValue");
  }

  @Test
  @DisplayName("doesn't ask the replica for what it may not read at home")
  void denied() throws Exception {
    home.refuse("GetSecretValue", Integer.MAX_VALUE, 400, "AccessDeniedException");

    assertThat(launcher.run("init").exitCode()).isEqualTo(4);
    assertThat(away.calls()).isEmpty();
  }

  @Test
  @DisplayName("ends with 5 if neither can be reached, and tells of both")
  void neither() throws Exception {
    proxy.down(host(HOME));
    proxy.down(host(AWAY));

    Launched run = launcher.run("init");

    assertThat(run.exitCode()).as(run.err()).isEqualTo(5);
    assertThat(directory.resolve("termination-log")).content().contains(HOME, AWAY);
    assertThat(root).isEmptyDirectory();
  }

  @Test
  @DisplayName("keeps what a sidecar has when home goes down, and goes on from there")
  void sidecar() throws Exception {
    away.copy(home, "db");
    try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
      proxy.down(host(HOME));
      sidecar.await("a look away", () -> away.count("DescribeSecret") >= 2);
      assertThat(root.resolve("db")).hasContent("of home");

      home.put("db", "new at home");
      proxy.up(host(HOME), home.port());
      sidecar.await("the new version", () -> holds("new at home"));
    }
  }

  private boolean holds(String content) {
    try {
      return Files.readString(root.resolve("db")).equals(content);
    } catch (java.io.IOException e) {
      return false;
    }
  }

  @Test
  @DisplayName("refuse one endpoint for both, since both would be asked there")
  void oneEndpoint() throws Exception {
    Launched run = launcher.with("AWS_ENDPOINT_URL", home.url()).run("init");

    assertThat(run.exitCode()).as(run.err()).isEqualTo(2);
    assertThat(home.calls()).isEmpty();
  }
}
