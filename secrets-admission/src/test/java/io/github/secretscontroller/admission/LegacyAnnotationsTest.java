package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The original injector's annotation")
class LegacyAnnotationsTest {

  private static final AdmissionHandler HANDLER = Pods.handler();

  private static ObjectNode admitted(Map<String, String> annotations) {
    return Pods.admitted(HANDLER, Pods.annotated(annotations));
  }

  private static String refusal(Map<String, String> annotations) {
    return Pods.refusal(HANDLER, Pods.annotated(annotations));
  }

  private static JsonNode response(Map<String, String> annotations) {
    return Pods.respond(HANDLER, Pods.review(Pods.annotated(annotations)));
  }

  @Nested
  @DisplayName("secret-arn")
  class SecretArn {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-password-hlRvvF",
          "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-password",
          "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:db-hlRvvF",
          "database-password",
          "prod/db/password",
          "ssm:/prod/db",
        })
    @DisplayName("alone gives /tmp/secret in every container")
    void alone(String secret) {
      ObjectNode pod = admitted(Map.of("secrets.k8s.aws/secret-arn", secret));
      assertThat(Pods.plan(pod).files())
          .singleElement()
          .satisfies(
              file -> {
                assertThat(file.secret()).hasToString(secret);
                assertThat(file.path()).isEqualTo("secret");
                assertThat(file.mode()).isEqualTo(0444);
                assertThat(file.optional()).isFalse();
              });
      assertThat(Pods.secretMounts(Pods.container(pod, 0))).containsExactly("/tmp");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "no secret!",
          "arn:aws:iam::123456789012:role/reader",
          "arn:aws:secretsmanager:us-east-1:1:secret:short-account",
          "https://example.com",
          "arn:aws:secretsmanager:us-east-1:123456789012:secret:db:password::",
        })
    @DisplayName("that names no secret is refused with pod, annotation, value and fix")
    void noSecret(String value) {
      assertThat(refusal(Map.of("secrets.k8s.aws/secret-arn", value)))
          .contains(
              "pod of ReplicaSet webserver-66f6bb988f in namespace default",
              "annotation secrets.k8s.aws/secret-arn is \"" + value + "\"",
              "give");
    }
  }

  @Nested
  @DisplayName("secret-filename")
  class SecretFilename {

    @ParameterizedTest
    @CsvSource({
      "a, a",
      "/a, a",
      "/d/b, d/b",
      "x/b, x/b",
      "'', secret",
      "/, secret",
      "/d/, d/secret",
    })
    @DisplayName("is a path inside of the volume; a leading slash is the volume's root")
    void inside(String value, String path) {
      ObjectNode pod =
          admitted(
              Map.of(
                  "secrets.k8s.aws/secret-arn",
                  Pods.ARN,
                  "secrets.k8s.aws/secret-filename",
                  value));
      assertThat(Pods.plan(pod).files()).extracting(file -> file.path()).containsExactly(path);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {"../x", "/../tmp/t", "a/../../b", "a//b", "./a", "..data", "a\nb", "//a"})
    @DisplayName("that could leave the volume is refused with the fix")
    void outside(String value) {
      assertThat(
              refusal(
                  Map.of(
                      "secrets.k8s.aws/secret-arn",
                      Pods.ARN,
                      "secrets.k8s.aws/secret-filename",
                      value)))
          .contains(
              "annotation secrets.k8s.aws/secret-filename is \"" + value.replace('\n', '?') + "\"",
              "give a path inside the volume");
    }
  }

  @Nested
  @DisplayName("mount-path")
  class MountPathAnnotation {

    @ParameterizedTest
    @CsvSource({"/my-secret-path, /my-secret-path", "/etc/app/, /etc/app", "/tmp/, /tmp"})
    @DisplayName("says where the volume is mounted")
    void where(String value, String path) {
      ObjectNode pod =
          admitted(
              Map.of("secrets.k8s.aws/secret-arn", Pods.ARN, "secrets.k8s.aws/mount-path", value));
      assertThat(Pods.secretMounts(Pods.container(pod, 0))).containsExactly(path);
    }

    @Test
    @DisplayName("is read-only, but for the legacy /tmp, where programs write")
    void readOnly() {
      ObjectNode tmp = admitted(Map.of("secrets.k8s.aws/secret-arn", Pods.ARN));
      ObjectNode other =
          admitted(
              Map.of("secrets.k8s.aws/secret-arn", Pods.ARN, "secrets.k8s.aws/mount-path", "/my"));
      assertThat(mount(tmp).has("readOnly")).isFalse();
      assertThat(mount(other).get("readOnly").booleanValue()).isTrue();
      assertThat(volume(tmp).get("emptyDir").get("sizeLimit").textValue()).isEqualTo("256Mi");
      assertThat(volume(other).get("emptyDir").get("sizeLimit").textValue()).isEqualTo("16Mi");
    }

    private JsonNode mount(ObjectNode pod) {
      return PodTree.find(Pods.container(pod, 0), "volumeMounts", "name", "secret-vol")
          .orElseThrow();
    }

    private JsonNode volume(ObjectNode pod) {
      return PodTree.find(pod.get("spec"), "volumes", "name", "secret-vol").orElseThrow();
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "tmp",
          "",
          "/",
          "//",
          "/proc",
          "/proc/self",
          "/sys/fs",
          "/dev",
          "/dev/shm",
          "/a/../b",
          "/a//b",
          "/a:b",
          "/var",
          "/var/run/secrets",
          "/var/run/secrets/kubernetes.io/serviceaccount",
          "/var/run/secrets/kubernetes.io/serviceaccount/deeper",
          "/var/run/secrets/eks.amazonaws.com/serviceaccount",
          "/run/secrets",
        })
    @DisplayName("that can't be is refused with the fix")
    void refused(String value) {
      assertThat(
              refusal(
                  Map.of(
                      "secrets.k8s.aws/secret-arn", Pods.ARN, "secrets.k8s.aws/mount-path", value)))
          .contains("annotation secrets.k8s.aws/mount-path is \"" + value + "\"")
          .containsAnyOf("must", "choose another directory", "name a directory", "leave them out");
    }
  }

  @Nested
  @DisplayName("sidecarInjectorWebhook")
  class Switch {

    @Test
    @DisplayName("enabled changes nothing, since a secret alone is enough")
    void enabled() {
      ObjectNode pod =
          admitted(
              Map.of(
                  "secrets.k8s.aws/secret-arn",
                  Pods.ARN,
                  "secrets.k8s.aws/sidecarInjectorWebhook",
                  "enabled"));
      assertThat(Pods.secretMounts(Pods.container(pod, 0))).containsExactly("/tmp");
    }

    @Test
    @DisplayName("disabled always wins, even over mistakes")
    void disabled() {
      JsonNode response =
          response(
              Map.of(
                  "secrets.k8s.aws/secret-arn", "no secret!",
                  "secrets.k8s.aws/sidecarInjectorWebhook", "disabled"));
      assertThat(response.get("allowed").booleanValue()).isTrue();
      assertThat(response.has("patch")).isFalse();
    }

    @Test
    @DisplayName("with any other value is a warning")
    void unknown() {
      JsonNode response =
          response(
              Map.of(
                  "secrets.k8s.aws/secret-arn",
                  Pods.ARN,
                  "secrets.k8s.aws/sidecarInjectorWebhook",
                  "Disable"));
      assertThat(response.has("patch")).isTrue();
      assertThat(Pods.warnings(response))
          .containsExactly(
              "secrets.k8s.aws/sidecarInjectorWebhook is \"Disable\", which is neither \"enabled\""
                  + " nor \"disabled\"; the secrets are injected all the same");
    }

    @Test
    @DisplayName("enabled without a secret is a warning")
    void nothingToInject() {
      assertThat(
              Pods.warnings(response(Map.of("secrets.k8s.aws/sidecarInjectorWebhook", "enabled"))))
          .containsExactly(
              "annotation secrets.k8s.aws/sidecarInjectorWebhook has no effect, since no secret is"
                  + " named; add secrets.k8s.aws/secret-arn or secrets.k8s.aws/secret.NAME");
    }
  }

  @Nested
  @DisplayName("list of secrets (the never-merged multi-secret dialect)")
  class MultiSecret {

    private static final String OTHER =
        "arn:aws:secretsmanager:eu-west-3:123456789012:secret:api-key-Ab12Cd";

    @Test
    @DisplayName("puts each secret at its own path, by default /secrets/NAME")
    void list() {
      ObjectNode pod =
          admitted(Map.of("secrets.k8s.aws/secret-arn", Pods.ARN + ":/etc/db/password, " + OTHER));
      assertThat(Pods.plan(pod).files())
          .extracting(file -> file.secret() + " " + file.path())
          .containsExactly(Pods.ARN + " etc/db/password", OTHER + " secrets/api-key-Ab12Cd");
      assertThat(PodTree.objects(Pods.container(pod, 0), "volumeMounts"))
          .filteredOn(mount -> PodTree.text(mount, "name").equals("secret-vol"))
          .extracting(JsonNode::toString)
          .containsExactly(
              "{\"name\":\"secret-vol\",\"mountPath\":\"/etc/db/password\","
                  + "\"subPath\":\"etc/db/password\",\"readOnly\":true}",
              "{\"name\":\"secret-vol\",\"mountPath\":\"/secrets/api-key-Ab12Cd\","
                  + "\"subPath\":\"secrets/api-key-Ab12Cd\",\"readOnly\":true}");
    }

    @Test
    @DisplayName("selects that layout by a path behind a single secret, too")
    void singleWithPath() {
      ObjectNode pod = admitted(Map.of("secrets.k8s.aws/secret-arn", Pods.ARN + ":/etc/db"));
      assertThat(Pods.secretMounts(Pods.container(pod, 0))).containsExactly("/etc/db");
    }

    @Test
    @DisplayName("ignores mount-path and secret-filename, with a warning")
    void ignored() {
      JsonNode response =
          response(
              Map.of(
                  "secrets.k8s.aws/secret-arn", Pods.ARN + ":/etc/db",
                  "secrets.k8s.aws/mount-path", "/x",
                  "secrets.k8s.aws/secret-filename", "y"));
      assertThat(Pods.warnings(response))
          .hasSize(2)
          .allMatch(warning -> warning.contains("is ignored"));
    }

    @ParameterizedTest
    @ValueSource(strings = {":/proc/x", ":/a/../b", ",,", ":/x,other:/x", ":/x,other:/x/y", ","})
    @DisplayName("is refused for a path that can't be, an empty entry or a path used twice")
    void refused(String rest) {
      assertThat(refusal(Map.of("secrets.k8s.aws/secret-arn", Pods.ARN + rest)))
          .contains("annotation secrets.k8s.aws/secret-arn is ");
    }
  }

  @Nested
  @DisplayName("layout")
  class Layout {

    @Test
    @DisplayName("multi-secret puts a single ARN without a path at /secrets/NAME")
    void multi() {
      ObjectNode pod =
          admitted(
              Map.of(
                  "secrets.k8s.aws/secret-arn",
                  Pods.ARN,
                  "secrets.k8s.aws/layout",
                  "multi-secret"));
      assertThat(Pods.secretMounts(Pods.container(pod, 0)))
          .containsExactly("/secrets/database-password-hlRvvF");
    }

    @Test
    @DisplayName("single-secret is what a single ARN has anyway")
    void single() {
      ObjectNode pod =
          admitted(
              Map.of(
                  "secrets.k8s.aws/secret-arn",
                  Pods.ARN,
                  "secrets.k8s.aws/layout",
                  "single-secret"));
      assertThat(Pods.secretMounts(Pods.container(pod, 0))).containsExactly("/tmp");
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "db | both | it must be single-secret or multi-secret",
          "a,b | single-secret | lists several secrets or a path, which is the layout multi-secret",
        })
    @DisplayName("that is unknown, or contradicts the list, is refused")
    void refused(String secret, String layout, String reason) {
      assertThat(
              refusal(
                  Map.of("secrets.k8s.aws/secret-arn", secret, "secrets.k8s.aws/layout", layout)))
          .contains("annotation secrets.k8s.aws/layout is \"" + layout + "\"", reason);
    }

    @ParameterizedTest
    @ValueSource(strings = {"layout", "secret-filename"})
    @DisplayName("and secret-filename mean nothing without secret-arn: a warning")
    void stray(String key) {
      assertThat(
              Pods.warnings(
                  response(
                      Map.of("secrets.k8s.aws/secret.db", "db", "secrets.k8s.aws/" + key, "x"))))
          .containsExactly(
              "secrets.k8s.aws/"
                  + key
                  + " is ignored, since there is no secrets.k8s.aws/secret-arn");
    }
  }

  @Nested
  @DisplayName("with a mistake")
  class Mistakes {

    @Test
    @DisplayName("is reported together with all the other mistakes")
    void allAtOnce() {
      assertThat(
              refusal(
                  Map.of(
                      "secrets.k8s.aws/secret-arn", "no secret!",
                      "secrets.k8s.aws/mount-path", "relative",
                      "secrets.k8s.aws/secret-filename", "../up")))
          .contains(
              "for 3 reasons: (1) ", "; (2) ", "; (3) ", "\"no secret!\"", "\"relative\"", "../up");
    }

    @ParameterizedTest
    @CsvSource({
      "secret.k8s.aws/secret-arn, the prefix is secrets.k8s.aws/",
      "Secrets.k8s.aws/secret-arn, the prefix is secrets.k8s.aws/",
      "secrets.k8.aws/secret-arn, the prefix is secrets.k8s.aws/",
      "secrets.k8s.aws/secret-anr, did you mean secrets.k8s.aws/secret-arn?",
      "secrets.k8s.aws/mountpath, did you mean secrets.k8s.aws/mount-path?",
      "secrets.k8s.aws/completely-different-thing, is unknown and ignored",
    })
    @DisplayName("in the key is a warning")
    void nearMisses(String key, String warning) {
      JsonNode response = response(Map.of(key, Pods.ARN));
      assertThat(response.get("allowed").booleanValue()).isTrue();
      assertThat(response.has("patch")).isFalse();
      assertThat(Pods.warnings(response))
          .singleElement()
          .satisfies(text -> assertThat(text).contains(key, warning));
    }

    @Test
    @DisplayName("is no mistake if it belongs to somebody else")
    void foreignKeys() {
      JsonNode response =
          response(Map.of("vault.hashicorp.com/agent-inject", "true", "secrets", "x"));
      assertThat(response.has("warnings")).isFalse();
    }
  }
}
