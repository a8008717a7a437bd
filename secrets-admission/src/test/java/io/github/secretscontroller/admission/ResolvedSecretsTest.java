package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.ResolvedVolume.Part;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

@DisplayName("A pod that asks for native Secrets to be resolved")
class ResolvedSecretsTest {

  private static final String RESOLVE = "secrets.k8s.aws/resolve";

  private ObjectNode pod;

  @BeforeEach
  void pod() {
    pod = Pods.annotated(Map.of(RESOLVE, "db"));
  }

  private void resolve(String names) {
    ((ObjectNode) pod.get("metadata").get("annotations")).put(RESOLVE, names);
  }

  private void volume(String json) {
    PodTree.arrayOf((ObjectNode) pod.get("spec"), "volumes").add(Pods.json(json));
  }

  private static ObjectNode volume(ObjectNode pod, String name) {
    return PodTree.find(pod.get("spec"), "volumes", "name", name).orElseThrow();
  }

  private static ObjectNode mount(ObjectNode container, String name) {
    return PodTree.find(container, "volumeMounts", "name", name).orElseThrow();
  }

  private void credentials() {
    volume(
        """
        {"name": "credentials",
         "secret": {"secretName": "db", "optional": true, "defaultMode": 420,
                    "items": [{"key": "password", "path": "a/password", "mode": 292}]}}
        """);
    PodTree.arrayOf(Pods.container(pod, 0), "volumeMounts")
        .addObject()
        .put("name", "credentials")
        .put("mountPath", "/etc/db");
  }

  private void assertStable(AdmissionHandler handler, ObjectNode admitted) {
    assertThat(Pods.patch(Pods.respond(handler, Pods.review(admitted)))).isEmpty();
  }

  @Nested
  @DisplayName("and mounts them")
  class Volumes {

    @Test
    @DisplayName("mounts a memory volume at the same path, and the fetcher the one with references")
    void resolved() {
      credentials();
      ObjectNode before = volume(pod, "credentials").deepCopy();
      ObjectNode admitted = Pods.admitted(Pods.handler(), pod);
      assertThat(volume(admitted, "credentials").get("emptyDir").get("medium").textValue())
          .isEqualTo("Memory");
      // Items, modes and optional are kubelet's business, as before.
      assertThat(volume(admitted, "credentials-references"))
          .isEqualTo(before.put("name", "credentials-references"));
      assertThat(mount(Pods.container(admitted, 0), "credentials"))
          .isEqualTo(
              Pods.json("{\"name\":\"credentials\",\"mountPath\":\"/etc/db\",\"readOnly\":true}"));
      ObjectNode fetcher = Pods.fetcher(admitted);
      assertThat(mount(fetcher, "credentials-references"))
          .isEqualTo(
              Pods.json(
                  "{\"name\":\"credentials-references\",\"readOnly\":true,"
                      + "\"mountPath\":\"/secrets-controller/references/credentials\"}"));
      assertThat(mount(fetcher, "credentials").get("mountPath").textValue())
          .isEqualTo("/secrets-controller/resolved/credentials");
      InjectionPlan plan = Pods.plan(admitted);
      assertThat(plan.resolve()).containsExactly(ResolvedVolume.of("credentials", Part.REFERENCES));
      assertThat(plan.files()).isEmpty();
      assertStable(Pods.handler(), admitted);
    }

    @Test
    @DisplayName("keeps each mount as it is, of a single file (subPath) too")
    void subPath() {
      credentials();
      mount(Pods.container(pod, 0), "credentials")
          .put("mountPath", "/etc/db/password")
          .put("subPath", "a/password");
      ObjectNode before = mount(Pods.container(pod, 0), "credentials").deepCopy();
      ObjectNode admitted = Pods.admitted(Pods.handler(), pod);
      assertThat(mount(Pods.container(admitted, 0), "credentials"))
          .isEqualTo(before.put("readOnly", true));
    }

    @Test
    @DisplayName("leaves a pair of the user's own alone that is named like one of its volumes")
    void namedAlike() {
      credentials();
      volume("{\"name\": \"cache\", \"emptyDir\": {\"medium\": \"Memory\"}}");
      volume("{\"name\": \"cache-references\", \"configMap\": {\"name\": \"settings\"}}");
      PodTree.arrayOf(Pods.container(pod, 0), "volumeMounts")
          .addObject()
          .put("name", "cache")
          .put("mountPath", "/var/cache");
      ObjectNode admitted = Pods.admitted(Pods.handler(), pod);
      assertThat(mount(Pods.container(admitted, 0), "cache"))
          .isEqualTo(Pods.json("{\"name\":\"cache\",\"mountPath\":\"/var/cache\"}"));
      assertThat(volume(admitted, "cache-references").has("configMap")).isTrue();
      assertThat(mount(Pods.container(admitted, 0), "credentials").path("readOnly").asBoolean())
          .isTrue();
      assertStable(Pods.handler(), admitted);
    }

    @Test
    @DisplayName("lets the fetcher read files for root alone, in a way that it can tell")
    void modes() {
      volume(
          """
          {"name": "strict",
           "secret": {"secretName": "db", "defaultMode": 256,
                      "items": [{"key": "a", "path": "a", "mode": 288},
                                {"key": "b", "path": "b", "mode": 438},
                                {"key": "c", "path": "c"}]}}
          """);
      ObjectNode admitted = Pods.admitted(Pods.handler(), pod);
      // 0400, 0440 and 0666 become 0406, 0446 and 0664.
      assertThat(volume(admitted, "strict-references").get("secret"))
          .isEqualTo(
              Pods.json(
                  """
                  {"secretName": "db", "defaultMode": 262,
                   "items": [{"key": "a", "path": "a", "mode": 294},
                             {"key": "b", "path": "b", "mode": 436},
                             {"key": "c", "path": "c"}]}
                  """));
      assertStable(Pods.handler(), admitted);
    }

    @Test
    @DisplayName("has a projected volume of such Secrets alone in one piece")
    void projected() {
      resolve("db,api");
      volume(
          """
          {"name": "all", "projected": {"sources": [
            {"secret": {"name": "db"}}, {"secret": {"name": "api"}}]}}
          """);
      InjectionPlan plan = Pods.plan(Pods.admitted(Pods.handler(), pod));
      assertThat(plan.resolve()).containsExactly(ResolvedVolume.of("all", Part.REFERENCES));
    }

    @Test
    @DisplayName("has others' sources of a projected volume apart, in their order, with its modes")
    void mixed() {
      volume(
          """
          {"name": "all", "projected": {"defaultMode": 288, "sources": [
            {"configMap": {"name": "settings", "items": [{"key": "a", "path": "a", "mode": 256}]}},
            {"downwardAPI": {"items": [{"path": "labels",
                                        "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            {"secret": {"name": "db"}},
            {"secret": {"name": "plain"}}]}}
          """);
      ObjectNode admitted = Pods.admitted(Pods.handler(), pod);
      assertThat(Pods.plan(admitted).resolve())
          .containsExactly(
              new ResolvedVolume(
                  "all", List.of(Part.VERBATIM, Part.REFERENCES, Part.VERBATIM), false));
      assertThat(volume(admitted, "all").has("emptyDir")).isTrue();
      assertThat(volume(admitted, "all-references-0").get("projected"))
          .isEqualTo(
              Pods.json(
                  """
                  {"defaultMode": 294, "sources": [
                    {"configMap": {"name": "settings",
                                   "items": [{"key": "a", "path": "a", "mode": 262}]}},
                    {"downwardAPI": {"items": [{"path": "labels",
                                                "fieldRef": {"fieldPath": "metadata.labels"}}]}}]}
                  """));
      assertThat(volume(admitted, "all-references-1").at("/projected/sources"))
          .isEqualTo(Pods.json("{\"s\": [{\"secret\": {\"name\": \"db\"}}]}").get("s"));
      assertThat(volume(admitted, "all-references-2").at("/projected/sources/0/secret/name"))
          .hasToString("\"plain\"");
      assertThat(mount(Pods.fetcher(admitted), "all-references-1").get("mountPath").textValue())
          .isEqualTo("/secrets-controller/references/all/1");
      assertStable(Pods.handler(), admitted);
    }

    @Test
    @DisplayName("or all of them, with *, where other Secrets may be among them")
    void every() {
      resolve("*");
      credentials();
      volume(
          """
          {"name": "all", "projected": {"sources": [
            {"secret": {"name": "any"}}, {"configMap": {"name": "settings"}}]}}
          """);
      ObjectNode admitted = Pods.admitted(Pods.handler(), pod);
      assertThat(Pods.plan(admitted).resolve())
          .containsExactly(
              ResolvedVolume.of("credentials", Part.MIXED),
              new ResolvedVolume("all", List.of(Part.MIXED, Part.VERBATIM), false));
      assertStable(Pods.handler(), admitted);
    }

    @Test
    @DisplayName("is refused, with all reasons, where that can't be")
    void refused() {
      resolve("db,missing");
      volume(
          """
          {"name": "tokens", "projected": {"sources": [
            {"secret": {"name": "db"}}, {"serviceAccountToken": {"path": "token"}}]}}
          """);
      volume("{\"name\": \"taken\", \"secret\": {\"secretName\": \"db\"}}");
      volume("{\"name\": \"taken-references\", \"emptyDir\": {}}");
      volume("{\"name\": \"%s\", \"secret\": {\"secretName\": \"db\"}}".formatted("x".repeat(53)));
      volume("{\"name\": \"Upper\", \"secret\": {\"secretName\": \"db\"}}");
      volume("{\"name\": \"secret-vol-env\", \"secret\": {\"secretName\": \"db\"}}");
      assertThat(Pods.refusal(Pods.handler(), pod))
          .contains(
              List.of(
                  "for 6 reasons",
                  "its volume tokens is resolved, but projects a ServiceAccount's token as well",
                  "the fetcher gets it as taken-references, a name that another volume has",
                  "x is resolved, and needs a name of 52 characters at most; rename it",
                  "\"Upper\" can't be the name of a volume that is resolved",
                  "its volume secret-vol-env is resolved; rename it",
                  "annotation secrets.k8s.aws/resolve names Secret missing, which no volume or"
                      + " variable of the pod uses; mount it, or remove the name"));
    }
  }

  @Nested
  @DisplayName("and has variables from their keys")
  class Variables {

    private final AdmissionHandler handler =
        Pods.handler(Pods.config().environmentFiles(true).build());

    private void variable(ObjectNode container, String name, String secretKeyRef) {
      PodTree.arrayOf(container, "env")
          .addObject()
          .put("name", name)
          .putObject("valueFrom")
          .set("secretKeyRef", Pods.json(secretKeyRef));
    }

    private ObjectNode initContainer(ObjectNode spec, String name) {
      return PodTree.arrayOf(spec, "initContainers").addObject().put("name", name);
    }

    private static ObjectNode env(ObjectNode container, String name) {
      return PodTree.find(container, "env", "name", name).orElseThrow();
    }

    private static ObjectNode fileKeyRef(String name, String path, boolean optional) {
      return Pods.json(
          """
          {"name": "%s", "valueFrom": {"fileKeyRef": {
            "volumeName": "secret-vol-env", "path": "%s", "key": "value", "optional": %s}}}
          """
              .formatted(name, path, optional));
    }

    @Test
    @DisplayName("has them from files that the fetcher writes, in their place, whether optional")
    void converted() {
      ObjectNode container = Pods.container(pod, 0);
      variable(container, "PASSWORD", "{\"name\": \"db\", \"key\": \"password\"}");
      PodTree.arrayOf(container, "env")
          .addObject()
          .put("name", "URL")
          .put("value", "db://$(PASSWORD)@db");
      variable(container, "USER", "{\"name\": \"db\", \"key\": \"user\", \"optional\": true}");
      variable(container, "OTHER", "{\"name\": \"plain\", \"key\": \"user\"}");
      ObjectNode init = initContainer((ObjectNode) pod.get("spec"), "migrate");
      variable(
          init, "DB_PASSWORD", "{\"name\": \"db\", \"key\": \"password\", \"optional\": true}");
      List<String> order =
          PodTree.objects(container, "env").stream().map(v -> PodTree.text(v, "name")).toList();
      ObjectNode other = env(container, "OTHER").deepCopy();

      ObjectNode admitted = Pods.admitted(handler, pod);
      ObjectNode after = Pods.container(admitted, 0);
      assertThat(PodTree.objects(after, "env").stream().map(v -> PodTree.text(v, "name")))
          .containsExactlyElementsOf(order);
      assertThat(env(after, "PASSWORD")).isEqualTo(fileKeyRef("PASSWORD", "db/password", false));
      assertThat(env(after, "USER")).isEqualTo(fileKeyRef("USER", "db/user", true));
      assertThat(env(after, "OTHER")).isEqualTo(other);
      ObjectNode migrate =
          PodTree.find(admitted.get("spec"), "initContainers", "name", "migrate").orElseThrow();
      assertThat(env(migrate, "DB_PASSWORD"))
          .isEqualTo(fileKeyRef("DB_PASSWORD", "db/password", true));

      assertThat(volume(admitted, "secret-vol-env").at("/emptyDir/medium"))
          .hasToString("\"Memory\"");
      // What one variable can't do without must be there.
      assertThat(volume(admitted, "secret-vol-env-references").get("projected"))
          .isEqualTo(
              Pods.json(
                  """
                  {"defaultMode": 420, "sources": [
                    {"secret": {"name": "db", "optional": false,
                                "items": [{"key": "password", "path": "db/password"}]}},
                    {"secret": {"name": "db", "optional": true,
                                "items": [{"key": "user", "path": "db/user"}]}}]}
                  """));
      ObjectNode fetcher = Pods.fetcher(admitted);
      assertThat(mount(fetcher, "secret-vol-env-references").get("mountPath").textValue())
          .isEqualTo("/secrets-controller/references/secret-vol-env");
      assertThat(mount(fetcher, "secret-vol-env").get("mountPath").textValue())
          .isEqualTo("/secrets-controller/resolved/secret-vol-env");
      assertThat(Pods.plan(admitted).resolve())
          .containsExactly(new ResolvedVolume("secret-vol-env", List.of(Part.REFERENCES), true));
      assertStable(handler, admitted);
    }

    @Test
    @DisplayName("has a variable that another webhook adds later too, but not before the fetcher")
    void later() {
      variable(Pods.container(pod, 0), "PASSWORD", "{\"name\": \"db\", \"key\": \"password\"}");
      ObjectNode admitted = Pods.admitted(handler, pod);
      variable(Pods.container(admitted, 0), "USER", "{\"name\": \"db\", \"key\": \"user\"}");
      ObjectNode again = Pods.admitted(handler, admitted);
      assertThat(env(Pods.container(again, 0), "USER"))
          .isEqualTo(fileKeyRef("USER", "db/user", false));
      assertThat(volume(again, "secret-vol-env-references").at("/projected/sources/0/secret/items"))
          .hasSize(2);

      ObjectNode early = Pods.json("{\"name\": \"early\"}");
      variable(early, "USER", "{\"name\": \"db\", \"key\": \"user\"}");
      PodTree.arrayOf((ObjectNode) again.get("spec"), "initContainers").insert(0, early);
      assertThat(Pods.refusal(handler, again))
          .endsWith(
              "container early has variable USER from Secret db, and starts before the fetcher,"
                  + " which writes the values; move it behind secrets-init-container, or do"
                  + " without the variable there");
    }

    @Test
    @DisplayName("is refused where nodes don't know such files, and for all keys at once (envFrom)")
    void refused() {
      resolve("db,api");
      ObjectNode container = Pods.container(pod, 0);
      PodTree.arrayOf(container, "envFrom").addObject().putObject("secretRef").put("name", "db");
      variable(container, "TOKEN", "{\"name\": \"api\", \"key\": \"token\"}");
      String name = PodTree.text(container, "name");
      assertThat(Pods.refusal(Pods.handler(), pod))
          .contains(
              List.of(
                  "for 2 reasons",
                  "container "
                      + name
                      + " has all keys of Secret db as variables (envFrom), and nobody knows them"
                      + " when the pod is created; name each key that it needs in env, or mount"
                      + " the Secret as a volume",
                  "container "
                      + name
                      + " has variable TOKEN from Secret api, and would get the reference: its"
                      + " value needs nodes that know fileKeyRef (Kubernetes 1.35, or 1.34 with"
                      + " feature gate EnvFiles), and the operator didn't switch on"
                      + " environmentFiles; mount the Secret as a volume, and read the file, or"
                      + " ask for that option"));
      assertThat(Pods.refusal(handler, pod)).contains("(envFrom)").doesNotContain("TOKEN");
    }

    @Test
    @DisplayName("is refused if it has a volume of its own by the name of ours")
    void taken() {
      variable(Pods.container(pod, 0), "PASSWORD", "{\"name\": \"db\", \"key\": \"password\"}");
      volume("{\"name\": \"secret-vol-env\", \"configMap\": {\"name\": \"settings\"}}");
      assertThat(Pods.refusal(handler, pod))
          .contains("its volume secret-vol-env is not an emptyDir with medium Memory; rename it");
    }

    @Test
    @DisplayName("with * has those of every Secret so, native or not")
    void every() {
      resolve("*");
      variable(Pods.container(pod, 0), "PASSWORD", "{\"name\": \"any\", \"key\": \"password\"}");
      ObjectNode admitted = Pods.admitted(handler, pod);
      assertThat(env(Pods.container(admitted, 0), "PASSWORD"))
          .isEqualTo(fileKeyRef("PASSWORD", "any/password", false));
      assertThat(Pods.plan(admitted).resolve())
          .containsExactly(new ResolvedVolume("secret-vol-env", List.of(Part.MIXED), true));
      assertStable(handler, admitted);
    }

    @Test
    @DisplayName("with * keeps as they are what can't be resolved, with a warning")
    void warned() {
      resolve("*");
      ObjectNode container = Pods.container(pod, 0);
      PodTree.arrayOf(container, "envFrom").addObject().putObject("secretRef").put("name", "all");
      variable(container, "TOKEN", "{\"name\": \"api\", \"key\": \"token\"}");
      var response = Pods.respond(Pods.handler(), Pods.review(pod));
      assertThat(response.get("allowed").booleanValue()).isTrue();
      assertThat(Pods.patch(response)).isEmpty();
      assertThat(Pods.warnings(response))
          .hasSize(2)
          .anySatisfy(
              warning ->
                  assertThat(warning)
                      .contains("all keys of Secret all as variables (envFrom)")
                      .contains("stays as it is, so of a native Secret it gets references"))
          .anySatisfy(
              warning -> assertThat(warning).contains("has variable TOKEN from Secret api"));
    }
  }
}
