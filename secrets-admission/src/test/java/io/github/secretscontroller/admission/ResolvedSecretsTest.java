package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.ResolvedVolume;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A pod that asks for native Secrets to be resolved")
class ResolvedSecretsTest {

  private static final String RESOLVE = "secrets.k8s.aws/resolve";

  private ObjectNode pod;

  @BeforeEach
  void pod() {
    pod = Pods.annotated(Map.of(RESOLVE, "db"));
    volume(
        """
        {"name": "credentials",
         "secret": {"secretName": "db", "optional": true, "defaultMode": 256,
                    "items": [{"key": "password", "path": "a/password", "mode": 288}]}}
        """);
    PodTree.arrayOf(Pods.container(pod, 0), "volumeMounts")
        .addObject()
        .put("name", "credentials")
        .put("mountPath", "/etc/db");
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

  @Test
  @DisplayName("mounts a memory volume at the same path, and the fetcher the one with references")
  void resolved() {
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
    assertThat(plan.resolve()).containsExactly(new ResolvedVolume("credentials", false));
    assertThat(plan.files()).isEmpty();
  }

  @Test
  @DisplayName("is left as it is when the API server calls again")
  void again() {
    ObjectNode admitted = Pods.admitted(Pods.handler(), pod);
    assertThat(Pods.patch(Pods.respond(Pods.handler(), Pods.review(admitted)))).isEmpty();
  }

  @Test
  @DisplayName("can have projected volumes, whose other files are copied")
  void projected() {
    volume(
        """
        {"name": "all", "projected": {"sources": [
          {"secret": {"name": "db"}}, {"configMap": {"name": "settings"}}]}}
        """);
    InjectionPlan plan = Pods.plan(Pods.admitted(Pods.handler(), pod));
    assertThat(plan.resolve())
        .containsExactly(new ResolvedVolume("credentials", false), new ResolvedVolume("all", true));
  }

  @Test
  @DisplayName("or all of them, with *, where other Secrets may be among them")
  void every() {
    ((ObjectNode) pod.get("metadata").get("annotations")).put(RESOLVE, "*");
    assertThat(Pods.plan(Pods.admitted(Pods.handler(), pod)).resolve())
        .containsExactly(new ResolvedVolume("credentials", true));
  }

  @Test
  @DisplayName("is refused, with all reasons, where that can't be")
  void refused() {
    ((ObjectNode) pod.get("metadata").get("annotations")).put(RESOLVE, "db,missing,api");
    ObjectNode container = Pods.container(pod, 0);
    PodTree.arrayOf(container, "envFrom").addObject().putObject("secretRef").put("name", "db");
    PodTree.arrayOf(container, "env")
        .addObject()
        .put("name", "TOKEN")
        .putObject("valueFrom")
        .putObject("secretKeyRef")
        .put("name", "api")
        .put("key", "token");
    volume(
        """
        {"name": "tokens", "projected": {"sources": [
          {"secret": {"name": "db"}}, {"serviceAccountToken": {"path": "token"}}]}}
        """);
    assertThat(Pods.refusal(Pods.handler(), pod))
        .contains(
            List.of(
                "for 4 reasons",
                "its volume tokens is resolved, but projects a ServiceAccount's token as well",
                "has all keys of Secret db as variables (envFrom), and nobody knows them when the"
                    + " pod is created; mount the Secret as a volume, and read the file",
                "has variable TOKEN from Secret api, and would get the reference; mount the Secret"
                    + " as a volume",
                "annotation secrets.k8s.aws/resolve names Secret missing, which no volume of the"
                    + " pod mounts; mount it, or remove the name"));
  }
}
