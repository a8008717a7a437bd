package io.github.secretscontroller.admission;

import static io.github.secretscontroller.admission.SecretCluster.secret;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.WriteContext;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A Secret")
class NativeScopeTest {

  @TempDir Path root;

  private SecretCluster cluster(NativeSecretsConfig.Builder config) {
    DirectorySecretStore store = new DirectorySecretStore(root);
    return new SecretCluster(
        NativeSecretInterceptor.of(config.build(), "directory", store, store), store);
  }

  private static ObjectNode plain(String type) {
    ObjectNode secret = secret("db", Map.of("user", "a")).put("type", type);
    ((ObjectNode) secret.get("metadata")).remove("labels");
    return secret;
  }

  @Nested
  @DisplayName("is intercepted")
  class Intercepted {

    @Test
    @DisplayName("if it asks by label or by annotation, and not otherwise")
    void asks() {
      SecretCluster cluster = cluster(NativeSecretsConfig.builder());
      assertThat(cluster.patch(secret("db", Map.of("user", "a")))).isNotEmpty();
      assertThat(cluster.patch(plain("Opaque"))).isEmpty();
      ObjectNode annotated = plain("Opaque");
      ((ObjectNode) annotated.get("metadata"))
          .putObject("annotations")
          .put("secrets.k8s.aws/native", "enabled");
      assertThat(cluster.patch(annotated)).isNotEmpty();
    }

    @Test
    @DisplayName("if the operator lists its namespace, whatever its own annotation says")
    void listed() {
      SecretCluster cluster = cluster(NativeSecretsConfig.builder().namespaces(List.of("shop")));
      ObjectNode secret = plain("Opaque");
      ((ObjectNode) secret.get("metadata"))
          .putObject("annotations")
          .put("secrets.k8s.aws/native", "disabled");
      assertThat(cluster.patch(secret)).isNotEmpty();
    }

    @Test
    @DisplayName("never in an excluded namespace")
    void excluded() {
      SecretCluster cluster =
          cluster(NativeSecretsConfig.builder().excludedNamespaces(List.of("shop")));
      assertThat(cluster.patch(secret("db", Map.of("user", "a")))).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "kubernetes.io/service-account-token",
          "bootstrap.kubernetes.io/token",
          "helm.sh/release.v1"
        })
    @DisplayName("never if it is the cluster's own")
    void never(String type) {
      SecretCluster cluster = cluster(NativeSecretsConfig.builder().namespaces(List.of("shop")));
      assertThat(cluster.patch(secret("db", Map.of("user", "a")).put("type", type))).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
      "kubernetes.io/tls, ingress controllers",
      "kubernetes.io/dockerconfigjson, kubelet",
      "kubernetes.io/dockercfg, kubelet"
    })
    @DisplayName("not if others read it in plain, and refused with the reason if it asks")
    void typed(String type, String who) {
      SecretCluster cluster = cluster(NativeSecretsConfig.builder().namespaces(List.of("shop")));
      assertThat(cluster.patch(plain(type))).isEmpty();
      assertThat(cluster.refusal(secret("db", Map.of("user", "a")).put("type", type)))
          .startsWith(
              "Secret shop/db was not stored: it asks for secrets.k8s.aws/native, but its type is "
                  + type
                  + ", and "
                  + who)
          .endsWith("remove secrets.k8s.aws/native, or use type Opaque");
    }

    @Test
    @DisplayName("or refused if what it asks for is unclear, and warned of a near miss")
    void unclear() {
      SecretCluster cluster = cluster(NativeSecretsConfig.builder());
      ObjectNode secret = secret("db", Map.of("user", "a"));
      ((ObjectNode) secret.get("metadata").get("labels")).put("secrets.k8s.aws/native", "yes");
      assertThat(cluster.refusal(secret))
          .isEqualTo(
              "Secret shop/db was not stored: it has secrets.k8s.aws/native: \"yes\" in its labels;"
                  + " write enabled");
      ((ObjectNode) secret.get("metadata")).putObject("labels").put("secret.k8s.aws/native", "x");
      assertThat(cluster.warnings(secret))
          .containsExactly(
              "Secret shop/db has secret.k8s.aws/native in its labels, which means nothing;"
                  + " secrets.k8s.aws/native keeps its values out of etcd");
    }
  }

  @Nested
  @DisplayName("is refused, in one sentence and without a value,")
  class Refused {

    private final SecretCluster cluster() {
      return NativeScopeTest.this.cluster(NativeSecretsConfig.builder());
    }

    @Test
    @DisplayName("if it asks but is empty; one that didn't ask is left alone")
    void empty() {
      ObjectNode empty = secret("db", Map.of());
      String refusal =
          "Secret shop/db was not stored: it asks for secrets.k8s.aws/native, but has no data; give"
              + " it some, or remove secrets.k8s.aws/native";
      assertThat(cluster().refusal(empty)).isEqualTo(refusal);
      empty.remove("data");
      assertThat(cluster().refusal(empty)).isEqualTo(refusal);
      empty.putNull("data");
      assertThat(cluster().refusal(empty)).isEqualTo(refusal);
      SecretCluster listed =
          NativeScopeTest.this.cluster(NativeSecretsConfig.builder().namespaces(List.of("shop")));
      ((ObjectNode) empty.get("metadata")).remove("labels");
      assertThat(listed.patch(empty)).isEmpty();
    }

    @Test
    @DisplayName("if a key is too large, which it names with the size")
    void large() {
      ObjectNode secret = secret("db", Map.of("user", "a", "blob", "x".repeat(1024 * 1024)));
      assertThat(cluster().refusal(secret))
          .isEqualTo(
              "Secret shop/db was not stored: its keys make a document of 1048598 bytes, more than"
                  + " the 1048576 that the backend directory takes for one secret; the largest is"
                  + " key blob with 1048576 bytes; make it smaller, split the Secret, or let the"
                  + " operator set layout: key");
      SecretCluster perKey =
          NativeScopeTest.this.cluster(
              NativeSecretsConfig.builder().layout(NativeSecretsConfig.Layout.KEY));
      assertThat(perKey.refusal(secret("db", Map.of("blob", "x".repeat(1024 * 1024 + 1)))))
          .isEqualTo(
              "Secret shop/db was not stored: its key blob has 1048577 bytes, more than the 1048576"
                  + " that the backend directory takes for one secret; make it smaller, or split"
                  + " it");
      assertThat(root).isEmptyDirectory();
    }

    @Test
    @DisplayName("if a value is no base64 or a key no name, for all of them at once")
    void malformed() {
      ObjectNode secret = secret("db", Map.of());
      ((ObjectNode) secret.get("data")).put("user", "canary!").put("a b", "YQ==");
      assertThat(cluster().refusal(secret))
          .isEqualTo(
              "Secret shop/db was not stored: its key user is not valid base64; use stringData for"
                  + " plain text; its key \"a b\" is no name for one: write 1 to 253 letters,"
                  + " digits, hyphens, underscores or dots");
    }

    @Test
    @DisplayName("if its name would be no name in the backend")
    void name() {
      SecretCluster cluster =
          NativeScopeTest.this.cluster(
              NativeSecretsConfig.builder().nameTemplate("{namespace}:{name}"));
      assertThat(cluster.refusal(secret("db", Map.of("user", "a"))))
          .startsWith("Secret shop/db was not stored: it can't be named in the backend: not a")
          .contains("':' isn't allowed");
    }

    @Test
    @DisplayName("if a key makes no name in the backend, before any other key is written")
    void key() {
      SecretCluster perKey =
          NativeScopeTest.this.cluster(
              NativeSecretsConfig.builder().layout(NativeSecretsConfig.Layout.KEY));
      String name = "n".repeat(253);
      String key = "k".repeat(253);
      assertThat(perKey.refusal(secret(name, Map.of("a", "no name", key, "no name"))))
          .startsWith(
              "Secret shop/"
                  + name
                  + " was not stored: its key "
                  + key
                  + " can't be named in the backend: not a")
          .endsWith("a secret's name has at most 512 characters, this one has 527");
      assertThat(root).isEmptyDirectory();
    }

    @Test
    @DisplayName("if somebody else has a secret of that name")
    void foreign() {
      new DirectorySecretStore(root)
          .stage("kubernetes/shop/db/k8s", new byte[1], WriteContext.of("other", "shop", "db"));
      assertThat(cluster().refusal(secret("db", Map.of("user", "a"))))
          .endsWith("belongs to shop/db of cluster other; remove it, or choose another name");
    }
  }

  @Nested
  @DisplayName("whose backend fails")
  class Failing {

    private final AtomicInteger calls = new AtomicInteger();
    private final MovableClock clock = new MovableClock();

    /** A backend of somebody's own, which can't stage, and is down. */
    private final SecretWriter down =
        new SecretWriter() {
          @Override
          public SecretReference write(String name, byte[] value, WriteContext context) {
            calls.incrementAndGet();
            throw new SecretException.Unavailable(
                SecretReference.parse(name), "vault is sealed", null);
          }

          @Override
          public void delete(SecretReference reference, WriteContext context) {}
        };

    private SecretCluster cluster() {
      return new SecretCluster(
          NativeSecretInterceptor.of(
              NativeSecretsConfig.builder().build(), "vault", down, null, clock),
          new DirectorySecretStore(root));
    }

    @Test
    @DisplayName(
        "is refused with the cause, and after a few times at once, until it is tried again")
    void breaker() {
      SecretCluster cluster = cluster();
      for (int i = 0; i < 5; i++) {
        assertThat(cluster.respond(secret("db", Map.of("user", "canary")), false).get("status"))
            .isEqualTo(
                Pods.json(
                    "{\"code\":503,\"reason\":\"ServiceUnavailable\",\"message\":\"Secret shop/db"
                        + " was not stored: vault is sealed\"}"));
      }
      assertThat(calls).hasValue(5);
      assertThat(cluster.refusal(secret("db", Map.of("user", "canary"))))
          .isEqualTo(
              "Secret shop/db was not stored: the backend failed 5 times in a row and isn't asked"
                  + " again before "
                  + clock.instant().plusSeconds(15)
                  + "; the last time, vault is sealed");
      assertThat(calls).hasValue(5);
      clock.advance(Duration.ofSeconds(15));
      assertThat(cluster.refusal(secret("db", Map.of("user", "canary"))))
          .endsWith("vault is sealed");
      assertThat(calls).hasValue(6);
    }
  }
}
