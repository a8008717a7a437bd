package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** From an annotation to what is stored: each row is one key, and where in the pod it shows. */
@DisplayName("In the pod that is stored, the annotation")
class AnnotationEffectTest {

  private static final String PLAN = "plan";
  private static final String SECRET = "secret.db=prod/db";
  private static final String LEGACY = "secret-arn=prod/db";
  private static final String SIDECAR = SECRET + " mode=sidecar";
  private static final String OURS = "/spec/initContainers/0";
  private static final String APP = "/spec/containers/0";
  private static final String OBJECTS = "objects=[{objectName:a/b,objectType:secretsmanager}]";

  private static final AdmissionHandler HANDLER =
      Pods.handler(Pods.config().environmentFiles(true).build());

  /** Annotations without their prefix, where to look, and what is there. */
  static Stream<Arguments> rows() {
    return Stream.of(
        row("sidecarInjectorWebhook", LEGACY + " sidecarInjectorWebhook=disabled", OURS, ""),
        row("secret-arn", LEGACY, PLAN + "/files/0/secret", "prod/db"),
        row("secret-filename", LEGACY + " secret-filename=a/b", PLAN + "/files/0/path", "a/b"),
        row("layout", LEGACY + " layout=multi-secret", mount("subPath"), "secrets/prod/db"),
        row("mount-path", SECRET + " mount-path=/etc/db", mount("mountPath"), "/etc/db"),
        row("secret.", SECRET, mount("mountPath"), "/var/run/secrets/k8s.aws"),
        row("file.", SECRET + " file.db=a/b", PLAN + "/files/0/path", "a/b"),
        row("path.", SECRET + " path.db=a.b", PLAN + "/files/0/secret", "prod/db#a.b"),
        row(
            "version.",
            SECRET + " version.db=AWSPREVIOUS",
            PLAN + "/files/0/secret",
            "prod/db?stage=AWSPREVIOUS"),
        row("format.", SECRET + " format.db=json", PLAN + "/files/0/format", "json"),
        row("template.", "template.t=x", PLAN + "/files/0/template", "x"),
        row("keys.", SECRET + " keys.db=user", PLAN + "/files/0/keys/0", "user"),
        row("env.", SECRET + " env.db=USER=user", APP + "/env/0/valueFrom/fileKeyRef/key", "USER"),
        row("mode.", SECRET + " mode.db=0440", PLAN + "/files/0/mode", "0440"),
        row("optional.", SECRET + " optional.db=true", PLAN + "/files/0/optional", "true"),
        row("objects", OBJECTS, PLAN + "/files/0/path", "a_b"),
        row("path-translation", OBJECTS + " path-translation=-", PLAN + "/files/0/path", "a-b"),
        row("mode", SIDECAR, OURS + "/restartPolicy", "Always"),
        row("mode", SECRET + " mode=init+sidecar", "/spec/containers/1/args/0", "sidecar"),
        row("mode", SECRET + " mode=init", OURS + "/args/0", "init"),
        row(
            "refresh-interval",
            SIDECAR + " refresh-interval=90s",
            PLAN + "/refresh/interval",
            "PT1M30S"),
        row("stale-after", SIDECAR + " stale-after=1h", PLAN + "/refresh/staleAfter", "PT1H"),
        row(
            "unready-when-stale",
            SIDECAR + " unready-when-stale=true",
            OURS + "/readinessProbe/httpGet/path",
            "/ready"),
        row(
            "on-change",
            SIDECAR + " on-change=signal:HUP:nginx",
            "/spec/shareProcessNamespace",
            "true"),
        row(
            "on-change",
            SIDECAR + " on-change=http://127.0.0.1:80/r",
            PLAN + "/onChange/post",
            "http://127.0.0.1:80/r"),
        row("containers", SECRET + " containers=webserver", mount("name"), "secret-vol"),
        row("region", SECRET + " region=eu-west-1", PLAN + "/region", "eu-west-1"),
        row(
            "failover-region",
            SECRET + " failover-region=eu-west-1",
            PLAN + "/failoverRegion",
            "eu-west-1"),
        row("resources.cpu", SECRET + " resources.cpu=70m", OURS + "/resources/limits/cpu", "70m"),
        row(
            "resources.memory",
            SECRET + " resources.memory=96Mi",
            OURS + "/resources/requests/memory",
            "96Mi"),
        row("resolve", "resolve=native", PLAN + "/resolve/0/volume", "native"));
  }

  private static Arguments row(String key, String annotations, String pointer, String value) {
    return Arguments.of(key, annotations, pointer, value);
  }

  /** The last of the application's mounts. */
  private static String mount(String field) {
    return APP + "/volumeMounts/last/" + field;
  }

  private static ObjectNode pod(String annotations) {
    Map<String, String> map = new LinkedHashMap<>();
    for (String annotation : annotations.split(" ", -1)) {
      String[] parts = annotation.split("=", 2);
      map.put(Annotations.PREFIX + parts[0], parts[1].replace(":a", ": a").replace(":s", ": s"));
    }
    ObjectNode pod = Pods.annotated(map);
    ObjectNode spec = (ObjectNode) pod.get("spec");
    PodTree.objectOf(spec, "securityContext").put("runAsUser", 1000);
    PodTree.arrayOf(spec, "volumes")
        .addObject()
        .put("name", "native")
        .putObject("secret")
        .put("secretName", "native");
    return pod;
  }

  private static String at(ObjectNode pod, String pointer) {
    if (pointer.startsWith(PLAN)) {
      String plan = Pods.env((ObjectNode) pod.at(OURS), InjectionPlan.ENVIRONMENT_VARIABLE);
      return Pods.json(plan).at(pointer.substring(PLAN.length())).asText();
    }
    int last = pod.at(APP + "/volumeMounts").size() - 1;
    return pod.at(pointer.replace("last", Integer.toString(last))).asText();
  }

  @ParameterizedTest(name = "{0} shows: {1}")
  @MethodSource("rows")
  @DisplayName("of each key shows")
  void effect(String key, String annotations, String pointer, String value) {
    ObjectNode before = pod(annotations);
    ObjectNode after = Pods.admitted(HANDLER, before);
    assertThat(at(after, pointer)).isEqualTo(value);
    assertThat(Pods.admitted(HANDLER, after)).as("the second time").isEqualTo(after);
  }

  @Test
  @DisplayName("has a row here, whichever it is")
  void complete() {
    TreeSet<String> keys = new TreeSet<>();
    rows().forEach(row -> keys.add((String) row.get()[0]));
    TreeSet<String> known = new TreeSet<>();
    Annotations.KNOWN.forEach(key -> known.add(key.substring(Annotations.PREFIX.length())));
    NamedSecrets.KINDS.forEach(kind -> known.add(kind + "."));
    known.remove("status");
    known.remove("plan-digest");
    assertThat(keys).isEqualTo(known);
  }
}
