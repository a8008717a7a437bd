package io.github.secretscontroller.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.PodVerdict;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The metrics of a webhook")
class AdmissionMetricsTest {

  private final SimpleMeterRegistry registry = new SimpleMeterRegistry();

  private AdmissionHandler handler() {
    return AdmissionHandler.builder()
        .mutator(new SecretInjector(Pods.config().build()))
        .metrics(new AdmissionMetrics(registry))
        .build();
  }

  private double requests(String outcome, String namespace) {
    Counter counter =
        registry
            .find("secrets.admission.requests")
            .tags("outcome", outcome, "namespace", namespace)
            .counter();
    return counter == null ? 0 : counter.count();
  }

  private double counted(String name) {
    return registry.get("secrets.admission." + name).counter().count();
  }

  private static byte[] inNamespace(String namespace) {
    ObjectNode review = Pods.json(Pods.recorded("pod-unannotated-create"));
    ((ObjectNode) review.get("request")).put("namespace", namespace);
    return review.toString().getBytes(UTF_8);
  }

  @Test
  @DisplayName("count requests by outcome and namespace")
  void outcomes() {
    AdmissionHandler handler = handler();
    handler.handle(Pods.recorded("pod-unannotated-create"));
    handler.handle(Pods.recorded("pod-of-deployment-create"));
    handler.handle(Pods.recorded("pod-of-deployment-create"));
    handler.handle(Pods.review(Pods.annotated(Map.of(Annotations.SECRET_ARN, "not an arn!"))));
    handler.handle("{".getBytes(UTF_8));
    handler.handle(new byte[handler.maxBodyBytes() + 1]);
    assertThat(requests("unchanged", "default")).isEqualTo(1);
    assertThat(requests("patched", "default")).isEqualTo(2);
    assertThat(requests("refused", "default")).isEqualTo(1);
    assertThat(requests("malformed", "_none")).isEqualTo(1);
    assertThat(requests("too_large", "_none")).isEqualTo(1);
  }

  @Test
  @DisplayName("count mutators that threw or took too long")
  void failures() {
    AtomicLong now = new AtomicLong();
    AdmissionHandler handler =
        AdmissionHandler.builder()
            .mutator(
                (pod, request) -> {
                  if (request.dryRun()) {
                    throw new IllegalStateException();
                  }
                  now.addAndGet(Duration.ofSeconds(9).toNanos());
                  return PodVerdict.allow();
                })
            .mutator((pod, request) -> PodVerdict.allow())
            .nanoTime(now::get)
            .metrics(new AdmissionMetrics(registry))
            .build();
    handler.handle(Pods.recorded("pod-dry-run-create"));
    handler.handle(Pods.recorded("pod-of-deployment-create"));
    assertThat(requests("failed", "default")).isEqualTo(1);
    assertThat(requests("timed_out", "default")).isEqualTo(1);
    Timer timer = registry.get("secrets.admission.latency").tag("outcome", "timed_out").timer();
    assertThat(timer.count()).isEqualTo(1);
    assertThat(timer.totalTime(TimeUnit.SECONDS)).isEqualTo(9);
  }

  @Test
  @DisplayName("count injected containers and warnings")
  void containersAndWarnings() {
    AdmissionHandler handler = handler();
    handler.handle(Pods.recorded("pod-of-deployment-create"));
    handler.handle(
        Pods.review(
            Pods.annotated(
                Map.of(Annotations.SECRET_ARN, Pods.ARN, Annotations.PREFIX + "mount-pth", "/x"))));
    assertThat(counted("containers.injected")).isEqualTo(2);
    assertThat(counted("warnings")).isEqualTo(1);
  }

  @Test
  @DisplayName("tell a hundred namespaces apart and no more, whatever is sent")
  void bounded() {
    AdmissionHandler handler = handler();
    handler.handle(inNamespace("n".repeat(64)));
    for (int i = 0; i < 1000; i++) {
      handler.handle(inNamespace("namespace-" + i));
    }
    handler.handle(inNamespace("namespace-0"));
    handler.handle(inNamespace(""));
    assertThat(registry.find("secrets.admission.requests").counters()).hasSize(102);
    assertThat(requests("unchanged", "namespace-0")).isEqualTo(2);
    assertThat(requests("unchanged", "namespace-99")).isEqualTo(1);
    assertThat(requests("unchanged", "_other")).isEqualTo(901);
    assertThat(requests("unchanged", "_none")).isEqualTo(1);
  }

  @Test
  @DisplayName(
      "tell when the certificate expires, and whether something keeps it from being renewed")
  void certificate() {
    ServingCertificate certificate =
        ServingCertificate.selfSigned(Set.of("localhost"), Clock.systemUTC());
    new AdmissionMetrics(registry).watch(certificate);
    assertThat(registry.get("secrets.admission.certificate.expiry").gauge().value())
        .isEqualTo((double) certificate.notAfter().getEpochSecond());
    assertThat(registry.get("secrets.admission.certificate.problem").gauge().value()).isZero();
  }
}
