package io.github.secretscontroller.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The admission handler")
class AdmissionHandlerTest {

  private static final String REVIEW = "pod-of-deployment-create";

  private static AdmissionHandler with(PodMutator... mutators) {
    AdmissionHandler.Builder builder = AdmissionHandler.builder();
    for (PodMutator mutator : mutators) {
      builder.mutator(mutator);
    }
    return builder.build();
  }

  private static PodMutator label(String key, String value) {
    return (pod, request) -> {
      PodTree.objectOf((ObjectNode) pod.get("metadata"), "labels").put(key, value);
      return PodVerdict.allow();
    };
  }

  private static final PodMutator NEVER =
      (pod, request) -> {
        throw new AssertionError("must not be called");
      };

  @Nested
  @DisplayName("answers")
  class Answers {

    @ParameterizedTest
    @CsvSource({
      "pod-of-deployment-create, admission.k8s.io/v1",
      "pod-review-v1beta1-create, admission.k8s.io/v1beta1"
    })
    @DisplayName("in the version of the request, with its uid")
    void versionAndUid(String recorded, String version) {
      byte[] request = Pods.recorded(recorded);
      AdmissionReply reply = with().handle(request);
      assertThat(reply.httpStatus()).isEqualTo(200);
      assertThat(reply.contentType()).isEqualTo("application/json");
      ObjectNode review = Pods.json(reply.body());
      assertThat(review.get("kind").textValue()).isEqualTo("AdmissionReview");
      assertThat(review.get("apiVersion").textValue()).isEqualTo(version);
      assertThat(review.get("response").get("uid"))
          .isEqualTo(Pods.json(request).get("request").get("uid"));
      assertThat(review.get("response").get("allowed").booleanValue()).isTrue();
    }

    @Test
    @DisplayName("without a patch where nothing changes")
    void noPatch() {
      JsonNode response = Pods.respond(with((p, r) -> PodVerdict.allow()), Pods.recorded(REVIEW));
      assertThat(response.has("patch")).isFalse();
      assertThat(response.has("patchType")).isFalse();
    }

    @Test
    @DisplayName("with a JSON Patch of what the mutators changed, each seeing the one before")
    void patch() {
      PodMutator copiesLabel =
          (pod, request) ->
              label("second", pod.get("metadata").get("labels").get("first").textValue())
                  .mutate(pod, request);
      JsonNode response =
          Pods.respond(with(label("first", "1"), copiesLabel), Pods.recorded(REVIEW));
      assertThat(response.get("patchType").textValue()).isEqualTo("JSONPatch");
      assertThat(Pods.patch(response).toString())
          .isEqualTo(
              "[{\"op\":\"add\",\"path\":\"/metadata/labels/first\",\"value\":\"1\"},"
                  + "{\"op\":\"add\",\"path\":\"/metadata/labels/second\",\"value\":\"1\"}]");
    }

    @Test
    @DisplayName("with the warnings and audit annotations of all mutators")
    void warnings() {
      PodMutator one =
          (p, r) -> new PodVerdict.Allowed(List.of("first"), Map.of("b", "2", "a", "1"));
      PodMutator two = (p, r) -> new PodVerdict.Allowed(List.of("second"), Map.of("c", "3"));
      JsonNode response = Pods.respond(with(one, two), Pods.recorded(REVIEW));
      assertThat(Pods.warnings(response)).containsExactly("first", "second");
      assertThat(response.get("auditAnnotations").toString())
          .isEqualTo("{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}");
    }

    @Test
    @DisplayName("with warnings on one line each, since the API server drops others")
    void oneLine() {
      PodMutator talks = (p, r) -> new PodVerdict.Allowed(List.of("two\nlines\u0007"), Map.of());
      assertThat(Pods.warnings(Pods.respond(with(talks), Pods.recorded(REVIEW))))
          .containsExactly("two lines ");
    }

    @ParameterizedTest
    @CsvSource({"400, BadRequest", "403, Forbidden", "422, Invalid"})
    @DisplayName("with a refusal's code, reason and message, and drops all changes")
    void refusal(int code, String reason) {
      JsonNode response =
          Pods.respond(
              with(label("a", "b"), (p, r) -> PodVerdict.refuse(code, "because"), NEVER),
              Pods.recorded(REVIEW));
      assertThat(response.get("allowed").booleanValue()).isFalse();
      assertThat(response.get("status").get("code").intValue()).isEqualTo(code);
      assertThat(response.get("status").get("reason").textValue()).isEqualTo(reason);
      assertThat(Pods.message(response)).isEqualTo("because");
      assertThat(response.has("patch")).isFalse();
    }

    @Test
    @DisplayName("a mutator that throws with code 500 and the exception's class, not its message")
    void mutatorThrows() {
      PodMutator broken =
          (p, r) -> {
            throw new IllegalStateException("quotes hunter2");
          };
      JsonNode response = Pods.respond(with(label("a", "b"), broken), Pods.recorded(REVIEW));
      assertThat(response.get("allowed").booleanValue()).isFalse();
      assertThat(response.get("status").get("code").intValue()).isEqualTo(500);
      assertThat(Pods.message(response))
          .contains("java.lang.IllegalStateException", "pod of ReplicaSet webserver-66f6bb988f")
          .doesNotContain("hunter2");
    }

    @Test
    @DisplayName("a mutator that recurses without end with code 500")
    void mutatorOverflows() {
      PodMutator[] endless = new PodMutator[1];
      endless[0] = (p, r) -> endless[0].mutate(p, r);
      JsonNode response = Pods.respond(with(endless), Pods.recorded(REVIEW));
      assertThat(response.get("status").get("code").intValue()).isEqualTo(500);
    }
  }

  @Nested
  @DisplayName("hands to mutators")
  class HandsOn {

    @Test
    @DisplayName("the facts of the request, and the pod to its last digit")
    void facts() {
      AtomicReference<PodRequest> seen = new AtomicReference<>();
      ObjectNode pod = Pods.recordedPod(REVIEW);
      ObjectNode received = pod.objectNode();
      PodMutator mutator =
          (p, r) -> {
            seen.set(r);
            received.setAll(p);
            return PodVerdict.allow();
          };
      Pods.respond(with(mutator), Pods.recorded(REVIEW));
      assertThat(received).isEqualTo(pod);
      PodRequest request = seen.get();
      assertThat(request.uid()).isEqualTo("48a4225e-2558-4b49-b83f-fd9ad5a64396");
      assertThat(request.namespace()).isEqualTo("default");
      assertThat(request.podName()).isNull();
      assertThat(request.generateName()).isEqualTo("webserver-66f6bb988f-");
      assertThat(request.owner()).isEqualTo("ReplicaSet webserver-66f6bb988f");
      assertThat(request.operation()).isEqualTo("CREATE");
      assertThat(request.dryRun()).isFalse();
      assertThat(request.userName()).isEqualTo("lab-admin");
      assertThat(request.annotations())
          .containsOnly(
              Map.entry("secrets.k8s.aws/secret-arn", Pods.ARN),
              Map.entry("secrets.k8s.aws/sidecarInjectorWebhook", "enabled"));
    }

    @Test
    @DisplayName("whether the request is a dry run")
    void dryRun() {
      List<Boolean> seen = new ArrayList<>();
      PodMutator mutator =
          (p, r) -> {
            seen.add(r.dryRun());
            return PodVerdict.allow();
          };
      Pods.respond(with(mutator), Pods.recorded("pod-dry-run-create"));
      assertThat(seen).containsExactly(true);
    }

    @Test
    @DisplayName("only pods that concern one of them")
    void concern() {
      PodMutator unconcerned =
          new PodMutator() {
            @Override
            public boolean concerns(PodRequest request) {
              return false;
            }

            @Override
            public PodVerdict mutate(ObjectNode pod, PodRequest request) {
              throw new AssertionError("must not be called");
            }
          };
      assertThat(Pods.respond(with(unconcerned), Pods.recorded(REVIEW)).get("allowed"))
          .isEqualTo(BooleanNode.TRUE);
    }

    @Test
    @DisplayName("no other resource, sub-resource or operation")
    void others() {
      AdmissionHandler handler = with(NEVER);
      assertThat(Pods.respond(handler, Pods.recorded("secret-kubectl-create")).get("allowed"))
          .isEqualTo(BooleanNode.TRUE);
      for (Map.Entry<String, String> change :
          Map.of("operation", "UPDATE", "subResource", "ephemeralcontainers").entrySet()) {
        ObjectNode review = Pods.json(Pods.recorded(REVIEW));
        ((ObjectNode) review.get("request")).put(change.getKey(), change.getValue());
        JsonNode response = Pods.respond(handler, review.toString().getBytes(UTF_8));
        assertThat(response.get("allowed").booleanValue()).isTrue();
      }
    }

    @Test
    @DisplayName("no connect or delete, whose object is null")
    void nullObject() {
      ObjectNode review = Pods.json(Pods.recorded(REVIEW));
      ((ObjectNode) review.get("request")).put("operation", "DELETE").putNull("object");
      assertThat(Pods.respond(with(NEVER), review.toString().getBytes(UTF_8)).get("allowed"))
          .hasToString("true");
    }
  }

  @Nested
  @DisplayName("calls a body that is no AdmissionReview")
  class Malformed {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "null",
          "[]",
          "\"text\"",
          "{",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\"}",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":null}",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":[]}",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{}}",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v2\","
              + "\"request\":{\"uid\":\"1\"}}",
          "{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"request\":{\"uid\":\"1\"}}",
          "{\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{\"uid\":\"1\"}}",
          "{\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"1\"}}",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\","
              + "\"request\":{\"uid\":\"1\"}} trailing",
          "{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":"
              + "{\"uid\":\"1\",\"operation\":\"CREATE\",\"resource\":"
              + "{\"group\":\"\",\"version\":\"v1\",\"resource\":\"pods\"}}}",
        })
    @DisplayName("a bad request, with the reason")
    void badRequest(String body) {
      AdmissionReply reply = with(NEVER).handle(body.getBytes(UTF_8));
      assertThat(reply.httpStatus()).isEqualTo(400);
      assertThat(reply.contentType()).startsWith("text/plain");
      assertThat(new String(reply.body(), UTF_8)).startsWith("not an AdmissionReview: ");
    }

    @Test
    @DisplayName("a bad request without quoting what it held")
    void doesNotQuote() {
      AdmissionReply reply = with().handle("{\"kind\": hunter2}".getBytes(UTF_8));
      assertThat(new String(reply.body(), UTF_8))
          .contains("line 1, column")
          .doesNotContain("hunter2");
    }

    @Test
    @DisplayName("a bad request if it isn't in UTF-8")
    void notUtf8() {
      String body = new String(Pods.recorded(REVIEW), UTF_8);
      AdmissionReply reply = with().handle(body.getBytes(StandardCharsets.UTF_16LE));
      assertThat(reply.httpStatus()).isEqualTo(400);
    }

    @Test
    @DisplayName("a bad request if an annotation is no text")
    void annotationIsNumber() {
      String body = new String(Pods.recorded(REVIEW), UTF_8).replace("\"enabled\"", "1");
      AdmissionReply reply = with().handle(body.getBytes(UTF_8));
      assertThat(reply.httpStatus()).isEqualTo(400);
      assertThat(new String(reply.body(), UTF_8)).contains("annotations");
    }

    @Test
    @DisplayName("a bad request if it nests deeper than anything sensible")
    void tooDeep() {
      String deep = "{\"request\":" + "[".repeat(100_000);
      assertThat(with().handle(deep.getBytes(UTF_8)).httpStatus()).isEqualTo(400);
    }

    @Test
    @DisplayName("too large beyond the limit, by default 4 MiB")
    void tooLarge() {
      assertThat(with().maxBodyBytes()).isEqualTo(4 * 1024 * 1024);
      assertThat(with().handle(new byte[4 * 1024 * 1024 + 1]).httpStatus()).isEqualTo(413);
      byte[] review = Pods.recorded(REVIEW);
      AdmissionHandler exact = AdmissionHandler.builder().maxBodyBytes(review.length).build();
      assertThat(exact.handle(review).httpStatus()).isEqualTo(200);
      AdmissionHandler less = AdmissionHandler.builder().maxBodyBytes(review.length - 1).build();
      assertThat(less.handle(review).httpStatus()).isEqualTo(413);
    }

    @Test
    @DisplayName("and takes no limit below one byte")
    void limit() {
      assertThatThrownBy(() -> AdmissionHandler.builder().maxBodyBytes(0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("maxBodyBytes");
    }
  }
}
