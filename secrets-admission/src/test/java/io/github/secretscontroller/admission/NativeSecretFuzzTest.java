package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.testkit.RecordedReviews;
import io.github.secretscontroller.core.DirectorySecretStore;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** Runs on the recorded reviews only, unless started by {@code .ci/fuzz}. */
@DisplayName("Whatever is sent as a Secret,")
class NativeSecretFuzzTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path root;

  static Stream<byte[]> seeds() {
    return Stream.of(
            "secret-binary-create",
            "secret-kubectl-apply-create",
            "secret-kubectl-apply-update",
            "secret-kubectl-patch-update",
            "secret-server-side-apply-create")
        .map(RecordedReviews::bytes);
  }

  @DisplayName("no value of it is let through")
  @MethodSource("seeds")
  @FuzzTest(maxDuration = "10s")
  void handle(byte[] body) throws Exception {
    DirectorySecretStore store = new DirectorySecretStore(root);
    NativeSecretsConfig config =
        NativeSecretsConfig.builder().cluster("prod").namespaces(List.of("default")).build();
    AdmissionHandler handler =
        AdmissionHandler.builder()
            .secrets(NativeSecretInterceptor.of(config, "directory", store, store))
            .build();
    AdmissionReply reply = handler.handle(body, "timeout=10s");
    assertThat(reply.httpStatus()).isIn(200, 400);
    if (reply.httpStatus() == 200) {
      AdmissionReview review = AdmissionReviewReader.read(body);
      JsonNode response = JSON.readTree(reply.body()).get("response");
      if (response.get("allowed").booleanValue() && concerns(review)) {
        assertReplaced(review.tree(body), response);
      }
    }
  }

  /** Whether the operator's list of namespaces makes it native, if its type does. */
  private static boolean concerns(AdmissionReview review) {
    return Set.of("CREATE", "UPDATE").contains(review.operation())
        && review.resource().equals(new AdmissionReview.Resource("", "v1", "secrets"))
        && review.subResource().isEmpty()
        && review.namespace().equals("default")
        && review.hasObject();
  }

  private static void assertReplaced(ObjectNode sent, JsonNode response) throws Exception {
    if (!Set.of("", "Opaque").contains(sent.path("type").asText())) {
      return;
    }
    ObjectNode admitted = sent;
    if (response.has("patch")) {
      byte[] patch = Base64.getDecoder().decode(response.get("patch").textValue());
      admitted = Pods.apply((ArrayNode) JSON.readTree(patch), sent);
    }
    for (Map.Entry<String, JsonNode> entry : sent.path("data").properties()) {
      String value = entry.getValue().asText();
      if (value.length() > 4) {
        assertThat(admitted.path("data").toString()).doesNotContain('"' + value + '"');
      }
    }
  }
}
