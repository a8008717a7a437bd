package io.github.secretscontroller.admission;

import static io.github.secretscontroller.admission.SecretCluster.base64;
import static io.github.secretscontroller.admission.SecretCluster.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.DirectorySecretStore;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The profile for those who come from NASE")
class NaseProfileTest {

  @TempDir Path root;
  private DirectorySecretStore store;
  private SecretCluster cluster;

  @BeforeEach
  void cluster() {
    store = new DirectorySecretStore(root);
    cluster =
        new SecretCluster(
            NativeSecretInterceptor.of(
                NativeSecretsConfig.fromYaml("nativeSecrets: {profile: nase}").build(),
                "directory",
                store,
                store),
            store);
  }

  private static ObjectNode secret(Map<String, String> textByKey) {
    ObjectNode secret = SecretCluster.secret("my-secret", textByKey);
    ((ObjectNode) secret.get("metadata")).remove("labels");
    return secret;
  }

  @Test
  @DisplayName("has its key, its name and its annotation, and leaves other keys alone")
  void contract() {
    ObjectNode admitted = cluster.put(secret(Map.of("nase", "supersecret", "other", "plain")));
    // A directory has no ARNs.
    assertThat(text(admitted, "nase")).isEqualTo("shop.my-secret?stage=AWSCURRENT");
    assertThat(text(admitted, "other")).isEqualTo("plain");
    assertThat(
            admitted
                .get("metadata")
                .get("annotations")
                .get("nase.mhausenblas.info/secret-arn")
                .textValue())
        .isEqualTo("shop.my-secret");
    assertThat(cluster.readText(admitted, "nase")).isEqualTo("supersecret");
  }

  @Test
  @DisplayName("leaves Secrets without its key alone, empty ones too (N1, N2)")
  void without() {
    assertThat(cluster.patch(secret(Map.of("other", "plain")))).isEmpty();
    assertThat(cluster.patch(secret(Map.of()))).isEmpty();
    ObjectNode noData = secret(Map.of());
    noData.remove("data");
    assertThat(cluster.patch(noData)).isEmpty();
  }

  @Test
  @DisplayName("takes an update, and keeps its own reference (N3)")
  void update() {
    ObjectNode first = cluster.put(secret(Map.of("nase", "one", "other", "plain")));
    assertThat(cluster.patch(first)).isEmpty();
    cluster.put(secret(Map.of("nase", "two", "other", "plain")));
    assertThat(text(cluster.stored("my-secret"), "nase"))
        .isEqualTo("shop.my-secret?stage=AWSCURRENT");
  }

  @ParameterizedTest
  @ValueSource(strings = {"hunter2", "hunter2?stage=AWSCURRENT", "ssm:hunter2"})
  @DisplayName("takes a value that was stored before for a value, though it may be a name as well")
  void storedBefore(String value) {
    ObjectNode before = secret(Map.of("nase", value));
    ObjectNode labelled = before.deepCopy();
    ((ObjectNode) labelled.get("metadata")).putObject("labels").put("team", "a");
    cluster.storeUnseen(before);
    ObjectNode admitted = cluster.put(labelled);
    assertThat(cluster.readText(admitted, "nase")).isEqualTo(value);
    assertThat(admitted.toString()).doesNotContain("hunter2").doesNotContain(base64(value));
  }

  @Test
  @DisplayName("keeps the ARN that NASE itself stored")
  void storedByNase() {
    String arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop.my-secret-hlRvvF";
    ObjectNode before = secret(Map.of("nase", arn));
    cluster.storeUnseen(before);
    assertThat(text(cluster.put(before), "nase")).isEqualTo(arn);
  }

  @Test
  @DisplayName("creates again after a deletion (N4)")
  void recreate() {
    cluster.put(secret(Map.of("nase", "one")));
    cluster.delete("my-secret");
    assertThat(cluster.readText(cluster.put(secret(Map.of("nase", "one"))), "nase"))
        .isEqualTo("one");
  }

  @Test
  @DisplayName("writes nothing on a dry run (N5)")
  void dryRun() {
    assertThat(text(cluster.dryRun(secret(Map.of("nase", "one"))), "nase"))
        .isEqualTo(NativeSecretInterceptor.PLACEHOLDER);
    assertThat(root).isEmptyDirectory();
  }

  @Test
  @DisplayName("replaces its key in kubectl's copy, and no other (N8)")
  void lastApplied() {
    ObjectNode secret = secret(Map.of("nase", "supersecret", "other", "plain"));
    ObjectNode admitted = cluster.put(SecretCluster.applied(secret, secret.deepCopy()));
    assertThat(admitted.toString())
        .doesNotContain(base64("supersecret"))
        .contains("\\\"other\\\":\\\"" + base64("plain"));
  }

  @Test
  @DisplayName("keeps fields that it doesn't know (N9)")
  void unknownFields() {
    ObjectNode secret = secret(Map.of("nase", "one")).put("immutable", true).put("future", "field");
    ObjectNode admitted = cluster.put(secret);
    assertThat(admitted.get("immutable").booleanValue()).isTrue();
    assertThat(admitted.get("future").textValue()).isEqualTo("field");
  }
}
