package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Makes a container that has our name into ours again. Most often it is what we made a moment ago,
 * and nothing changes. But whoever creates the pod can write such a container too, with an image,
 * variables or mounts of their own, and must gain nothing by it: what decides what runs is put
 * right. What other webhooks and the API server rightly add stays: an identity, a proxy, a pull
 * policy of {@code Always}, further resources, and fields that nobody knows yet.
 */
final class FetcherRepair {

  /** Fields that change what the container runs or sees, and that we don't always set. */
  private static final List<String> DECISIVE =
      List.of(
          "command",
          "envFrom",
          "lifecycle",
          "livenessProbe",
          "ports",
          "readinessProbe",
          "restartPolicy",
          "restartPolicyRules",
          "startupProbe",
          "volumeDevices",
          "workingDir");

  /** What the API server defaults to. */
  private static final String TERMINATION_MESSAGE_PATH = "/dev/termination-log";

  private static final Set<String> PROXIES =
      Set.of("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy");

  private FetcherRepair() {}

  /** Whether it can be ours: only a container of ours hands over a plan. */
  static boolean isOurs(JsonNode container) {
    return PodTree.find(container, "env", "name", InjectionPlan.ENVIRONMENT_VARIABLE).isPresent();
  }

  /** Changes {@code container} as far as it isn't as {@code expected}. */
  static void repair(
      ObjectNode container, ObjectNode expected, JsonNode spec, InjectorConfig config) {
    for (String field : DECISIVE) {
      if (!expected.has(field)) {
        container.remove(field);
      }
    }
    // kubelet puts a file of the node there, and what is written to it into the pod's status.
    if (!PodTree.text(container, "terminationMessagePath").equals(TERMINATION_MESSAGE_PATH)) {
      container.remove("terminationMessagePath");
    }
    for (Map.Entry<String, JsonNode> field : expected.properties()) {
      String name = field.getKey();
      JsonNode value = field.getValue();
      JsonNode present = container.path(name);
      switch (name) {
        case "image" -> setUnless(config.isMirror(present.asText()), container, name, value);
        case "imagePullPolicy" ->
            setUnless(present.asText().equals("Always"), container, name, value);
        case "env" -> repairEnv(container, (ArrayNode) value);
        case "volumeMounts" -> repairMounts(container, (ArrayNode) value, spec);
        case "resources" -> repairResources(container, value);
        default -> setUnless(false, container, name, value);
      }
    }
  }

  private static void setUnless(boolean kept, ObjectNode container, String field, JsonNode value) {
    if (!kept && !value.equals(container.get(field))) {
      container.set(field, value);
    }
  }

  private static void repairEnv(ObjectNode container, ArrayNode expected) {
    List<JsonNode> repaired = new ArrayList<>();
    List<JsonNode> missing = new ArrayList<>();
    expected.forEach(missing::add);
    for (ObjectNode variable : PodTree.objects(container, "env")) {
      String name = PodTree.text(variable, "name");
      JsonNode ours =
          missing.stream()
              .filter(m -> PodTree.text(m, "name").equals(name))
              .findFirst()
              .orElse(null);
      if (ours != null) {
        missing.remove(ours);
        repaired.add(ours);
      } else if (PodIdentity.VARIABLES.contains(name) || PROXIES.contains(name)) {
        repaired.add(variable);
      }
    }
    repaired.addAll(missing);
    setAll(container, "env", repaired);
  }

  private static void repairMounts(ObjectNode container, ArrayNode expected, JsonNode spec) {
    List<JsonNode> repaired = new ArrayList<>();
    expected.forEach(repaired::add);
    for (ObjectNode mount : PodTree.objects(container, "volumeMounts")) {
      if (PodIdentity.isTokenMount(mount, spec)) {
        repaired.add(mount);
      }
    }
    // The order of mounts means nothing, and others may have put theirs before ours.
    List<JsonNode> present = new ArrayList<>(PodTree.objects(container, "volumeMounts"));
    if (present.size() != repaired.size() || !present.containsAll(repaired)) {
      setAll(container, "volumeMounts", repaired);
    }
  }

  private static void repairResources(ObjectNode container, JsonNode expected) {
    for (Map.Entry<String, JsonNode> kind : expected.properties()) {
      ObjectNode present =
          PodTree.objectOf(PodTree.objectOf(container, "resources"), kind.getKey());
      for (Map.Entry<String, JsonNode> quantity : kind.getValue().properties()) {
        String value = quantity.getValue().asText();
        if (!Quantity.isSame(PodTree.text(present, quantity.getKey()), value)) {
          present.put(quantity.getKey(), value);
        }
      }
    }
  }

  private static void setAll(ObjectNode container, String field, List<JsonNode> values) {
    ArrayNode array = container.arrayNode();
    array.addAll(values);
    if (!array.equals(container.get(field))) {
      container.set(field, array);
    }
  }
}
