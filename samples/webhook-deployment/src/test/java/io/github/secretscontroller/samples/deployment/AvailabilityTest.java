package io.github.secretscontroller.samples.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The chart's webhook stays available:")
class AvailabilityTest {

  private static final String VERSION = "1.33.0";

  private static final Map<String, Object> NATIVE =
      Map.of(
          "nativeSecrets.enabled", true,
          "nativeSecrets.cluster", "our-cluster",
          "nativeSecrets.tokenKey.secretName", "our-token-key");

  private final List<JsonNode> objects = Chart.objects(Chart.render(VERSION, Map.of()));

  @Test
  @DisplayName("two replicas, on nodes and in zones of their own where there are some")
  void replicas() {
    JsonNode deployment = Chart.only(objects, "Deployment");
    assertThat(deployment.at("/spec/replicas").asInt()).isEqualTo(2);
    JsonNode spread = deployment.at("/spec/template/spec/topologySpreadConstraints");
    assertThat(spread.findValuesAsText("topologyKey"))
        .containsExactly("kubernetes.io/hostname", "topology.kubernetes.io/zone");
    JsonNode labels = deployment.at("/spec/template/metadata/labels");
    for (JsonNode constraint : spread) {
      assertThat(constraint.path("whenUnsatisfiable").asText()).isEqualTo("ScheduleAnyway");
      assertSelects(constraint.at("/labelSelector/matchLabels"), labels);
    }
  }

  @Test
  @DisplayName("a new replica is ready before an old one goes, and nodes are drained one by one")
  void updates() {
    JsonNode deployment = Chart.only(objects, "Deployment");
    assertThat(deployment.at("/spec/strategy/rollingUpdate/maxUnavailable").asInt(-1)).isZero();
    JsonNode budget = Chart.only(objects, "PodDisruptionBudget");
    assertThat(budget.at("/spec/minAvailable").asInt()).isEqualTo(1);
    assertSelects(
        budget.at("/spec/selector/matchLabels"), deployment.at("/spec/template/metadata/labels"));
  }

  @Test
  @DisplayName("it isn't killed while it drains")
  void drain() {
    int drain = Integer.parseInt(Chart.environment(objects).get("WEBHOOK_DRAIN_SECONDS"));
    JsonNode pod = Chart.only(objects, "Deployment").at("/spec/template/spec");
    assertThat(pod.path("terminationGracePeriodSeconds").asInt()).isGreaterThan(2 * drain);
    assertThat(pod.path("enableServiceLinks").asBoolean(true)).isFalse();
  }

  @Test
  @DisplayName("with autoscaling, nothing but the autoscaler sets the number of replicas")
  void autoscaling() {
    List<JsonNode> scaled =
        Chart.objects(Chart.render(VERSION, Map.of("autoscaling.enabled", true)));
    assertThat(Chart.only(scaled, "Deployment").path("spec").has("replicas")).isFalse();
    JsonNode autoscaler = Chart.only(scaled, "HorizontalPodAutoscaler");
    assertThat(autoscaler.at("/spec/minReplicas").asInt()).isGreaterThanOrEqualTo(2);
    assertThat(autoscaler.at("/spec/scaleTargetRef/kind").asText()).isEqualTo("Deployment");
    assertThat(autoscaler.at("/spec/scaleTargetRef/name"))
        .isEqualTo(Chart.only(scaled, "Deployment").at("/metadata/name"));
  }

  @Test
  @DisplayName("a pod isn't created without its secrets, and no answer takes too long")
  void failing() {
    JsonNode pods = Chart.only(objects, "MutatingWebhookConfiguration").path("webhooks").path(0);
    assertThat(pods.path("failurePolicy").asText()).isEqualTo("Fail");
    assertThat(pods.path("reinvocationPolicy").asText()).isEqualTo("IfNeeded");
    assertThat(pods.path("sideEffects").asText()).isEqualTo("None");
    assertThat(pods.path("timeoutSeconds").asInt()).isBetween(2, 10);
    assertThat(pods.at("/rules/0/operations").toString()).isEqualTo("[\"CREATE\"]");
  }

  @Test
  @DisplayName("the network lets the API server in, and out what the webhook calls")
  void network() {
    JsonNode policy = Chart.only(objects, "NetworkPolicy");
    assertThat(policy.at("/spec/ingress/0/ports/0/port").asText()).isEqualTo("https");
    assertThat(policy.at("/spec/ingress/0").has("from")).isFalse();
    assertThat(policy.at("/spec/egress").findValuesAsText("port"))
        .containsExactly("53", "53", "443", "6443");

    JsonNode out = Chart.only(Chart.objects(Chart.render(VERSION, NATIVE)), "NetworkPolicy");
    assertThat(out.at("/spec/egress").findValuesAsText("cidr"))
        .as("EKS Pod Identity's agent")
        .containsExactly("169.254.170.23/32", "fd00:ec2::23/128");
  }

  private static void assertSelects(JsonNode selector, JsonNode labels) {
    assertThat(selector.isEmpty()).isFalse();
    for (Map.Entry<String, JsonNode> label : selector.properties()) {
      assertThat(labels.path(label.getKey())).isEqualTo(label.getValue());
    }
  }
}
