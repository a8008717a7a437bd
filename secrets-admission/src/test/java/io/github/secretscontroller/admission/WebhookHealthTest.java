package io.github.secretscontroller.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodVerdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A webhook's health")
class WebhookHealthTest {

  private static String text(AdmissionReply reply) {
    return new String(reply.body(), UTF_8);
  }

  @Test
  @DisplayName("is live and ready from the start")
  void start() {
    WebhookHealth health = AdmissionHandler.builder().build().health();
    assertThat(health.live().httpStatus()).isEqualTo(200);
    assertThat(health.ready().httpStatus()).isEqualTo(200);
    assertThat(text(health.ready())).isEqualTo("ok\n");
    assertThat(health.ready().contentType()).startsWith("text/plain");
  }

  @Test
  @DisplayName("is live but not ready while it drains, and requests are still answered")
  void drains() {
    AdmissionHandler handler = AdmissionHandler.builder().build();
    handler.health().drain();
    assertThat(handler.health().ready().httpStatus()).isEqualTo(503);
    assertThat(text(handler.health().ready())).isEqualTo("draining\n");
    assertThat(handler.health().live().httpStatus()).isEqualTo(200);
    assertThat(handler.handle(Pods.recorded("pod-unannotated-create")).httpStatus()).isEqualTo(200);
  }

  @Test
  @DisplayName("is not ready while a check finds something wrong, and tells all that is")
  void checks() {
    AtomicReference<Optional<String>> certificate = new AtomicReference<>(Optional.of("expired"));
    WebhookHealth health =
        AdmissionHandler.builder()
            .readinessCheck("certificate", certificate::get)
            .readinessCheck(
                "key",
                () -> {
                  throw new IllegalStateException("quotes hunter2");
                })
            .readinessCheck("fine", Optional::empty)
            .build()
            .health();
    assertThat(health.ready().httpStatus()).isEqualTo(503);
    assertThat(text(health.ready()))
        .isEqualTo(
            "certificate: expired\nkey: the check failed with java.lang.IllegalStateException\n");
    certificate.set(Optional.empty());
    assertThat(text(health.ready())).doesNotContain("certificate").doesNotContain("hunter2");
  }

  @Test
  @DisplayName("is not live once eight requests are stuck for a minute, until they end")
  void stuck() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    CountDownLatch entered = new CountDownLatch(8);
    CountDownLatch interrupted = new CountDownLatch(8);
    PodMutator ignoresInterrupts =
        (pod, request) -> {
          entered.countDown();
          while (release.getCount() > 0) {
            try {
              if (release.await(1, TimeUnit.HOURS)) {
                return PodVerdict.allow();
              }
            } catch (InterruptedException e) {
              interrupted.countDown();
            }
          }
          return PodVerdict.allow();
        };
    AtomicLong now = new AtomicLong();
    AdmissionHandler handler =
        AdmissionHandler.builder()
            .mutator(ignoresInterrupts)
            .timeBudget(Duration.ofSeconds(1))
            .nanoTime(now::get)
            .build();
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      List<Future<AdmissionReply>> replies = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        replies.add(threads.submit(() -> handler.handle(Pods.recorded("pod-of-job-create"))));
      }
      assertThat(entered.await(1, TimeUnit.MINUTES)).isTrue();
      now.set(Duration.ofSeconds(2).toNanos());
      assertThat(interrupted.await(1, TimeUnit.MINUTES)).isTrue();
      assertThat(handler.health().live().httpStatus()).isEqualTo(200);
      now.set(Duration.ofMinutes(2).toNanos());
      assertThat(handler.health().live().httpStatus()).isEqualTo(503);
      assertThat(text(handler.health().live())).startsWith("8 requests are stuck");
      release.countDown();
      for (Future<AdmissionReply> reply : replies) {
        assertThat(reply.get().httpStatus()).isEqualTo(200);
      }
      assertThat(handler.health().live().httpStatus()).isEqualTo(200);
    } finally {
      release.countDown();
      threads.shutdownNow();
    }
  }
}
