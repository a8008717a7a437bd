package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.management.ThreadMXBean;
import io.github.secretscontroller.admission.testkit.RecordedReviews;
import io.kubernetes.client.openapi.models.V1Pod;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs on the recorded reviews only, unless {@code JAZZER_FUZZ=1}; see {@code .ci/fuzz}. */
@DisplayName("Whatever bytes are sent, the handler answers within bounds:")
class AdmissionHandlerFuzzTest {

  /** What the first use of a class may cost, beyond what the request's length explains. */
  private static final long ALLOCATED_ONCE = 16 * 1024 * 1024;

  /** Trees, copies and a patch together take about 25 bytes for each byte of a usual pod. */
  private static final long ALLOCATED_PER_BYTE = 400;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final AdmissionHandler handler = Pods.handler();

  static Stream<byte[]> seeds() {
    return Stream.concat(
        RecordedReviews.PODS.stream().map(RecordedReviews::bytes),
        Stream.of("deployment-create", "job-create", "secret-kubectl-create")
            .map(RecordedReviews::bytes));
  }

  @BeforeAll
  static void loadClasses() {
    seeds().forEach(Pods.handler()::handle);
  }

  @DisplayName("one body")
  @MethodSource("seeds")
  @FuzzTest(maxDuration = "20s")
  void handle(byte[] body) throws Exception {
    long most = ALLOCATED_ONCE + ALLOCATED_PER_BYTE * body.length;
    long before = THREADS.getCurrentThreadAllocatedBytes();
    AdmissionReply reply = handler.handle(body, "timeout=10s");
    if (THREADS.getCurrentThreadAllocatedBytes() - before >= most) {
      // The first body of its kind loads classes, which the fuzzer instruments; again, it doesn't.
      before = THREADS.getCurrentThreadAllocatedBytes();
      reply = handler.handle(body, "timeout=10s");
      assertThat(THREADS.getCurrentThreadAllocatedBytes() - before).isLessThan(most);
    }
    assertThat(reply.httpStatus()).isIn(200, 400);
    if (reply.httpStatus() == 400) {
      assertThat(new String(reply.body(), StandardCharsets.UTF_8))
          .startsWith("not an AdmissionReview: ")
          .endsWith("\n");
    } else {
      assertAnswers(body, JSON.readTree(reply.body()));
    }
  }

  private static void assertAnswers(byte[] body, JsonNode answer) throws Exception {
    AdmissionReview review = AdmissionReviewReader.read(body);
    assertThat(answer.get("apiVersion").textValue()).isEqualTo(review.apiVersion());
    JsonNode response = answer.get("response");
    assertThat(response.get("uid").textValue()).isEqualTo(review.uid());
    boolean allowed = response.get("allowed").booleanValue();
    assertThat(response.has("status")).isNotEqualTo(allowed);
    if (!allowed) {
      assertThat(response.get("status").get("code").intValue()).isBetween(400, 499);
      assertThat(response.get("status").get("message").textValue()).isNotBlank();
    }
    if (response.has("patch")) {
      assertThat(allowed).isTrue();
      ArrayNode patch =
          (ArrayNode) JSON.readTree(Base64.getDecoder().decode(response.get("patch").textValue()));
      assertKept(review.tree(body), Pods.apply(patch, review.tree(body)));
    }
  }

  /** All that the pod had is still there, but for what is ours and what it asked to resolve. */
  private static void assertKept(ObjectNode before, ObjectNode after) {
    ObjectNode theirs = before.deepCopy();
    if (theirs.at("/metadata/annotations") instanceof ObjectNode annotations) {
      if (annotations.has(PodWide.RESOLVE)) {
        return;
      }
      annotations.remove(List.of(Annotations.STATUS, Annotations.PLAN_DIGEST));
    }
    for (String list : List.of("initContainers", "containers")) {
      if (theirs.path("spec").path(list) instanceof ArrayNode containers) {
        containers.removeIf(c -> FetcherContainer.isOurName(PodTree.text(c, "name")));
      }
    }
    String lost = Kept.lost(theirs, after);
    if (lost != null && isTyped(before)) {
      throw new AssertionError(lost);
    }
  }

  /** Whether an API server can have sent it: it sends what its own types could hold. */
  private static boolean isTyped(ObjectNode pod) {
    try {
      io.kubernetes.client.openapi.JSON.deserialize(pod.toString(), V1Pod.class);
      return true;
    } catch (RuntimeException e) {
      return false;
    }
  }
}
