package io.github.secretscontroller.example;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.util.List;

/** Gives all containers of Pods that ask for it the company's proxy, unless they have one. */
final class ProxyMutator implements PodMutator {

  static final String ANNOTATION = "network.example/proxy";

  private static final String VARIABLE = "HTTPS_PROXY";

  private final String proxy;

  ProxyMutator(String proxy) {
    this.proxy = proxy;
  }

  @Override
  public boolean concerns(PodRequest request) {
    return request.annotations().containsKey(ANNOTATION);
  }

  @Override
  public PodVerdict mutate(ObjectNode pod, PodRequest request) {
    String value = pod.path("metadata").path("annotations").path(ANNOTATION).asText("");
    if (value.isEmpty()) {
      return PodVerdict.allow();
    }
    if (!value.equals("enabled")) {
      return PodVerdict.refuse(
          400,
          request.describePod()
              + ": annotation "
              + ANNOTATION
              + " must be \"enabled\" or left out");
    }
    for (String list : List.of("initContainers", "containers")) {
      for (JsonNode container : pod.path("spec").path(list)) {
        addProxy((ObjectNode) container);
      }
    }
    return PodVerdict.allow();
  }

  private void addProxy(ObjectNode container) {
    for (JsonNode variable : container.path("env")) {
      if (variable.path("name").asText().equals(VARIABLE)) {
        return;
      }
    }
    ArrayNode env =
        container.get("env") instanceof ArrayNode present ? present : container.putArray("env");
    env.addObject().put("name", VARIABLE).put("value", proxy);
  }
}
