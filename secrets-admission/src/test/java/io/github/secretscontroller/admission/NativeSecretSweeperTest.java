package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.NativeSecretSweeper.Sweep;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.StagingSecretWriter.Written;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The sweeper of native Secrets")
class NativeSecretSweeperTest {

  private static final String PATH = "/api/v1/namespaces/shop/secrets/db";
  private static final String LEASE =
      "/apis/coordination.k8s.io/v1/namespaces/hooks/leases/sweeper";

  private final MovableClock clock = new MovableClock();
  private final NativeSecretsConfig config =
      NativeSecretsConfig.builder().cluster("kubernetes").build();
  @TempDir Path root;
  private DirectorySecretStore store;
  private SecretCluster cluster;
  private SmallApiServer server;

  @BeforeEach
  void start() throws IOException {
    store = new DirectorySecretStore(root);
    cluster =
        new SecretCluster(
            NativeSecretInterceptor.of(config, "directory", store, store, clock), store);
    server = new SmallApiServer();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private NativeSecretSweeper.Builder sweeper() {
    return NativeSecretSweeper.builder(server.client(), store, config).clock(clock);
  }

  private static Sweep done(int promoted, int restored, int marked, int deleted) {
    return new Sweep(promoted, restored, marked, deleted, List.of());
  }

  private ObjectNode admit(String value) {
    return cluster.put(SecretCluster.secret("db", Map.of("user", value)));
  }

  private void store(JsonNode secret) {
    server.put(PATH, secret.toString());
  }

  private String current() {
    try (SecretValue value = store.fetch(SecretReference.parse("kubernetes/shop/db/k8s"))) {
      return new String(value.revealBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  @DisplayName("makes current what is stored, once")
  void promotes() {
    store(admit("one"));
    NativeSecretSweeper sweeper = sweeper().build();
    assertThat(sweeper.sweep()).contains(done(1, 0, 0, 0));
    ObjectNode second = admit("two");
    assertThat(sweeper.sweep()).contains(done(0, 0, 0, 0));
    assertThat(current()).contains("one");
    store(second);
    assertThat(sweeper.sweep()).contains(done(1, 0, 0, 0));
    assertThat(current()).contains("two");
    assertThat(sweeper.sweep()).contains(done(0, 0, 0, 0));
  }

  @Test
  @DisplayName("marks what belongs to nothing, and deletes it when the grace is over")
  void deletes() {
    ObjectNode secret = admit("one");
    NativeSecretSweeper sweeper = sweeper().grace(Duration.ofMinutes(10)).build();
    assertThat(sweeper.orphans()).extracting(Written::reference).hasSize(1);
    assertThat(sweeper.sweep()).contains(done(0, 0, 1, 0));
    clock.advance(Duration.ofMinutes(9));
    assertThat(sweeper.sweep()).contains(done(0, 0, 0, 0));
    clock.advance(Duration.ofMinutes(1));
    assertThat(sweeper.sweep()).contains(done(0, 0, 0, 1));
    assertThat(store.inventory("kubernetes")).allMatch(Written::scheduledForDeletion);
    assertThat(sweeper.orphans()).isEmpty();
    // And takes it back when it turns up all the same.
    store(secret);
    assertThat(sweeper.sweep()).contains(done(1, 1, 0, 0));
    assertThat(cluster.readText(secret, "user")).isEqualTo("one");
  }

  @Test
  @DisplayName("takes a mark back when the Secret is stored after all")
  void inFlight() {
    ObjectNode secret = admit("one");
    NativeSecretSweeper sweeper = sweeper().build();
    sweeper.sweep();
    store(secret);
    assertThat(sweeper.sweep()).contains(done(1, 1, 0, 0));
    assertThat(store.inventory("kubernetes")).extracting(Written::markedAt).containsOnlyNulls();
  }

  @Test
  @DisplayName("takes a Secret that no longer refers to it for gone")
  void otherContent() {
    admit("one");
    store(SecretCluster.secret("db", Map.of("user", "plain")));
    assertThat(sweeper().build().sweep()).contains(done(0, 0, 1, 0));
  }

  @Test
  @DisplayName("deletes nothing when the API server can't be asked, and says so")
  void unreachable() {
    admit("one");
    server.deny("GET", PATH);
    NativeSecretSweeper sweeper = sweeper().build();
    Sweep sweep = sweeper.sweep().orElseThrow();
    assertThat(sweep.problems()).hasSize(1).allMatch(p -> p.contains("HTTP 403"));
    assertThat(store.inventory("kubernetes")).extracting(Written::markedAt).containsOnlyNulls();
    assertThatThrownBy(sweeper::orphans).isInstanceOf(ClusterException.class);
  }

  @Test
  @DisplayName("takes no 404 for an answer but that of an API server which has no such Secret")
  void otherServer() {
    admit("one");
    server.becomeAnotherServer();
    NativeSecretSweeper sweeper = sweeper().build();
    assertThat(sweeper.sweep().orElseThrow().problems())
        .hasSize(1)
        .allMatch(p -> p.contains(PATH + " with HTTP 404") && p.contains("API server?"));
    assertThat(store.inventory("kubernetes")).extracting(Written::markedAt).containsOnlyNulls();
    assertThatThrownBy(sweeper::orphans).isInstanceOf(ClusterException.class);
  }

  @Test
  @DisplayName("doesn't start for a cluster without a name: another one may have its secrets")
  void unnamed() {
    NativeSecretSweeper.Builder unnamed =
        NativeSecretSweeper.builder(
            server.client(), store, NativeSecretsConfig.fromYaml("nativeSecrets: {}").build());
    assertThatThrownBy(unnamed::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("nativeSecrets.cluster", "WEBHOOK_CLUSTER");
    assertThat(
            NativeSecretSweeper.builder(
                    server.client(),
                    store,
                    NativeSecretsConfig.fromEnvironment(Map.of("WEBHOOK_CLUSTER", "kubernetes")))
                .build())
        .isNotNull();
  }

  @Test
  @DisplayName("makes current what stands under NASE's key, whatever other keys there are")
  void nase() {
    NativeSecretsConfig profile =
        NativeSecretsConfig.builder().cluster("kubernetes").naseProfile().build();
    cluster =
        new SecretCluster(
            NativeSecretInterceptor.of(profile, "directory", store, store, clock), store);
    NativeSecretSweeper sweeper =
        NativeSecretSweeper.builder(server.client(), store, profile).clock(clock).build();
    for (String value : List.of("one", "two")) {
      store(cluster.put(SecretCluster.secret("db", Map.of("nase", value, "other", "plain!"))));
      assertThat(sweeper.sweep()).contains(done(1, 0, 0, 0));
      assertThat(cluster.readText(cluster.stored("db"), "nase")).isEqualTo(value);
    }
  }

  @Test
  @DisplayName("leads by a Lease, which another takes over when it is no longer renewed")
  void leads() {
    NativeSecretSweeper one = sweeper().lease("hooks", "sweeper", "one").build();
    NativeSecretSweeper two = sweeper().lease("hooks", "sweeper", "two").build();
    assertThat(one.sweep()).isPresent();
    assertThat(two.sweep()).isEmpty();
    clock.advance(Duration.ofMinutes(4));
    assertThat(one.sweep()).isPresent();
    clock.advance(Duration.ofMinutes(4));
    assertThat(two.sweep()).isEmpty();
    clock.advance(Duration.ofMinutes(2));
    assertThat(two.sweep()).isPresent();
    assertThat(one.sweep()).isEmpty();
    assertThat(server.get(LEASE).at("/spec/leaseTransitions").asInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kubernetes/shop/db/k8s",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:kubernetes/shop/db/k8s",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:kubernetes/shop/db/k8s-hlRvvF"
      })
  @DisplayName("knows what is stored by name, or by an ARN without its random suffix, as in use")
  void otherForms(String id) {
    ObjectNode secret = admit("one");
    SecretReference stored = SecretCluster.reference(secret, "user");
    String version = "?version=" + stored.versionId() + "#user";
    ((ObjectNode) secret.get("data")).put("user", SecretCluster.base64(id + version));
    store(secret);
    NativeSecretSweeper sweeper =
        NativeSecretSweeper.builder(server.client(), withArns(), config).clock(clock).build();
    assertThat(sweeper.orphans()).isEmpty();
    assertThat(sweeper.sweep()).contains(done(1, 0, 0, 0));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kubernetes/shop/db/k8",
        "arn:aws:secretsmanager:us-east-1:210987654321:secret:kubernetes/shop/db/k8s",
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:kubernetes/shop/db/k8s-AAAAAA"
      })
  @DisplayName("but not another secret, nor an earlier one of the same name")
  void otherSecrets(String id) {
    admit("one");
    store(SecretCluster.secret("db", Map.of("user", id)));
    NativeSecretSweeper sweeper =
        NativeSecretSweeper.builder(server.client(), withArns(), config).clock(clock).build();
    assertThat(sweeper.orphans()).hasSize(1);
  }

  /** The store, whose inventory names full ARNs, as that of Secrets Manager does. */
  private StagingSecretWriter withArns() {
    return (StagingSecretWriter)
        Proxy.newProxyInstance(
            StagingSecretWriter.class.getClassLoader(),
            new Class<?>[] {StagingSecretWriter.class},
            (proxy, method, arguments) ->
                method.getName().equals("inventory")
                    ? store.inventory((String) arguments[0]).stream()
                        .map(NativeSecretSweeperTest::withArn)
                        .toList()
                    : method.invoke(store, arguments));
  }

  private static Written withArn(Written written) {
    return new Written(
        SecretReference.parse(
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:"
                + written.reference().id()
                + "-hlRvvF"),
        written.owner(),
        written.scheduledForDeletion(),
        written.markedAt());
  }

  @Test
  @DisplayName("deletes an orphan on request, but not what has been stored in between")
  void orphan() {
    ObjectNode secret = admit("one");
    NativeSecretSweeper sweeper = sweeper().build();
    Written orphan = sweeper.orphans().get(0);
    store(secret);
    assertThat(sweeper.delete(orphan)).isFalse();
    assertThat(Optional.of(sweeper.orphans())).contains(List.of());
  }
}
