package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The injected container, as it has to be. It meets the Pod Security Standard "restricted".
 *
 * @see <a
 *     href="https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted">restricted</a>
 */
final class FetcherContainer {

  static final String INIT_NAME = "secrets-init-container";
  static final String SIDECAR_NAME = "secrets-sidecar-container";
  static final String VOLUME = "secret-vol";
  static final String HEALTH_PORT = "SECRETS_HEALTH_PORT";

  private static final String HEALTH_PORT_NAME = "secrets-health";

  /** Seconds that the first fetch may take, its retries included, until kubelet starts it anew. */
  private static final int STARTUP_SECONDS = 120;

  /** What the container does. */
  enum Role {
    /** Fetches once and ends. */
    INIT,
    /** A restartable init container: starts before the application, and stays. */
    NATIVE_SIDECAR,
    /** An ordinary container beside the application's, after an init container. */
    SIDECAR;

    String containerName() {
      return this == INIT ? INIT_NAME : SIDECAR_NAME;
    }
  }

  private final InjectorConfig config;
  private final InjectionPlan plan;
  private final String planJson;
  private final Map<String, String> resources;
  private final JsonNode spec;

  /**
   * The makers of one pod's containers.
   *
   * @param resources what the pod asks for in place of the operator's defaults
   */
  FetcherContainer(
      InjectorConfig config,
      InjectionPlan plan,
      String planJson,
      Map<String, String> resources,
      JsonNode spec) {
    this.config = config;
    this.plan = plan;
    this.planJson = planJson;
    this.resources = resources;
    this.spec = spec;
  }

  /** Whether the name is one of ours. */
  static boolean isOurName(String name) {
    return name.equals(INIT_NAME) || name.equals(SIDECAR_NAME);
  }

  /** The memory volume, which vanishes with the pod and never reaches a disk. */
  static ObjectNode volume(String sizeLimit) {
    ObjectNode volume = PodTree.newObject();
    volume.put("name", VOLUME);
    volume.putObject("emptyDir").put("medium", "Memory").put("sizeLimit", sizeLimit);
    return volume;
  }

  /** The container, without the pod's identity. */
  ObjectNode create(Role role, PodUser user) {
    ObjectNode container = PodTree.newObject();
    container.put("name", role.containerName());
    container.put("image", config.fetcherImage());
    container.put("imagePullPolicy", config.imagePullPolicy());
    container.putArray("args").add(role == Role.INIT ? "init" : "sidecar");
    if (role == Role.NATIVE_SIDECAR) {
      container.put("restartPolicy", "Always");
    }
    ArrayNode env = container.putArray("env");
    variable(env, InjectionPlan.ENVIRONMENT_VARIABLE, planJson);
    config.env().forEach((name, value) -> variable(env, name, value));
    if (role != Role.INIT) {
      variable(env, HEALTH_PORT, Integer.toString(config.healthPort()));
      addProbes(container, role);
    }
    addResources(container);
    container
        .putArray("volumeMounts")
        .addObject()
        .put("name", VOLUME)
        .put("mountPath", InjectionPlan.VOLUME_MOUNT_PATH);
    ResolvedSecrets.mount(container, plan);
    addSecurity(container, user);
    // A crash of the JVM itself leaves no termination message, but a log without secrets.
    container.put("terminationMessagePolicy", "FallbackToLogsOnError");
    return container;
  }

  private static void variable(ArrayNode env, String name, String value) {
    env.addObject().put("name", name).put("value", value);
  }

  /**
   * Every field that the API server would default is spelled out, so that the container is the same
   * when it comes back.
   */
  private void addProbes(ObjectNode container, Role role) {
    if (spec.path("hostNetwork").asBoolean()) {
      // The port is the node's, so let the scheduler keep two such pods apart.
      container
          .putArray("ports")
          .addObject()
          .put("name", HEALTH_PORT_NAME)
          .put("containerPort", config.healthPort())
          .put("hostPort", config.healthPort())
          .put("protocol", "TCP");
    }
    if (role == Role.NATIVE_SIDECAR) {
      addProbe(container, "startupProbe", "/startup", 1, STARTUP_SECONDS);
    }
    if (plan.refresh().unreadyWhenStale()) {
      addProbe(container, "readinessProbe", "/ready", 10, 3);
    }
  }

  private void addProbe(ObjectNode container, String field, String path, int period, int failures) {
    ObjectNode probe = container.putObject(field);
    probe
        .putObject("httpGet")
        .put("path", path)
        .put("port", config.healthPort())
        .put("scheme", "HTTP");
    probe
        .put("timeoutSeconds", 2)
        .put("periodSeconds", period)
        .put("successThreshold", 1)
        .put("failureThreshold", failures);
  }

  private void addResources(ObjectNode container) {
    Map<String, String> requests = new LinkedHashMap<>(config.resources().requests());
    requests.putAll(resources);
    Map<String, String> limits = new LinkedHashMap<>(config.resources().limits());
    limits.putAll(resources);
    ObjectNode both = container.putObject("resources");
    // An empty map would not come back from the API server.
    if (!requests.isEmpty()) {
      requests.forEach(both.putObject("requests")::put);
    }
    if (!limits.isEmpty()) {
      limits.forEach(both.putObject("limits")::put);
    }
  }

  private static void addSecurity(ObjectNode container, PodUser user) {
    ObjectNode security = container.putObject("securityContext");
    security.put("runAsNonRoot", true);
    security.put("runAsUser", user.user());
    security.put("runAsGroup", user.group());
    security.put("allowPrivilegeEscalation", false);
    security.put("readOnlyRootFilesystem", true);
    security.putObject("capabilities").putArray("drop").add("ALL");
    security.putObject("seccompProfile").put("type", "RuntimeDefault");
  }
}
