package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * The injected container. It meets the Pod Security Standard "restricted".
 *
 * @see <a
 *     href="https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted">restricted</a>
 */
final class FetcherContainer {

  static final String INIT_NAME = "secrets-init-container";
  static final String VOLUME = "secret-vol";

  /** The user "nonroot" of the common minimal images. */
  private static final long NON_ROOT = 65532;

  private FetcherContainer() {}

  static ObjectNode create(InjectorConfig config, String planJson, JsonNode podSpec) {
    ObjectNode container = JsonNodeFactory.instance.objectNode();
    container.put("name", INIT_NAME);
    container.put("image", config.fetcherImage());
    container.put("imagePullPolicy", config.imagePullPolicy());
    setPlan(container, planJson);
    config.env().forEach((name, value) -> variable(container, name, value));
    ObjectNode resources = container.putObject("resources");
    ObjectNode requests = resources.putObject("requests");
    config.requests().forEach(requests::put);
    ObjectNode limits = resources.putObject("limits");
    config.limits().forEach(limits::put);
    addMount(container);
    ObjectNode security = container.putObject("securityContext");
    security.put("runAsNonRoot", true);
    security.put("runAsUser", commonId(podSpec, "runAsUser"));
    security.put("runAsGroup", commonId(podSpec, "runAsGroup"));
    security.put("allowPrivilegeEscalation", false);
    security.put("readOnlyRootFilesystem", true);
    security.putObject("capabilities").putArray("drop").add("ALL");
    security.putObject("seccompProfile").put("type", "RuntimeDefault");
    // A crash of the JVM itself leaves no termination message, but a log without secrets.
    container.put("terminationMessagePolicy", "FallbackToLogsOnError");
    return container;
  }

  /** Makes sure that a container that is there already does what the annotations ask for. */
  static void repair(ObjectNode container, String planJson) {
    setPlan(container, planJson);
    addMount(container);
  }

  /** Whether this webhook made the container: only it hands over a plan. */
  static boolean isOurs(JsonNode container) {
    return PodTree.find(container, "env", "name", InjectionPlan.ENVIRONMENT_VARIABLE).isPresent();
  }

  /** The memory volume, which vanishes with the pod and never reaches a disk. */
  static ObjectNode volume(String sizeLimit) {
    ObjectNode volume = JsonNodeFactory.instance.objectNode();
    volume.put("name", VOLUME);
    volume.putObject("emptyDir").put("medium", "Memory").put("sizeLimit", sizeLimit);
    return volume;
  }

  private static void setPlan(ObjectNode container, String planJson) {
    PodTree.find(container, "env", "name", InjectionPlan.ENVIRONMENT_VARIABLE)
        .ifPresentOrElse(
            variable -> {
              if (!PodTree.text(variable, "value").equals(planJson)) {
                variable.remove("valueFrom");
                variable.put("value", planJson);
              }
            },
            () -> variable(container, InjectionPlan.ENVIRONMENT_VARIABLE, planJson));
  }

  private static void variable(ObjectNode container, String name, String value) {
    PodTree.arrayOf(container, "env").addObject().put("name", name).put("value", value);
  }

  private static void addMount(ObjectNode container) {
    String path = InjectionPlan.VOLUME_MOUNT_PATH;
    if (PodTree.find(container, "volumeMounts", "mountPath", path).isEmpty()) {
      PodTree.arrayOf(container, "volumeMounts")
          .addObject()
          .put("name", VOLUME)
          .put("mountPath", path);
    }
  }

  /**
   * The user (or group) as which all application containers run, so that file modes work out; else
   * the pod's own; but never root, with which {@code runAsNonRoot} wouldn't start.
   */
  private static long commonId(JsonNode podSpec, String field) {
    JsonNode pods = podSpec.path("securityContext").path(field);
    Set<JsonNode> ids =
        PodTree.objects(podSpec, "containers").stream()
            .map(container -> container.path("securityContext").path(field))
            .map(own -> own.isIntegralNumber() ? own : pods)
            .collect(Collectors.toSet());
    JsonNode common = ids.size() == 1 ? ids.iterator().next() : pods;
    return common.isIntegralNumber() && common.asLong() > 0 ? common.asLong() : NON_ROOT;
  }
}
