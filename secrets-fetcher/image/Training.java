package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.net.ConnectException;
import java.net.HttpURLConnection;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/**
 * Runs the fetcher as pods do, against a stub of AWS, so that the image's archive holds the classes of these runs: with keys and
 * with an IAM role, for one secret and for many, as an init container and as a sidecar that sees a new version.
 *
 * <p>All in one process, because that is what an archive is made of. The image's build adds it to the jar; nothing calls it there.
 */
final class Training {

  private static final int MANY = 10;
  private static final long SIDECAR_MILLIS = 4_000;
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final Map<String, String> base;

  private Training(Map<String, String> base) {
    this.base = base;
  }

  /**
   * Trains.
   *
   * @param arguments the endpoint of Secrets Manager, that of STS, a token's file, a directory for the volume
   */
  public static void main(String[] arguments) throws Exception {
    Map<String, String> base = new HashMap<>();
    base.put("AWS_REGION", "us-east-1");
    base.put("AWS_ENDPOINT_URL", arguments[0]);
    base.put("AWS_ENDPOINT_URL_STS", arguments[1]);
    base.put("SECRETS_ROOT", arguments[3]);
    base.put("SECRETS_TERMINATION_LOG", arguments[3] + "/.termination");
    checkTimestamps();
    Training training = new Training(base);
    Map<String, String> keys =
        Map.of("AWS_ACCESS_KEY_ID", "example", "AWS_SECRET_ACCESS_KEY", "example");
    Map<String, String> role =
        Map.of(
            "AWS_ROLE_ARN",
            "arn:aws:iam::123456789012:role/app",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            arguments[2]);
    training.init(keys, Map.of("SECRET_ARN", "prod/db"), ExitCode.SUCCESS);
    training.init(keys, plan(1, "PT5M"), ExitCode.SUCCESS);
    training.init(keys, plan(MANY, "PT5M"), ExitCode.SUCCESS);
    training.init(role, plan(1, "PT5M"), ExitCode.SUCCESS);
    training.init(role, Map.of("SECRET_ARN", "missing"), ExitCode.NOT_FOUND);
    training.sidecar(role);
    // A sidecar is stopped like this, too.
    System.exit(0);
  }

  private static void checkTimestamps() {
    for (String text :
        new String[] {
          "0", "1", "1523477145", "1523477145.713", "1523477145.7139", "1.523477145713E9", "1.5e9",
          "1523477145.", ".5", "0.0009", "1.523477145713E10", "1E+9", "-1.5", "15234771457139E-4",
          "1523477145.713999999", "1.5234771457139999E9"
        }) {
      if (!Timestamps.parse(text).equals(Instant.ofEpochMilli(Timestamps.exactly(text)))) {
        throw new IllegalStateException(text + " became " + Timestamps.parse(text));
      }
    }
    try {
      Timestamps.parse("1523477145.7139999999");
    } catch (IllegalArgumentException e) {
      return;
    }
    throw new IllegalStateException("a time that is too long for the SDK was read");
  }

  private void init(Map<String, String> identity, Map<String, String> plan, ExitCode expected) {
    ExitCode code = run("init", identity, plan);
    if (code != expected) {
      throw new IllegalStateException("init ended with " + code + " instead of " + expected);
    }
  }

  private void sidecar(Map<String, String> identity) throws IOException, InterruptedException {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Map<String, String> settings = new HashMap<>(plan(MANY, "PT1S"));
    settings.put("SECRETS_HEALTH_PORT", String.valueOf(port));
    Thread thread = new Thread(() -> run("sidecar", identity, settings), "training-sidecar");
    thread.setDaemon(true);
    thread.start();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!answers(port, "/startup")) {
      if (System.nanoTime() > deadline) {
        throw new IllegalStateException("the sidecar didn't start");
      }
      Thread.sleep(100);
    }
    Thread.sleep(SIDECAR_MILLIS);
    for (String path : new String[] {"/startup", "/ready", "/live", "/metrics"}) {
      if (!answers(port, path)) {
        throw new IllegalStateException(path + " doesn't answer");
      }
    }
  }

  private static boolean answers(int port, String path) throws IOException {
    URI uri = URI.create("http://127.0.0.1:" + port + path);
    HttpURLConnection probe = (HttpURLConnection) uri.toURL().openConnection();
    try {
      return probe.getResponseCode() == HttpURLConnection.HTTP_OK;
    } catch (ConnectException e) {
      return false;
    } finally {
      probe.disconnect();
    }
  }

  private ExitCode run(String mode, Map<String, String> identity, Map<String, String> settings) {
    Map<String, String> environment = new HashMap<>(base);
    environment.putAll(identity);
    environment.putAll(settings);
    return Fetcher.run(new String[] {mode}, environment, new Sources());
  }

  private static Map<String, String> plan(int secrets, String interval) {
    StringBuilder files = new StringBuilder();
    for (int i = 0; i < secrets; i++) {
      files.append(i == 0 ? "" : ",");
      files.append("{\"secret\":\"rotating/").append(i).append("\",\"path\":\"deep/").append(i);
      files.append("\",\"mode\":\"0440\"}");
    }
    files.append(",{\"secret\":\"missing\",\"path\":\"missing\",\"optional\":true}");
    return Map.of(
        "SECRETS_PLAN",
        "{\"version\":1,\"files\":["
            + files
            + "],\"refresh\":{\"interval\":\""
            + interval
            + "\"}}");
  }
}
