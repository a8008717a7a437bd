package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.testkit.PodMutatorContract;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;

@DisplayName("The secret injector is a pod mutator that")
class SecretInjectorContractTest extends PodMutatorContract {

  private final PodMutator injector = new SecretInjector(Pods.config().build());

  @Override
  protected PodMutator mutator() {
    return injector;
  }

  @Override
  protected List<ObjectNode> podsThatItChanges() {
    return List.of(
        Pods.recordedPod("pod-of-deployment-create"),
        Pods.recordedPod("pod-dry-run-create"),
        Pods.recordedPod("pod-irsa-already-injected-create"),
        Pods.recordedPod("pod-mount-path-and-filename-create"),
        Pods.recordedPod("pod-multi-secret-dialect-create"),
        Pods.recordedPod("pod-of-job-create"),
        Pods.recordedPod("pod-with-init-containers-create"),
        Pods.recordedPod("pod-with-native-sidecar-create"),
        Pods.recordedPod("pod-without-volumes-create"));
  }

  @Override
  protected List<ObjectNode> podsThatItLeavesAlone() {
    ObjectNode mirror = Pods.recordedPod("pod-of-deployment-create");
    ((ObjectNode) mirror.get("metadata").get("annotations"))
        .put("kubernetes.io/config.mirror", "6e6f");
    ObjectNode system = Pods.recordedPod("pod-of-deployment-create");
    ((ObjectNode) system.get("metadata")).put("namespace", "kube-system");
    return List.of(
        Pods.recordedPod("pod-unannotated-create"),
        mirror,
        system,
        Pods.annotated(Map.of(Annotations.SECRET_ARN, Pods.ARN, Annotations.SWITCH, "disabled")));
  }
}
