package io.github.secretscontroller.example;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.testkit.PodMutatorContract;
import java.util.List;
import org.junit.jupiter.api.DisplayName;

@DisplayName("The proxy mutator is a pod mutator that")
class ProxyMutatorContractTest extends PodMutatorContract {

  @Override
  protected PodMutator mutator() {
    return new ProxyMutator("http://proxy.example:3128");
  }

  @Override
  protected List<ObjectNode> podsThatItChanges() {
    return List.of(
        pod(
            """
            {"metadata": {"annotations": {"network.example/proxy": "enabled"}},
             "spec": {"containers": [{"name": "web", "image": "web:1"}]}}
            """));
  }

  @Override
  protected List<ObjectNode> podsThatItLeavesAlone() {
    return List.of(pod("{\"spec\": {\"containers\": [{\"name\": \"web\"}]}}"));
  }

  private static ObjectNode pod(String json) {
    try {
      return (ObjectNode) new ObjectMapper().readTree(json);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }
}
