package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodVerdict;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The admission handler, when time runs out,")
class AdmissionDeadlineTest {

  private static final String REVIEW = "pod-of-deployment-create";

  /** Waits until somebody interrupts it. */
  private static final PodMutator ENDLESS =
      (pod, request) -> {
        try {
          if (new CountDownLatch(1).await(1, TimeUnit.HOURS)) {
            throw new AssertionError("nobody counts down");
          }
          return PodVerdict.allow();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      };

  private static AdmissionHandler.Builder with(PodMutator... mutators) {
    AdmissionHandler.Builder builder = AdmissionHandler.builder();
    for (PodMutator mutator : mutators) {
      builder.mutator(mutator);
    }
    return builder;
  }

  @Test
  @DisplayName("interrupts a mutator that waits, and refuses the pod with code 504 and the reason")
  void interrupts() {
    AdmissionHandler handler = with(ENDLESS).timeBudget(Duration.ofMillis(40)).build();
    JsonNode response = Pods.respond(handler, Pods.recorded(REVIEW));
    assertThat(response.get("allowed").booleanValue()).isFalse();
    assertThat(response.get("status").get("code").intValue()).isEqualTo(504);
    assertThat(response.get("status").get("reason").textValue()).isEqualTo("Timeout");
    assertThat(Pods.message(response))
        .contains("pod of ReplicaSet webserver-66f6bb988f", "40 ms", "timeoutSeconds");
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  @DisplayName("leaves no interrupt behind in the thread of a mutator that swallowed it")
  void swallowed() {
    AtomicLong now = new AtomicLong();
    PodMutator spins =
        (pod, request) -> {
          now.set(Duration.ofSeconds(9).toNanos());
          while (!Thread.currentThread().isInterrupted()) {
            Thread.onSpinWait();
          }
          return PodVerdict.allow();
        };
    AdmissionHandler handler = with(spins).nanoTime(now::get).build();
    JsonNode response = Pods.respond(handler, Pods.recorded(REVIEW));
    assertThat(response.get("allowed").booleanValue()).isTrue();
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  @DisplayName("asks no further mutator")
  void asksNoFurther() {
    AtomicLong now = new AtomicLong();
    AtomicBoolean asked = new AtomicBoolean();
    PodMutator slow =
        (pod, request) -> {
          now.addAndGet(Duration.ofSeconds(9).toNanos());
          return PodVerdict.allow();
        };
    PodMutator next =
        (pod, request) -> {
          asked.set(true);
          return PodVerdict.allow();
        };
    AdmissionHandler handler = with(slow, next).nanoTime(now::get).build();
    JsonNode response = Pods.respond(handler, Pods.recorded(REVIEW));
    assertThat(response.get("status").get("code").intValue()).isEqualTo(504);
    assertThat(asked).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "timeout=5s, 3999, true",
    "timeout=5s, 4001, false",
    "x=1&timeout=5s, 4001, false",
    "timeout=2500ms&x=1, 2001, false",
    "timeout=30s, 7999, true",
    "timeout=30s, 8001, false",
    "timeout=0s, 7999, true",
    "timeout=soon, 7999, true",
    "timeout=99999999999999999999s, 7999, true",
    "xtimeout=1s, 7999, true",
    "'', 7999, true",
  })
  @DisplayName("takes four fifths of what the API server waits, and never more than its own budget")
  void query(String query, long millis, boolean allowed) {
    AtomicLong now = new AtomicLong();
    PodMutator slow =
        (pod, request) -> {
          now.addAndGet(Duration.ofMillis(millis).toNanos());
          return PodVerdict.allow();
        };
    AdmissionHandler handler =
        with(slow, (pod, request) -> PodVerdict.allow()).nanoTime(now::get).build();
    AdmissionReply reply = handler.handle(Pods.recorded(REVIEW), query);
    assertThat(Pods.json(reply.body()).at("/response/allowed").booleanValue()).isEqualTo(allowed);
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT0S", "PT-1S", "PT31S"})
  @DisplayName("takes no budget that the API server wouldn't wait for")
  void budget(Duration budget) {
    assertThatThrownBy(() -> AdmissionHandler.builder().timeBudget(budget))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("timeBudget")
        .hasMessageContaining(budget.toString());
  }

  @Test
  @DisplayName("still allows a workload, with a warning that it wasn't checked")
  void workload() {
    AdmissionHandler handler = with(ENDLESS).timeBudget(Duration.ofMillis(40)).build();
    JsonNode response = Pods.respond(handler, Pods.recorded("deployment-create"));
    assertThat(response.get("allowed").booleanValue()).isTrue();
    assertThat(Pods.warnings(response))
        .singleElement()
        .asString()
        .startsWith("its pods were not checked: Deployment webserver: ");
  }
}
