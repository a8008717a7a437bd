package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Telling the application of new files by HTTP")
class ChangeNoticesTest {

  private final MovableClock clock = new MovableClock();
  private final Counters counters = new Counters();
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicInteger status = new AtomicInteger(204);
  private final ByteArrayOutputStream log = new ByteArrayOutputStream();
  private HttpServer application;
  private ChangeNotices notices;

  @BeforeEach
  void start() throws IOException {
    application = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    application.createContext(
        "/",
        exchange -> {
          requests.incrementAndGet();
          exchange.sendResponseHeaders(status.get(), -1);
          exchange.close();
        });
    application.start();
    URI url = URI.create("http://127.0.0.1:" + application.getAddress().getPort() + "/reload");
    notices =
        new ChangeNotices(
            new PostNotice(url),
            new Random(3),
            clock,
            EventLog.plain(new PrintStream(log, true, UTF_8)),
            counters);
  }

  @AfterEach
  void stop() {
    application.stop(0);
  }

  /** Moves on from attempt to attempt until there is none left. */
  private void tellAll() {
    while (!notices.nextDue().equals(Instant.MAX)) {
      Duration wait = Duration.between(clock.instant(), notices.nextDue());
      assertThat(wait).isLessThanOrEqualTo(Duration.ofSeconds(16));
      clock.advance(wait);
      notices.tell();
    }
  }

  @Test
  @DisplayName("happens once for each publication, and not before there is one")
  void once() {
    notices.tell();
    assertThat(requests).hasValue(0);
    notices.published();
    tellAll();
    notices.tell();
    assertThat(requests).hasValue(1);
    assertThat(counters.changesTold).hasValue(1);
  }

  @Test
  @DisplayName("is tried six times while the application fails, and then given up with a warning")
  void givesUp() {
    status.set(503);
    notices.published();
    tellAll();
    assertThat(requests).hasValue(6);
    assertThat(counters.changesUntold).hasValue(6);
    assertThat(log.toString(UTF_8)).contains("the application has not been told of its new files");
  }

  @Test
  @DisplayName("isn't repeated where the application says that it is no use")
  void refused() {
    status.set(404);
    notices.published();
    tellAll();
    assertThat(requests).hasValue(1);
  }

  @Test
  @DisplayName("is tried again while nobody listens")
  void nobody() {
    application.stop(0);
    notices.published();
    tellAll();
    assertThat(counters.changesUntold).hasValue(6);
  }

  @Test
  @DisplayName("tells a newer publication in place of one that wasn't told yet")
  void superseded() {
    status.set(503);
    notices.published();
    notices.tell();
    status.set(204);
    notices.published();
    tellAll();
    assertThat(requests).hasValue(2);
    assertThat(counters.changesTold).hasValue(1);
  }

  @Test
  @DisplayName("never waits longer than its patience, also for an answer that never gets whole")
  void trickle() throws Exception {
    try (ServerSocket endless = new ServerSocket(0, 0, InetAddress.getLoopbackAddress())) {
      Thread server =
          new Thread(
              () -> {
                try (Socket client = endless.accept()) {
                  client.getOutputStream().write("HTTP/1.1 204 ".getBytes(UTF_8));
                  while (true) {
                    client.getOutputStream().write('x');
                    client.getOutputStream().flush();
                    LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
                  }
                } catch (IOException e) {
                  // The client has given up.
                }
              });
      server.setDaemon(true);
      server.start();
      URI url = URI.create("http://127.0.0.1:" + endless.getLocalPort() + "/reload");

      ChangeNotice.Attempt attempt = new PostNotice(url, Duration.ofMillis(200)).attempt();

      assertThat(attempt.delivered()).isFalse();
      assertThat(attempt.mayHeal()).isTrue();
      assertThat(attempt.sentence()).contains("no whole answer within 200 ms");
      server.join(Duration.ofMinutes(1).toMillis());
      assertThat(server.isAlive()).isFalse();
    }
  }
}
