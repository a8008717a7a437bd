package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.testkit.MovableClock;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Phaser;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * Two replicas behind real HTTPS servers, and callers that trust what an API server does: the
 * bundle of its watch, which lags behind what is stored. Time is virtual, the requests are not.
 */
@DisplayName("Two replicas under load")
class SelfManagedCertificateUnderLoadTest {

  private static final Duration AUTHORITY = Duration.ofHours(12);
  private static final Duration CERTIFICATE = Duration.ofHours(4);
  private static final Duration STEP = Duration.ofMinutes(30);
  private static final Duration SETTLE = Duration.ofMinutes(90);

  /**
   * Much less than the time after which a server closes an idle connection, which is no failure.
   */
  private static final Duration FRESH = Duration.ofSeconds(10);

  private final MovableClock clock = new MovableClock();
  private final Set<X509Certificate> certificates = ConcurrentHashMap.newKeySet();
  private final Set<X509Certificate> authorities = new HashSet<>();
  private final AtomicInteger requests = new AtomicInteger();

  /** The bundle that the API server trusts at a time. */
  private volatile String trusted = "";

  @Test
  @DisplayName(
      "live through five renewals of the authority and more of the certificate, with no failed request")
  void renewals() throws Exception {
    // Callers wait for each other, so each has a thread of its own.
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (SmallApiServer api = new SmallApiServer()) {
      api.putConfiguration();
      try (ServingCertificate one = replica(api);
          ServingCertificate two = replica(api);
          TlsPeer.Server first = new TlsPeer.Server(one.sslContext());
          TlsPeer.Server second = new TlsPeer.Server(two.sslContext())) {
        trusted = api.bundle(0);
        Phaser step = new Phaser(1);
        List<CompletableFuture<Void>> callers = new ArrayList<>();
        for (int caller = 0; caller < 4; caller++) {
          int port = (caller % 2 == 0 ? first : second).port();
          boolean keepAlive = caller < 2;
          step.register();
          callers.add(CompletableFuture.runAsync(() -> call(port, keepAlive, step), threads));
        }
        String seen = api.bundle(0);
        while (authorities.size() < 6) {
          clock.advance(STEP);
          // The replicas take turns, and the API servers' watch is one step behind.
          one.refresh();
          two.refresh();
          trusted = seen;
          seen = api.bundle(0);
          authorities.addAll(Pem.certificates(one.caPem(), "ca"));
          // Each caller makes at least one request between two steps.
          step.arriveAndAwaitAdvance();
          callers.stream().filter(CompletableFuture::isDone).forEach(CompletableFuture::join);
        }
        step.forceTermination();
        callers.forEach(CompletableFuture::join);
        assertThat(authorities).hasSize(6);
        assertThat(certificates).hasSizeGreaterThan(2 * 12);
        assertThat(requests).hasPositiveValue();
      }
    } finally {
      threads.shutdownNow();
    }
  }

  private ServingCertificate replica(SmallApiServer api) {
    return SelfManagedCertificate.builder(api.client())
        .secret("hooks", "webhook-ca")
        .configurations(List.of("secrets"))
        .hosts(Set.of("localhost"))
        .authorityLifetime(AUTHORITY)
        .certificateLifetime(CERTIFICATE)
        .settleTime(SETTLE)
        .clock(clock)
        .build();
  }

  private void call(int port, boolean keepAlive, Phaser step) {
    TlsPeer.Connection kept = null;
    long used = System.nanoTime();
    try {
      while (!step.isTerminated()) {
        boolean fresh = System.nanoTime() - used < FRESH.toNanos();
        if (keepAlive && kept != null && fresh && requests.get() % 16 != 0) {
          assertThat(kept.get()).isEqualTo(200);
        } else {
          TlsPeer.Connection connection =
              new TlsPeer.Connection(TlsPeer.trusting(trusted, clock), port);
          assertThat(connection.get()).isEqualTo(200);
          certificates.add(connection.serverCertificate());
          if (kept != null) {
            kept.close();
          }
          kept = connection;
        }
        used = System.nanoTime();
        requests.incrementAndGet();
        step.arriveAndAwaitAdvance();
      }
    } catch (Exception e) {
      throw new IllegalStateException("request " + requests + " at " + clock.instant(), e);
    } finally {
      step.arriveAndDeregister();
    }
  }
}
