package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import java.util.List;
import java.util.Random;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

@Label("The secret injector, in whatever mode and on whatever pod,")
class SecretInjectorPropertiesTest {

  private static final List<String> PODS =
      Pods.RECORDED.stream().filter(name -> !name.contains("hostnetwork")).toList();

  @Provide
  Arbitrary<Mode> modes() {
    return Arbitraries.of(Mode.values());
  }

  /** A recorded pod with containers, mounts, users and fields that the seed makes up. */
  @Provide
  Arbitrary<ObjectNode> pods() {
    return Arbitraries.of(PODS)
        .flatMap(name -> Arbitraries.longs().map(seed -> vary(Pods.recordedPod(name), seed)));
  }

  private static ObjectNode vary(ObjectNode pod, long seed) {
    Random random = new Random(seed);
    ObjectNode spec = (ObjectNode) pod.get("spec");
    spec.put("restartPolicy", "Always");
    if (random.nextBoolean()) {
      spec.remove("volumes");
      spec.remove("serviceAccountName");
    }
    for (String list : List.of("containers", "initContainers")) {
      for (int i = random.nextInt(4); i > 0; i--) {
        ObjectNode added =
            PodTree.newObject().put("name", (list.equals("containers") ? "app" : "init") + i);
        if (random.nextBoolean()) {
          added.putObject("securityContext").put("runAsUser", random.nextInt(3));
        }
        if (random.nextBoolean()) {
          added.putArray("volumeMounts").addObject().put("name", "v").put("mountPath", "/v" + i);
        }
        ArrayNode containers = PodTree.arrayOf(spec, list);
        containers.insert(random.nextInt(containers.size() + 1), added);
      }
    }
    if (random.nextBoolean()) {
      spec.putObject("fieldFromTheFuture").put("~/" + random.nextInt(), true);
      Pods.container(pod, 0).put("anotherField", random.nextInt());
    }
    return pod;
  }

  @Property(tries = 300)
  @Label("changes nothing when it sees its own result")
  void idempotent(@ForAll("pods") ObjectNode pod, @ForAll("modes") Mode mode) {
    ObjectNode once = Asking.of(mode).patched(pod);
    assertThat(JsonDiff.diff(once, Asking.of(mode).patched(once))).isEmpty();
  }

  @Property(tries = 300)
  @Label("only adds: taking away what is ours leaves the pod as it was")
  void onlyAdds(@ForAll("pods") ObjectNode pod, @ForAll("modes") Mode mode) {
    ObjectNode after = Asking.of(mode).patched(pod);
    assertThat(JsonDiff.diff(pod, after))
        .allSatisfy(operation -> assertThat(operation.get("op").textValue()).isEqualTo("add"));
    assertThat(Kept.lost(pod, after)).isNull();
  }

  @Property(tries = 200)
  @Label("comes to the same pod if one of our changes was undone in between")
  void converges(
      @ForAll("pods") ObjectNode pod, @ForAll("modes") Mode mode, @ForAll Random random) {
    ObjectNode injected = Asking.of(mode).patched(pod);
    ArrayNode patch = JsonDiff.diff(pod, injected);
    ArrayNode part = patch.deepCopy();
    part.remove(random.nextInt(part.size()));
    ObjectNode damaged;
    try {
      damaged = Pods.apply(part, pod);
    } catch (jakarta.json.JsonException e) {
      return; // A later operation built on the one that was left out.
    }
    ObjectNode healed = Asking.of(mode).patched(damaged);
    assertThat(sorted(healed)).isEqualTo(sorted(injected));
  }

  /** The order in which mounts were added means nothing. */
  private static ObjectNode sorted(ObjectNode pod) {
    ObjectNode copy = pod.deepCopy();
    for (String list : List.of("containers", "initContainers")) {
      for (ObjectNode container : PodTree.objects(copy.get("spec"), list)) {
        List<String> mounts =
            PodTree.objects(container, "volumeMounts").stream()
                .map(JsonNode::toString)
                .sorted()
                .toList();
        container.put("volumeMounts", mounts.toString());
      }
    }
    return copy;
  }

  @Property(tries = 200)
  @Label("gives a container that is added later what the others have")
  void addedLater(@ForAll("pods") ObjectNode pod, @ForAll("modes") Mode mode) {
    ObjectNode injected = Asking.of(mode).patched(pod);
    PodTree.arrayOf((ObjectNode) injected.get("spec"), "containers")
        .addObject()
        .put("name", "mesh");
    ObjectNode after = Asking.of(mode).patched(injected);
    ObjectNode mesh = PodTree.find(after.get("spec"), "containers", "name", "mesh").orElseThrow();
    assertThat(Pods.secretMounts(mesh)).containsExactly("/var/run/secrets/k8s.aws");
  }
}
