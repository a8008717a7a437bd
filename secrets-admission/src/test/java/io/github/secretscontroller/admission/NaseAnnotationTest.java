package io.github.secretscontroller.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("NASE's annotation nase.mhausenblas.info/secret-arn")
class NaseAnnotationTest {

  private static final String KEY = "nase.mhausenblas.info/secret-arn";
  private static final String PROFILE = "nativeSecrets: {profile: nase}\n";

  private static AdmissionHandler handler() {
    return Pods.handler(InjectorConfig.fromYaml(PROFILE).fetcherImage(Pods.IMAGE).build());
  }

  @Test
  @DisplayName("brings a pod the secret as the file nase, with the operator's profile")
  void injected() {
    ObjectNode admitted = Pods.admitted(handler(), Pods.annotated(Map.of(KEY, Pods.ARN)));
    SecretFile file = Pods.plan(admitted).files().get(0);
    assertThat(file.secret()).isEqualTo(SecretReference.parse(Pods.ARN));
    assertThat(file.path()).isEqualTo("nase");
    assertThat(Pods.secretMounts(Pods.container(admitted, 0)))
        .containsExactly("/var/run/secrets/k8s.aws");
    assertThat(Pods.patch(Pods.respond(handler(), Pods.review(admitted)))).isEmpty();
  }

  @Test
  @DisplayName("goes with ours, and is no way round the policy")
  void together() {
    ObjectNode pod =
        Pods.annotated(Map.of(KEY, Pods.ARN, "secrets.k8s.aws/mount-path", "/etc/secrets"));
    assertThat(Pods.secretMounts(Pods.container(Pods.admitted(handler(), pod), 0)))
        .containsExactly("/etc/secrets");
    InjectorConfig strict =
        InjectorConfig.fromYaml(PROFILE)
            .fetcherImage(Pods.IMAGE)
            .policy(
                List.of(
                    new PolicyRule(
                        List.of("*"), List.of("*"), List.of(new ReferencePattern("other/*")))))
            .build();
    assertThat(Pods.refusal(Pods.handler(strict), pod))
        .contains("annotation secrets.k8s.aws/secret.nase names arn:");
  }

  @Test
  @DisplayName("is ignored without the profile, with a warning")
  void ignored() {
    JsonNode response =
        Pods.respond(Pods.handler(), Pods.review(Pods.annotated(Map.of(KEY, Pods.ARN))));
    assertThat(Pods.patch(response)).isEmpty();
    assertThat(Pods.warnings(response))
        .containsExactly(
            "annotation nase.mhausenblas.info/secret-arn is NASE's, and ignored; write"
                + " secrets.k8s.aws/secret.nase, or ask the operator for nativeSecrets.profile:"
                + " nase");
  }

  @Test
  @DisplayName("on a Deployment, where NASE looked for it, is told to belong to the template")
  void deployment() {
    ObjectNode review = Pods.json(Pods.recorded("deployment-create"));
    ObjectNode deployment = (ObjectNode) review.at("/request/object");
    Pods.annotate((ObjectNode) deployment.at("/spec/template"), Map.of());
    Pods.annotate(deployment, Map.of(KEY, Pods.ARN, "other", "annotation"));
    assertThat(Pods.warnings(Pods.respond(handler(), review.toString().getBytes(UTF_8))))
        .containsExactly(
            "annotation nase.mhausenblas.info/secret-arn of the Deployment webserver itself has no"
                + " effect; move it to the metadata of the pod template");
    Pods.annotate((ObjectNode) deployment.at("/spec/template"), Map.of(KEY, Pods.ARN));
    assertThat(Pods.warnings(Pods.respond(handler(), review.toString().getBytes(UTF_8)))).isEmpty();
  }
}
