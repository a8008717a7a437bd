package io.github.secretscontroller.admission;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What the injected container requests and may use, as quantities by resource.
 *
 * @param requests by default
 * @param limits by default
 * @param maximum the most that a pod may ask for in their place
 */
record FetcherResources(
    Map<String, String> requests, Map<String, String> limits, Map<String, String> maximum) {

  // No CPU limit: a start needs about 0.3 seconds of CPU, which a limit of 100m makes seconds.
  static final FetcherResources DEFAULT =
      new FetcherResources(
          Map.of("cpu", "50m", "memory", "64Mi"),
          Map.of("memory", "128Mi"),
          Map.of("cpu", "1", "memory", "512Mi"));

  FetcherResources withRequests(Map<String, String> quantityByResource) {
    return new FetcherResources(
        ConfigChecks.quantities("resources.requests", quantityByResource), limits, maximum);
  }

  FetcherResources withLimits(Map<String, String> quantityByResource) {
    return new FetcherResources(
        requests, ConfigChecks.quantities("resources.limits", quantityByResource), maximum);
  }

  FetcherResources withMaximum(Map<String, String> quantityByResource) {
    return new FetcherResources(
        requests, limits, ConfigChecks.quantities("resources.maximum", quantityByResource));
  }

  List<String> contradictions() {
    List<String> problems = new ArrayList<>();
    requests.forEach(
        (resource, request) -> {
          String limit = limits.getOrDefault(resource, request);
          if (Quantity.isMore(request, limit)) {
            problems.add(
                "resources.requests."
                    + resource
                    + ", "
                    + request
                    + ", is more than the limit of "
                    + limit);
          }
        });
    return problems;
  }
}
