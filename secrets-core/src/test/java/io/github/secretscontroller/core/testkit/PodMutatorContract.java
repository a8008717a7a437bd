package io.github.secretscontroller.core.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What every {@link PodMutator} does; see {@link SecretSourceContract} for how to extend it. */
@DisplayName("A pod mutator")
public abstract class PodMutatorContract {

  /** The mutator under test. */
  protected abstract PodMutator mutator();

  /** Pods that it changes, at least one; the contract works on copies. */
  protected abstract List<ObjectNode> podsThatItChanges();

  /** Pods that it leaves as they are, at least one. */
  protected abstract List<ObjectNode> podsThatItLeavesAlone();

  @Test
  @DisplayName("changes what it should, and allows it")
  void changes() {
    for (ObjectNode pod : podsThatItChanges()) {
      ObjectNode after = pod.deepCopy();
      assertThat(mutator().mutate(after, requestFor(pod))).isInstanceOf(PodVerdict.Allowed.class);
      assertThat(after).isNotEqualTo(pod);
    }
  }

  @Test
  @DisplayName("declares its concern for each pod that it changes")
  void concerns() {
    for (ObjectNode pod : podsThatItChanges()) {
      assertThat(mutator().concerns(requestFor(pod))).isTrue();
    }
  }

  @Test
  @DisplayName("leaves the others exactly as they are")
  void leavesAlone() {
    for (ObjectNode pod : podsThatItLeavesAlone()) {
      ObjectNode after = pod.deepCopy();
      assertThat(mutator().mutate(after, requestFor(pod))).isInstanceOf(PodVerdict.Allowed.class);
      assertThat(after).isEqualTo(pod);
    }
  }

  @Test
  @DisplayName("changes nothing more when it sees its own result")
  void idempotent() {
    for (ObjectNode pod : podsThatItChanges()) {
      ObjectNode once = pod.deepCopy();
      mutator().mutate(once, requestFor(pod));
      ObjectNode twice = once.deepCopy();
      mutator().mutate(twice, requestFor(once));
      assertThat(twice).isEqualTo(once);
    }
  }

  @Test
  @DisplayName("keeps fields that nobody knows yet, wherever they are")
  void unknownFields() {
    for (ObjectNode pod : podsThatItChanges()) {
      ObjectNode before = pod.deepCopy();
      List<ObjectNode> marked = new ArrayList<>();
      mark(before, marked);
      int marks = marked.size();
      mutator().mutate(before, requestFor(pod));
      List<ObjectNode> left = new ArrayList<>();
      findMarks(before, left);
      assertThat(left).hasSizeGreaterThanOrEqualTo(marks);
    }
  }

  @Test
  @DisplayName("behaves the same in a dry run")
  void dryRun() {
    for (ObjectNode pod : podsThatItChanges()) {
      ObjectNode real = pod.deepCopy();
      mutator().mutate(real, requestFor(pod));
      ObjectNode dry = pod.deepCopy();
      mutator().mutate(dry, request(pod, true));
      assertThat(dry).isEqualTo(real);
    }
  }

  @Test
  @DisplayName("gives each of many threads the same answer")
  void concurrently() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      for (ObjectNode pod : podsThatItChanges()) {
        ObjectNode expected = pod.deepCopy();
        mutator().mutate(expected, requestFor(pod));
        PodMutator shared = mutator();
        List<Future<ObjectNode>> results = new ArrayList<>();
        for (int i = 0; i < 32; i++) {
          results.add(
              threads.submit(
                  () -> {
                    ObjectNode after = pod.deepCopy();
                    shared.mutate(after, requestFor(pod));
                    return after;
                  }));
        }
        for (Future<ObjectNode> result : results) {
          assertThat(result.get()).isEqualTo(expected);
        }
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** The request with which the API server would send this pod. */
  protected static PodRequest requestFor(ObjectNode pod) {
    return request(pod, false);
  }

  private static PodRequest request(ObjectNode pod, boolean dryRun) {
    JsonNode metadata = pod.path("metadata");
    Map<String, String> annotations = new HashMap<>();
    metadata
        .path("annotations")
        .properties()
        .forEach(entry -> annotations.put(entry.getKey(), entry.getValue().asText()));
    return new PodRequest(
        "00000000-0000-4000-8000-000000000001",
        metadata.path("namespace").asText("default"),
        text(metadata, "name"),
        null,
        text(metadata, "generateName"),
        "CREATE",
        dryRun,
        "system:serviceaccount:kube-system:replicaset-controller",
        annotations);
  }

  private static @Nullable String text(JsonNode node, String field) {
    JsonNode value = node.get(field);
    return value == null || value.isNull() ? null : value.asText();
  }

  private static void mark(JsonNode node, List<ObjectNode> marked) {
    List<JsonNode> children = new ArrayList<>();
    node.forEach(children::add);
    children.forEach(child -> mark(child, marked));
    // Maps of strings to strings aren't objects that can have a field from the future.
    boolean object = node.isObject() && !node.isEmpty() && !holdsOnlyText(node);
    if (object) {
      ObjectNode fromTheFuture = ((ObjectNode) node).putObject("fieldFromTheFuture");
      fromTheFuture.put("kept", true);
      marked.add(fromTheFuture);
    }
  }

  private static boolean holdsOnlyText(JsonNode node) {
    for (JsonNode child : node) {
      if (!child.isTextual()) {
        return false;
      }
    }
    return true;
  }

  private static void findMarks(JsonNode node, List<ObjectNode> found) {
    if (node.get("fieldFromTheFuture") instanceof ObjectNode mark) {
      found.add(mark);
    }
    node.forEach(child -> findMarks(child, found));
  }
}
