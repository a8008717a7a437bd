package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.AdmissionReviewReader.MalformedReviewException;
import io.github.secretscontroller.core.PodRequest;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The facts of one AdmissionReview, read without building a tree of the object.
 *
 * @param apiVersion {@code admission.k8s.io/v1} or {@code v1beta1}; the answer repeats it
 * @param objectStart where {@code request.object} starts in the body, or -1 if there is none
 * @param objectEnd behind its last byte
 */
record AdmissionReview(
    String apiVersion,
    String uid,
    Resource resource,
    String subResource,
    String operation,
    String namespace,
    boolean dryRun,
    String userName,
    ObjectFacts object,
    int objectStart,
    int objectEnd) {

  /** A group, version and plural name, such as {@code "", "v1", "pods"}. */
  record Resource(String group, String version, String name) {}

  /** What {@code object.metadata} says. */
  record ObjectFacts(
      @Nullable String name,
      @Nullable String generateName,
      @Nullable String owner,
      Map<String, String> annotations) {

    static final ObjectFacts NONE = new ObjectFacts(null, null, null, Map.of());
  }

  private static final Resource PODS = new Resource("", "v1", "pods");

  // Numbers keep every digit, in case a mutator copies one.
  private static final ObjectReader TREE =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .disable(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES)
          .build()
          .reader();

  boolean createsPod() {
    return resource.equals(PODS) && subResource.isEmpty() && operation.equals("CREATE");
  }

  boolean hasObject() {
    return objectStart >= 0;
  }

  /**
   * The object as a tree of its own.
   *
   * @throws MalformedReviewException if Jackson can't read what was only skipped so far
   */
  ObjectNode tree(byte[] body) throws MalformedReviewException {
    try {
      return (ObjectNode) TREE.readTree(body, objectStart, objectEnd - objectStart);
    } catch (IOException e) {
      throw new MalformedReviewException("\"request.object\" can't be read as JSON");
    }
  }

  PodRequest podRequest() {
    return new PodRequest(
        uid,
        namespace,
        object.name(),
        object.owner(),
        object.generateName(),
        operation,
        dryRun,
        userName,
        object.annotations());
  }
}
