package io.github.secretscontroller.example;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A mutator of one's own, behind the injector,")
class ComposedMutatorsTest {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final AdmissionHandler handler =
      AdmissionHandler.builder()
          .mutator(new SecretInjector(InjectorConfig.builder().fetcherImage("f").build()))
          .mutator(new ProxyMutator("http://proxy.example:3128"))
          .build();

  private static String recorded() throws IOException {
    String name = "/admission-reviews/pod-of-deployment-create.json";
    try (InputStream in = ComposedMutatorsTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** The patch for a recorded pod that asks for a secret and for this. */
  private String patch(String proxy) throws Exception {
    String review =
        recorded()
            .replace(
                "\"annotations\":{",
                "\"annotations\":{\"network.example/proxy\":\"" + proxy + "\",");
    byte[] reply = handler.handle(review.getBytes(StandardCharsets.UTF_8)).body();
    JsonNode response = JSON.readTree(reply).get("response");
    return response.has("patch")
        ? new String(
            Base64.getDecoder().decode(response.get("patch").asText()), StandardCharsets.UTF_8)
        : response.path("status").path("message").asText();
  }

  @Test
  @DisplayName("sees the injected container, and changes it too")
  void both() throws Exception {
    assertThat(patch("enabled"))
        .contains("secrets-init-container")
        .containsPattern("initContainers.*SECRETS_PLAN.*HTTPS_PROXY");
  }

  @Test
  @DisplayName("can refuse the pod, which then isn't changed at all")
  void refused() throws Exception {
    assertThat(patch("on"))
        .isEqualTo(
            "pod of ReplicaSet webserver-66f6bb988f in namespace default: annotation"
                + " network.example/proxy must be \"enabled\" or left out");
  }
}
