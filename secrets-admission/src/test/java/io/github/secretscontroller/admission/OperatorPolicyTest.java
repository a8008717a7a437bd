package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan.Sealed;
import io.github.secretscontroller.core.PodVerdict.Refused;
import io.github.secretscontroller.core.ReferencePattern;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The operator")
class OperatorPolicyTest {

  private static ObjectNode web() {
    return Pods.recordedPod("pod-of-deployment-create");
  }

  private static PolicyRule rule(String namespaces, String serviceAccounts, String... secrets) {
    return new PolicyRule(
        List.of(namespaces),
        List.of(serviceAccounts),
        List.of(secrets).stream().map(ReferencePattern::new).toList());
  }

  private static Asking asking(String secret, PolicyRule... rules) {
    return Asking.of(Mode.INIT)
        .config(Pods.config().policy(List.of(rules)))
        .file(secret, "secret", 0444);
  }

  @Nested
  @DisplayName("bounds by a policy")
  class Policy {

    @Test
    @DisplayName("which secrets a pod may name: all others are refused with what is allowed")
    void refused() {
      Refused refused =
          asking(
                  Pods.ARN,
                  rule("default", "web*", "shop/*", "ssm:/shop/*"),
                  rule("*", "*", "shared/*"))
              .refused(web());
      assertThat(refused.httpStatus()).isEqualTo(403);
      assertThat(refused.message())
          .isEqualTo(
              "pod default/web can't get its secrets: annotation secrets.k8s.aws/secret-arn names "
                  + Pods.ARN
                  + ", which the operator's policy doesn't allow to ServiceAccount"
                  + " webserver-service-account in namespace default; it allows shop/*,"
                  + " ssm:/shop/*, shared/*");
    }

    @Test
    @DisplayName("in the failover region as well, where an ARN is another one")
    void away() {
      String here = "arn:aws:secretsmanager:us-east-1:123456789012:secret:*";
      assertThat(
              asking(Pods.ARN, rule("*", "*", here)).failoverRegion("eu-central-1").refusal(web()))
          .isEqualTo(
              "pod default/web can't get its secrets: annotation secrets.k8s.aws/failover-region lets "
                  + Pods.ARN.replace("us-east-1", "eu-central-1")
                  + " be read, which the operator's policy doesn't allow to ServiceAccount"
                  + " webserver-service-account in namespace default; it allows "
                  + here);
      asking(Pods.ARN, rule("*", "*", here.replace("us-east-1", "*")))
          .failoverRegion("eu-central-1")
          .admitted(web());
      asking("prod/db", rule("*", "*", "prod/*")).failoverRegion("eu-central-1").admitted(web());
    }

    @ParameterizedTest
    @CsvSource({
      "default, *,                          database-password, true",
      "def*,    webserver-service-account, database-*,         true",
      "defaul?, webserver-*,               arn:aws:secretsmanager:us-east-1:123456789012:secret:*, true",
      "team-*,  *,                         *,                  false",
      "default, default,                   *,                  false",
      "default, *,                         arn:aws:secretsmanager:*:210987654321:*,  false",
      "default, *,                         database,           false",
      "DEFAULT, *,                         *,                  false",
      "d.fault, *,                         *,                  false",
    })
    @DisplayName("by namespace, ServiceAccount and secret")
    void rules(String namespaces, String serviceAccounts, String secrets, boolean allowed) {
      Asking asking = asking(Pods.ARN, rule(namespaces, serviceAccounts, secrets));
      if (allowed) {
        asking.admitted(web());
      } else {
        assertThat(asking.refused(web()).httpStatus()).isEqualTo(403);
      }
    }

    @Test
    @DisplayName("and the fetcher enforces the same patterns again")
    void planned() {
      ObjectNode pod =
          asking(
                  Pods.ARN,
                  rule("default", "*", "database-*"),
                  rule("other", "*", "x"),
                  rule("*", "*", "shared/*", "database-*"))
              .admitted(web());
      assertThat(Pods.plan(pod).allowed())
          .extracting(ReferencePattern::text)
          .containsExactly("database-*", "shared/*");
    }

    @Test
    @DisplayName("of which no rule is for a pod: it gets nothing")
    void noRule() {
      assertThat(asking("prod/db", rule("other", "*", "*")).refusal(web()))
          .endsWith("in namespace default; it allows no secret there, so ask for a rule");
      assertThat(asking("prod/db").refusal(web())).contains("so ask for a rule");
    }

    @Test
    @DisplayName("of which no rule is for a pod: its native Secrets aren't resolved either")
    void noRuleToResolve() {
      ObjectNode pod = Pods.annotated(Map.of(PodWide.RESOLVE, "db"));
      ObjectNode spec = (ObjectNode) pod.get("spec");
      PodTree.arrayOf(spec, "volumes")
          .addObject()
          .put("name", "db")
          .putObject("secret")
          .put("secretName", "db");
      PodTree.arrayOf(Pods.container(pod, 0), "volumeMounts")
          .addObject()
          .put("name", "db")
          .put("mountPath", "/etc/db");
      InjectorConfig.Builder config = Pods.config().policy(List.of(rule("other", "*", "*")));
      assertThat(Pods.refusal(Pods.handler(config.build()), pod))
          .endsWith(
              "annotation secrets.k8s.aws/resolve asks for the values of native Secrets, and the"
                  + " operator's policy allows no secret to ServiceAccount"
                  + " webserver-service-account in namespace default; ask for a rule");
      config.policy(List.of(rule("default", "*", "shop/*")));
      ObjectNode admitted = Pods.admitted(Pods.handler(config.build()), pod);
      assertThat(Pods.plan(admitted).allowed())
          .extracting(ReferencePattern::text)
          .containsExactly("shop/*");
    }

    @Test
    @DisplayName("by the ServiceAccount that a manifest names in the old way")
    void oldServiceAccount() {
      ObjectNode pod = web();
      ObjectNode spec = (ObjectNode) pod.get("spec");
      spec.remove("serviceAccountName");
      spec.put("serviceAccount", "shop");
      asking("prod/db", rule("*", "shop", "prod/*")).admitted(pod);
      assertThat(asking("prod/db", rule("*", "default", "prod/*")).refusal(pod))
          .contains("to ServiceAccount shop in namespace default");
    }

    @Test
    @DisplayName("for a pod without a ServiceAccount that of the name default")
    void defaultAccount() {
      ObjectNode pod = web();
      ((ObjectNode) pod.get("spec")).remove(List.of("serviceAccountName", "serviceAccount"));
      asking("prod/db", rule("*", "default", "prod/*")).admitted(pod);
    }

    @Test
    @DisplayName("nothing, where there is none")
    void none() {
      ObjectNode pod = Asking.of(Mode.INIT).file("any/secret", "s", 0444).admitted(web());
      assertThat(Pods.plan(pod).allowed()).isEmpty();
    }
  }

  @Nested
  @DisplayName("lets pods name values that are sealed by KMS")
  class Kms {

    private static final String KEY = "arn:aws:kms:us-east-1:123456789012:key/1-2";

    @Test
    @DisplayName("by naming keys and the cluster, which go into the plan with the namespace")
    void sealed() {
      ObjectNode pod =
          Asking.of(Mode.INIT)
              .config(Pods.config().kms(List.of(KEY), "blue"))
              .file("kms:AQID", "s", 0444)
              .admitted(web());
      assertThat(Pods.plan(pod).sealed()).isEqualTo(new Sealed(List.of(KEY), "blue", "default"));
    }

    @Test
    @DisplayName("and else refuses them")
    void off() {
      Refused refused = Asking.of(Mode.INIT).file("kms:AQID", "s", 0444).refused(web());
      assertThat(refused.httpStatus()).isEqualTo(403);
      assertThat(refused.message())
          .contains("annotation secrets.k8s.aws/secret-arn has a value that is sealed by KMS");
    }

    @Test
    @DisplayName("without telling other pods of it")
    void others() {
      ObjectNode pod =
          Asking.of(Mode.INIT).config(Pods.config().kms(List.of(KEY), "blue")).admitted(web());
      assertThat(Pods.plan(pod).sealed()).isNull();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"hostNetwork", "hostPID", "hostIPC"})
  @DisplayName("alone lets pods have secrets that share a namespace with their node")
  void hostNamespaces(String field) {
    ObjectNode pod = web();
    ((ObjectNode) pod.get("spec")).put(field, true);
    Refused refused = Asking.of(Mode.INIT).refused(pod);
    assertThat(refused.httpStatus()).isEqualTo(403);
    assertThat(refused.message()).contains("it has " + field, "ask for allowHostNamespaces");
    Asking.of(Mode.INIT).config(Pods.config().allowHostNamespaces(true)).admitted(pod);
  }

  @Test
  @DisplayName("gives pods the pull secrets of the fetcher's image, besides their own")
  void pullSecrets() {
    ObjectNode pod = web();
    PodTree.arrayOf((ObjectNode) pod.get("spec"), "imagePullSecrets")
        .addObject()
        .put("name", "own");
    Asking asking =
        Asking.of(Mode.INIT).config(Pods.config().imagePullSecrets(List.of("own", "mirror")));
    ObjectNode after = asking.admitted(pod);
    assertThat(after.get("spec").get("imagePullSecrets").toString())
        .isEqualTo("[{\"name\":\"own\"},{\"name\":\"mirror\"}]");
    assertThat(asking.admitted(after)).isEqualTo(after);
  }

  @Test
  @DisplayName("can't make Windows pods work")
  void windows() {
    ObjectNode byOs = web();
    ((ObjectNode) byOs.get("spec")).putObject("os").put("name", "windows");
    ObjectNode bySelector = web();
    ((ObjectNode) bySelector.get("spec"))
        .putObject("nodeSelector")
        .put("kubernetes.io/os", "windows");
    for (ObjectNode pod : List.of(byOs, bySelector)) {
      Refused refused = Asking.of(Mode.INIT).refused(pod);
      assertThat(refused.httpStatus()).isEqualTo(400);
      assertThat(refused.message()).contains("it is for Windows", "or run it on Linux");
    }
  }
}
