package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the jar that ships as a sidecar, rotates the secrets, and watches it from outside. */
@DisplayName("The fetcher's jar as a sidecar")
class SidecarProgramIT {

  @TempDir Path directory;
  private Path secrets;
  private Path root;
  private Launched.Launcher launcher;

  @BeforeEach
  void volume() throws IOException {
    secrets = Files.createDirectory(directory.resolve("secrets"));
    root = Files.createDirectory(directory.resolve("volume"));
    Launched.put(secrets.resolve("db"), "first");
    launcher =
        new Launched.Launcher(directory)
            .with("SECRETS_ROOT", root.toString())
            .with("SECRETS_SOURCE", "directory:" + secrets)
            .with("SECRETS_PLAN", plan(""));
  }

  /** A plan of one file that is looked at every second. */
  private static String plan(String more) {
    return """
        {"version": 1, "files": [{"secret": "db", "path": "db"}],
         "refresh": {"interval": "PT1S", "staleAfter": "PT2S", "unreadyWhenStale": true}%s}
        """
        .formatted(more);
  }

  private String terminationMessage() throws IOException {
    return Files.readString(directory.resolve("termination-log"));
  }

  private boolean holds(String value) {
    try {
      return Files.readString(root.resolve("db")).equals(value);
    } catch (IOException e) {
      return false;
    }
  }

  @Nested
  @DisplayName("while it runs")
  class Life {

    @Test
    @DisplayName("publishes, answers probes, publishes a new version, and ends with 0 on SIGTERM")
    void life() throws Exception {
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        assertThat(root.resolve("db")).hasContent("first");
        assertThat(sidecar.status("/ready")).isEqualTo(200);
        assertThat(sidecar.status("/live")).isEqualTo(200);
        assertThat(sidecar.status("/else")).isEqualTo(404);

        Launched.put(secrets.resolve("db"), "second");
        sidecar.await("the second version", () -> holds("second"));
        sidecar.await(
            "its metric", () -> metrics(sidecar).contains("secrets_fetcher_generation 2"));
        assertThat(metrics(sidecar))
            .contains(
                "# TYPE secrets_fetcher_refreshes_total counter",
                "secrets_fetcher_refreshes_total{outcome=\"published\"} 1",
                "secrets_fetcher_source_calls_total{call=\"read\"} 2",
                "secrets_fetcher_file_stale{file=\"db\"} 0");
        for (String metric : namedToOperators()) {
          assertThat(metrics(sidecar)).contains("# TYPE " + metric + " ");
        }

        sidecar.process.destroy();
        assertThat(sidecar.exitCode()).isZero();
        assertThat(terminationMessage()).isEqualTo("stopped by a signal after 2 publications\n");
        assertThat(root.resolve("db")).hasContent("second");
      }
    }

    /** By the alerts, the dashboard and their documentation. */
    private Set<String> namedToOperators() throws IOException {
      Set<String> named = new TreeSet<>();
      for (String file :
          List.of(
              "docs/operations.md",
              "samples/webhook-deployment/chart/alerts.yaml",
              "samples/webhook-deployment/chart/dashboards/secrets-webhook.json")) {
        Matcher metric =
            Pattern.compile("secrets_fetcher_[a-z_]+")
                .matcher(Files.readString(Path.of("..").resolve(file)));
        while (metric.find()) {
          named.add(metric.group());
        }
      }
      assertThat(named).hasSizeGreaterThan(5);
      return named;
    }

    private String status() {
      try {
        return Files.readString(root.resolve(".status.json"));
      } catch (IOException e) {
        return "";
      }
    }

    private String metrics(Launched sidecar) {
      try {
        return sidecar.get("/metrics").body();
      } catch (IOException | InterruptedException e) {
        return "";
      }
    }

    @Test
    @DisplayName("turns unready when files are stale, if the plan asks for it, and ready again")
    void stale() throws Exception {
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        Path hidden = directory.resolve("hidden");
        Files.move(secrets.resolve("db"), hidden);
        sidecar.await("staleness", () -> sidecar.status("/ready") == 503);
        assertThat(sidecar.status("/live")).isEqualTo(200);
        assertThat(sidecar.status("/startup")).isEqualTo(200);
        assertThat(root.resolve("db")).hasContent("first");
        sidecar.awaitSaid("WARN db is stale");
        sidecar.await("its status", () -> status().contains("\"stale\":true"));

        Files.move(hidden, secrets.resolve("db"));
        sidecar.await("freshness", () -> sidecar.status("/ready") == 200);
      }
    }

    @Test
    @DisplayName("ends with the failure's code if the first publication fails")
    void firstFails() throws Exception {
      Files.delete(secrets.resolve("db"));
      try (Launched sidecar = launcher.run("sidecar")) {
        assertThat(sidecar.exitCode()).isEqualTo(3);
        assertThat(terminationMessage()).hasLineCount(1).startsWith("db: ");
        assertThat(root).isEmptyDirectory();
      }
    }

    @Test
    @DisplayName("leaves alone what an init container has published, and goes on from there")
    void afterInit() throws Exception {
      assertThat(launcher.run("init").exitCode()).isZero();
      String generation = Files.readSymbolicLink(root.resolve("..data")).toString();
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        assertThat(sidecar.err()).contains("found published 1 of 1 files");
        assertThat(Files.readSymbolicLink(root.resolve("..data"))).hasToString(generation);
        Launched.put(secrets.resolve("db"), "second");
        sidecar.await("the second version", () -> holds("second"));
      }
    }

    @Test
    @DisplayName("tells its events as JSON, if it is asked to")
    void json() throws Exception {
      try (Launched sidecar =
          launcher.with("SECRETS_LOG_FORMAT", "json").start("sidecar").awaitStarted()) {
        assertThat(sidecar.err().lines())
            .allMatch(line -> line.startsWith("{\"time\":\"") && line.endsWith("}"))
            .anyMatch(line -> line.contains("\"file\":\"db\",\"secret\":\"db\",\"versionId\":\""));
      }
    }
  }

  @Nested
  @DisplayName("to those who probe it")
  class Probes {

    @Test
    @DisplayName("answers on every address of the pod, since kubelet can't reach the loopback")
    void allAddresses() throws Exception {
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        for (NetworkInterface network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
          for (InetAddress address : Collections.list(network.getInetAddresses())) {
            if (address instanceof java.net.Inet4Address) {
              try (Socket socket = new Socket(address, sidecar.port())) {
                assertThat(ask(socket, "GET /live HTTP/1.1\r\nHost: x\r\n\r\n"))
                    .startsWith("HTTP/1.1 200");
              }
            }
          }
        }
      }
    }

    @Test
    @DisplayName("takes GET only, and of small size")
    void hardened() throws Exception {
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        assertThat(ask(sidecar, "POST /live HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"))
            .startsWith("HTTP/1.1 405");
        String headers = "X-Long: " + "x".repeat(1000) + "\r\n";
        assertThat(ask(sidecar, "GET /live HTTP/1.1\r\n" + headers.repeat(60) + "\r\n"))
            .doesNotStartWith("HTTP/1.1 200");
        assertThat(sidecar.status("/live")).isEqualTo(200);
      }
    }

    @Test
    @DisplayName("goes on answering while others send their requests byte by byte")
    void slow() throws Exception {
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        Socket[] slow = new Socket[8];
        for (int i = 0; i < slow.length; i++) {
          slow[i] = new Socket(InetAddress.getLoopbackAddress(), sidecar.port());
          slow[i].getOutputStream().write('G');
        }
        sidecar.await("an answer", () -> sidecar.status("/live") == 200);
        for (Socket socket : slow) {
          socket.close();
        }
      }
    }

    private String ask(Launched sidecar, String request) throws IOException {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), sidecar.port())) {
        return ask(socket, request);
      }
    }

    private String ask(Socket socket, String request) throws IOException {
      socket.setSoTimeout((int) Launched.PATIENCE.toMillis());
      try {
        OutputStream out = socket.getOutputStream();
        out.write(request.getBytes(StandardCharsets.US_ASCII));
        out.flush();
        InputStream in = socket.getInputStream();
        return new String(in.readNBytes(12), StandardCharsets.US_ASCII);
      } catch (java.net.SocketException e) {
        return "cut off";
      }
    }
  }

  @Nested
  @DisplayName("on a change")
  class OnChange {

    @Test
    @DisplayName("signals the named process once for each publication, after the files are visible")
    void signal() throws Exception {
      HangupNotes hangups = new HangupNotes(directory);
      String name = "app-it-" + ProcessHandle.current().pid() % 10000;
      Process application = new ProcessBuilder(hangups.command(name, "notes")).start();
      launcher.with(
          "SECRETS_PLAN",
          plan(", \"onChange\": {\"signal\": \"HUP\", \"process\": \"" + name + "\"}"));
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        sidecar.await("the application", () -> hangups.isUp("notes"));
        assertThat(hangups.count("notes")).isZero();
        for (int i = 1; i <= 2; i++) {
          int times = i;
          Launched.put(secrets.resolve("db"), "version " + i);
          sidecar.await("signal " + i, () -> hangups.count("notes") == times);
          assertThat(root.resolve("db")).hasContent("version " + i);
        }
        sidecar.awaitSaid("INFO sent SIGHUP to " + name);
        assertThat(application.isAlive()).isTrue();
        assertThat(sidecar.process.isAlive()).isTrue();
      } finally {
        application.destroyForcibly();
      }
    }

    @Test
    @DisplayName("says why nobody was signalled, and goes on refreshing")
    void nobody() throws Exception {
      launcher.with(
          "SECRETS_PLAN", plan(", \"onChange\": {\"signal\": \"HUP\", \"process\": \"no-such\"}"));
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        Launched.put(secrets.resolve("db"), "second");
        sidecar.awaitSaid("no process is named \"no-such\"");
        Launched.put(secrets.resolve("db"), "third");
        sidecar.await("the third version", () -> holds("third"));
      }
    }

    @Test
    @DisplayName("posts once for each publication, again while the application is starting")
    void post() throws Exception {
      AtomicInteger requests = new AtomicInteger();
      ConcurrentLinkedQueue<String> seen = new ConcurrentLinkedQueue<>();
      HttpServer application =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      application.createContext(
          "/reload",
          exchange -> {
            seen.add(exchange.getRequestMethod() + " " + Files.readString(root.resolve("db")));
            exchange.sendResponseHeaders(requests.incrementAndGet() == 1 ? 503 : 204, -1);
            exchange.close();
          });
      application.start();
      launcher.with(
          "SECRETS_PLAN",
          plan(
              ", \"onChange\": {\"post\": \"http://127.0.0.1:"
                  + application.getAddress().getPort()
                  + "/reload\"}"));
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        Launched.put(secrets.resolve("db"), "second");
        sidecar.awaitSaid("was answered with 204");
        assertThat(seen).containsExactly("POST second", "POST second");
        assertThat(sidecar.err()).contains("was answered with 503; trying again");
      } finally {
        application.stop(0);
      }
    }

    @Test
    @DisplayName("follows no redirect")
    void redirect() throws Exception {
      AtomicInteger elsewhere = new AtomicInteger();
      HttpServer application =
          HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
      application.createContext(
          "/reload",
          exchange -> {
            exchange.getResponseHeaders().set("Location", "/elsewhere");
            exchange.sendResponseHeaders(307, -1);
            exchange.close();
          });
      application.createContext(
          "/elsewhere",
          exchange -> {
            elsewhere.incrementAndGet();
            exchange.sendResponseHeaders(204, -1);
            exchange.close();
          });
      application.start();
      launcher.with(
          "SECRETS_PLAN",
          plan(
              ", \"onChange\": {\"post\": \"http://127.0.0.1:"
                  + application.getAddress().getPort()
                  + "/reload\"}"));
      try (Launched sidecar = launcher.start("sidecar").awaitStarted()) {
        Launched.put(secrets.resolve("db"), "second");
        sidecar.awaitSaid("was answered with 307");
        assertThat(elsewhere).hasValue(0);
      } finally {
        application.stop(0);
      }
    }
  }
}
