package io.github.secretscontroller.admission;

import static io.github.secretscontroller.admission.SecretCluster.applied;
import static io.github.secretscontroller.admission.SecretCluster.base64;
import static io.github.secretscontroller.admission.SecretCluster.reference;
import static io.github.secretscontroller.admission.SecretCluster.secret;
import static io.github.secretscontroller.admission.SecretCluster.text;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.NativeSecretsConfig.Layout;
import io.github.secretscontroller.admission.NativeSecretsConfig.Versions;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.StagingSecretWriter.Written;
import io.github.secretscontroller.core.WriteContext;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The interceptor of native Secrets")
class NativeSecretInterceptorTest {

  private static final Clock CLOCK = new MovableClock();
  private static final WriteContext DB = WriteContext.of("prod", "shop", "db");

  @TempDir Path root;
  private DirectorySecretStore store;
  private SecretCluster cluster;

  private static NativeSecretsConfig.Builder config() {
    return NativeSecretsConfig.builder().cluster("prod");
  }

  private SecretCluster clusterOf(NativeSecretsConfig.Builder config) {
    return new SecretCluster(
        NativeSecretInterceptor.of(config.build(), "directory", store, store, CLOCK), store);
  }

  @BeforeEach
  void cluster() {
    store = new DirectorySecretStore(root);
    cluster = clusterOf(config());
  }

  /** How many versions of all secrets there are. */
  private long versions() {
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(file -> file.getFileName().toString().startsWith(".v-")).count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ObjectNode annotations(JsonNode secret) {
    return (ObjectNode) secret.get("metadata").get("annotations");
  }

  @Nested
  @DisplayName("replaces values by references")
  class Replaces {

    @ParameterizedTest
    @EnumSource
    @DisplayName(
        "so that nothing of them is left in the Secret, and a pod reads them, byte by byte")
    void roundTrip(Layout layout) {
      SecretCluster cluster = clusterOf(config().layout(layout));
      ObjectNode secret =
          secret("db", Map.of("user", "canary-7ad1", "note", "\"q\\\n\u00e4\u0001\t"));
      byte[] binary = new byte[256];
      for (int i = 0; i < binary.length; i++) {
        binary[i] = (byte) i;
      }
      ((ObjectNode) secret.get("data"))
          .put("store.jks", Base64.getEncoder().encodeToString(binary));
      ObjectNode admitted = cluster.put(secret);

      assertThat(admitted.toString())
          .doesNotContain("canary", base64("canary-7ad1"))
          .doesNotContain(Base64.getEncoder().encodeToString(binary).substring(8, 40));
      assertThat(cluster.readText(admitted, "user")).isEqualTo("canary-7ad1");
      assertThat(cluster.readText(admitted, "note")).isEqualTo("\"q\\\n\u00e4\u0001\t");
      assertThat(cluster.read(admitted, "store.jks")).isEqualTo(binary);
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "secret-kubectl-create",
          "secret-binary-create",
          "secret-kubectl-apply-create",
          "secret-server-side-apply-create",
          "secret-kubectl-apply-update",
          "secret-kubectl-replace-update",
          "secret-kubectl-edit-update",
          "secret-kubectl-patch-update"
        })
    @DisplayName("in what a real API server sent")
    void recorded(String name) throws IOException {
      NativeSecretInterceptor interceptor =
          NativeSecretInterceptor.of(
              config().namespaces(List.of("default")).build(), "directory", store, store);
      AdmissionHandler handler = AdmissionHandler.builder().secrets(interceptor).build();
      JsonNode response = Pods.respond(handler, Pods.recorded(name));
      assertThat(response.get("allowed").booleanValue()).isTrue();
      ObjectNode sent = Pods.recordedPod(name);
      ObjectNode admitted = Pods.apply(Pods.patch(response), sent);
      for (Map.Entry<String, JsonNode> entry : sent.get("data").properties()) {
        byte[] value = entry.getValue().binaryValue();
        assertThat(new SecretCluster(interceptor, store).read(admitted, entry.getKey()))
            .isEqualTo(value);
        assertThat(admitted.toString())
            .doesNotContain(entry.getValue().textValue())
            .doesNotContain(new String(value, StandardCharsets.ISO_8859_1));
      }
      assertThat(admitted.get("metadata").get("managedFields"))
          .isEqualTo(sent.get("metadata").get("managedFields"));
    }

    @Test
    @DisplayName("one secret for the whole Secret, a JSON document that people can read")
    void document() {
      ObjectNode admitted = cluster.put(secret("db", Map.of("user", "admin", "tls.crt", "pem")));
      SecretReference reference = reference(admitted, "user");
      assertThat(reference.id()).isEqualTo("prod/shop/db/k8s");
      assertThat(reference.selector()).isEqualTo("user");
      assertThat(reference(admitted, "tls.crt")).isEqualTo(reference.withSelector("\"tls.crt\""));
      try (SecretValue value = store.fetch(reference)) {
        assertThat(value.revealBytes())
            .asString()
            .isEqualTo("{\"tls.crt\":\"pem\",\"user\":\"admin\"}");
      }
    }

    @Test
    @DisplayName("or one for each key, with exactly its bytes")
    void perKey() {
      SecretCluster cluster = clusterOf(config().layout(Layout.KEY));
      ObjectNode admitted = cluster.put(secret("db", Map.of("user", "admin", "password", "p")));
      assertThat(reference(admitted, "user").id()).isEqualTo("prod/shop/db/user/k8s");
      assertThat(reference(admitted, "user").selector()).isNull();
      assertThat(annotations(admitted).get(NativeRecord.ARN).textValue())
          .isEqualTo("password=prod/shop/db/password/k8s,user=prod/shop/db/user/k8s");
    }

    @Test
    @DisplayName("and notes backend, id, version and the digest of the references")
    void record() {
      ObjectNode admitted = cluster.put(secret("db", Map.of("user", "admin")));
      String version = reference(admitted, "user").versionId();
      assertThat(annotations(admitted))
          .isEqualTo(
              Pods.json("{}")
                  .put("secrets.k8s.aws/native-backend", "directory")
                  .put("secrets.k8s.aws/native-arn", "prod/shop/db/k8s")
                  .put("secrets.k8s.aws/native-version", version)
                  .put(
                      "secrets.k8s.aws/native-digest",
                      annotations(admitted).get("secrets.k8s.aws/native-digest").textValue()));
      assertThat(annotations(admitted).get("secrets.k8s.aws/native-digest").textValue())
          .matches("sha256:[0-9a-f]{64}");
    }

    @Test
    @DisplayName("of stringData as well, where nobody merged it before")
    void stringData() {
      ObjectNode secret = secret("db", Map.of());
      secret.remove("data");
      secret.putObject("stringData").put("user", "canary");
      ObjectNode admitted = cluster.put(secret);
      assertThat(admitted.toString()).doesNotContain("canary");
      assertThat(cluster.readText(admitted, "user")).isEqualTo("canary");
    }

    @Test
    @DisplayName("once, when the API server calls again with what was patched")
    void reinvoked() {
      ObjectNode admitted = cluster.putRejected(secret("db", Map.of("user", "admin")));
      assertThat(cluster.patch(admitted)).isEmpty();
      assertThat(versions()).isEqualTo(1);
    }

    @Test
    @DisplayName("that follow the current version, if the operator wants that")
    void tracking() {
      SecretCluster cluster = clusterOf(config().versions(Versions.TRACKING));
      ObjectNode admitted = cluster.put(secret("db", Map.of("user", "one")));
      assertThat(reference(admitted, "user").versionId()).isNull();
      // So that a reader can tell it from a value that looks like a name.
      assertThat(SecretCluster.text(admitted, "user"))
          .isEqualTo("prod/shop/db/k8s?stage=AWSCURRENT#user");
      assertThat(annotations(admitted).has(NativeRecord.VERSION)).isTrue();
      store.write(
          "prod/shop/db/k8s", "{\"user\":\"rotated\"}".getBytes(StandardCharsets.UTF_8), DB);
      assertThat(cluster.readText(admitted, "user")).isEqualTo("rotated");
      // The manifest has not changed, so the rotation stays.
      assertThat(cluster.put(secret("db", Map.of("user", "one"))).get("data"))
          .isEqualTo(admitted.get("data"));
      assertThat(cluster.readText(admitted, "user")).isEqualTo("rotated");
      assertThat(cluster.patch(admitted)).isEmpty();
    }

    @Test
    @DisplayName("that follow the current version also when another key is updated")
    void trackingOneKey() {
      SecretCluster cluster = clusterOf(config().versions(Versions.TRACKING));
      cluster.put(secret("db", Map.of("user", "one", "note", "a")));
      store.write(
          "prod/shop/db/k8s",
          "{\"note\":\"a\",\"user\":\"rotated\"}".getBytes(StandardCharsets.UTF_8),
          DB);
      edit(cluster, "note", "b");
      assertThat(latest(cluster)).isEqualTo("{\"note\":\"b\",\"user\":\"rotated\"}");
    }

    @Test
    @DisplayName("and an update of another key keeps one that no sweep has made current yet")
    void trackingUnswept() {
      SecretCluster cluster = clusterOf(config().versions(Versions.TRACKING));
      cluster.put(secret("db", Map.of("user", "one", "note", "a")));
      edit(cluster, "user", "two");
      edit(cluster, "note", "b");
      assertThat(latest(cluster)).isEqualTo("{\"note\":\"b\",\"user\":\"two\"}");
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("that name no version once, too, when the API server calls again")
    void trackingReinvoked(Layout layout) {
      SecretCluster cluster = clusterOf(config().versions(Versions.TRACKING).layout(layout));
      cluster.put(secret("db", Map.of("user", "one")));
      ObjectNode admitted = cluster.putRejected(secret("db", Map.of("user", "two")));
      assertThat(cluster.patch(admitted)).isEmpty();
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("that name no version, and goes back to none that an old copy has")
    void trackingOldCopy(Layout layout) {
      SecretCluster cluster = clusterOf(config().versions(Versions.TRACKING).layout(layout));
      ObjectNode copy = cluster.put(secret("db", Map.of("user", "one")));
      ObjectNode second = cluster.put(secret("db", Map.of("user", "two")));
      store.promote(
          reference(second, "user")
              .withVersionStage(null)
              .withVersionId(annotations(second).get(NativeRecord.VERSION).textValue())
              .withSelector(null),
          DB);
      assertThat(cluster.put(copy)).isEqualTo(second);
    }

    private void edit(SecretCluster cluster, String key, String value) {
      ObjectNode edited = cluster.stored("db");
      ((ObjectNode) edited.get("data")).put(key, base64(value));
      cluster.put(edited);
    }

    /** The document of the version that was admitted last, which a sweep makes current. */
    private String latest(SecretCluster cluster) {
      String version = annotations(cluster.stored("db")).get(NativeRecord.VERSION).textValue();
      try (SecretValue value =
          store.fetch(SecretReference.parse("prod/shop/db/k8s").withVersionId(version))) {
        return new String(value.revealBytes(), StandardCharsets.UTF_8);
      }
    }
  }

  @Nested
  @DisplayName("over the life of a Secret")
  class LifeCycle {

    @ParameterizedTest
    @EnumSource
    @DisplayName("writes no version for the same manifest again")
    void reapplied(Layout layout) {
      SecretCluster cluster = clusterOf(config().layout(layout));
      ObjectNode first = cluster.put(secret("db", Map.of("user", "a", "password", "b")));
      long written = versions();
      ObjectNode second = cluster.put(secret("db", Map.of("user", "a", "password", "b")));
      assertThat(second).isEqualTo(first);
      assertThat(versions()).isEqualTo(written);
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("takes an update of one key, with references under the others")
    void edited(Layout layout) {
      SecretCluster cluster = clusterOf(config().layout(layout));
      cluster.put(secret("db", Map.of("user", "a", "password", "b")));
      ObjectNode edited = cluster.stored("db");
      ((ObjectNode) edited.get("data")).put("password", base64("new"));
      ObjectNode admitted = cluster.put(edited);
      assertThat(cluster.readText(admitted, "user")).isEqualTo("a");
      assertThat(cluster.readText(admitted, "password")).isEqualTo("new");
    }

    @Test
    @DisplayName("changes nothing in an update that carries the references, and writes nothing")
    void sameReferences() {
      cluster.put(secret("db", Map.of("user", "a")));
      ObjectNode edited = cluster.stored("db");
      ((ObjectNode) edited.get("metadata").get("labels")).put("team", "payments");
      assertThat(cluster.patch(edited)).isEmpty();
      assertThat(versions()).isEqualTo(1);
    }

    @Test
    @DisplayName("puts its annotations back where they were changed or left out")
    void annotationsBack() {
      ObjectNode first = cluster.put(secret("db", Map.of("user", "a")));
      ObjectNode edited = cluster.stored("db");
      annotations(edited).removeAll();
      annotations(edited).put(NativeRecord.ARN, "somebody/elses");
      assertThat(cluster.put(edited)).isEqualTo(first);
    }

    @Test
    @DisplayName("drops a key from the document with the Secret's")
    void keyRemoved() {
      cluster.put(secret("db", Map.of("user", "a", "password", "b")));
      ObjectNode edited = cluster.stored("db");
      ((ObjectNode) edited.get("data")).remove("password");
      ObjectNode admitted = cluster.put(edited);
      try (SecretValue value = store.fetch(reference(admitted, "user"))) {
        assertThat(value.revealBytes()).asString().isEqualTo("{\"user\":\"a\"}");
      }
    }

    @Test
    @DisplayName("keeps the version of the stored object readable when an update is rejected")
    void rejected() {
      ObjectNode first = cluster.put(secret("db", Map.of("user", "stored")));
      ObjectNode rejected = cluster.putRejected(secret("db", Map.of("user", "rejected")));
      assertThat(cluster.readText(first, "user")).isEqualTo("stored");
      assertThat(cluster.readText(rejected, "user")).isEqualTo("rejected");
      try (SecretValue current = store.fetch(SecretReference.parse("prod/shop/db/k8s"))) {
        assertThat(current.revealBytes()).asString().contains("stored");
      }
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-hlRvvF",
          "prod/other/db/k8s?version=11111111-2222-4333-8444-555555555555#user",
          "kms:AQ"
        })
    @DisplayName("refuses a reference that was not written for this Secret")
    void foreign(String reference) {
      assertThat(cluster.refusal(secret("db", Map.of("user", reference))))
          .isEqualTo(
              "Secret shop/db was not stored: its key user has the reference "
                  + reference
                  + ", which the backend doesn't know as written for this Secret of cluster prod;"
                  + " give the value itself");
      assertThat(versions()).isZero();
    }

    @Test
    @DisplayName("refuses another Secret's reference, whatever the annotations say")
    void stolen() {
      ObjectNode theirs = cluster.put(secret("theirs", Map.of("user", "a")));
      ObjectNode mine = secret("mine", Map.of());
      mine.set("data", theirs.get("data"));
      PodTree.objectOf((ObjectNode) mine.get("metadata"), "annotations")
          .setAll(annotations(theirs));
      assertThat(cluster.refusal(mine)).contains("its key user has the reference prod/shop/theirs");
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("takes a restored backup with its references, and restores what they refer to")
    void backup(Versions versions) {
      SecretCluster cluster = clusterOf(config().versions(versions));
      ObjectNode backup = cluster.put(secret("db", Map.of("user", "a")));
      cluster.delete("db");
      store.delete(reference(backup, "user"), DB);
      assertThat(cluster.put(backup)).isEqualTo(backup);
      assertThat(cluster.readText(backup, "user")).isEqualTo("a");
    }

    @Test
    @DisplayName("marks on DELETE, takes the mark back when the Secret is created again")
    void deleted() {
      cluster.put(secret("db", Map.of("user", "a")));
      assertThat(cluster.delete("db").get("allowed").booleanValue()).isTrue();
      assertThat(store.inventory("prod"))
          .extracting(Written::markedAt)
          .containsExactly(CLOCK.instant());
      cluster.put(secret("db", Map.of("user", "a")));
      assertThat(store.inventory("prod")).extracting(Written::markedAt).containsOnlyNulls();
      assertThat(versions()).isEqualTo(1);
    }

    @Test
    @DisplayName("lets nobody escape by taking the label away")
    void labelRemoved() {
      cluster.put(secret("db", Map.of("user", "a")));
      ObjectNode plain = secret("db", Map.of("user", "canary"));
      ((ObjectNode) plain.get("metadata")).remove("labels");
      ObjectNode admitted = cluster.put(plain);
      assertThat(admitted.toString()).doesNotContain("canary", base64("canary"));
      ((ObjectNode) plain.get("data")).put("user", base64("canary-2"));
      assertThat(cluster.put(plain).toString()).doesNotContain(base64("canary-2"));
    }

    @Test
    @DisplayName("refuses to change an immutable Secret before anything is written")
    void immutable() {
      ObjectNode secret = secret("db", Map.of("user", "a")).put("immutable", true);
      ObjectNode first = cluster.put(secret);
      assertThat(cluster.put(secret)).isEqualTo(first);
      assertThat(cluster.refusal(secret("db", Map.of("user", "b")).put("immutable", true)))
          .isEqualTo(
              "Secret shop/db was not stored: it is immutable, so its data can't change; delete it,"
                  + " and create it again");
      assertThat(versions()).isEqualTo(1);
    }

    @Test
    @DisplayName("refuses a Secret whose name is yet to be generated")
    void generateName() {
      ObjectNode secret = secret("db", Map.of("user", "a"));
      ((ObjectNode) secret.get("metadata")).remove("name");
      ((ObjectNode) secret.get("metadata")).put("generateName", "db-");
      assertThat(cluster.refusal(secret))
          .isEqualTo(
              "Secret shop/db-* was not stored: it has no name yet, only a generateName, and its"
                  + " values are kept by name; give it a metadata.name");
    }
  }

  @Nested
  @DisplayName("on a dry run")
  class DryRun {

    @Test
    @DisplayName("writes nothing, and answers with a placeholder for what would be new")
    void create() {
      ObjectNode admitted = cluster.dryRun(secret("db", Map.of("user", "canary")));
      assertThat(text(admitted, "user")).isEqualTo("dry-run: a reference would be stored here");
      assertThat(root).isEmptyDirectory();
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("answers with what is no value: it is refused when it is sent back as one")
    void sentBack(Layout layout) {
      SecretCluster cluster = clusterOf(config().layout(layout));
      ObjectNode shown = cluster.dryRun(secret("db", Map.of("user", "canary")));
      assertThat(cluster.refusal(shown))
          .isEqualTo(
              "Secret shop/db was not stored: the value of its key user is the answer of a dry"
                  + " run; give the value itself");
      assertThat(cluster.refusal(secret("db", Map.of("user", NativeSecretInterceptor.GONE))))
          .endsWith("what annotations say of a removed key; give the value itself");
      assertThat(root).isEmptyDirectory();
      // The API server may call twice, the second time with the first answer.
      assertThat(cluster.dryRun(shown)).isEqualTo(shown);
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("answers with what is stored for the same manifest, so that a diff is empty")
    void unchanged(Layout layout) {
      SecretCluster cluster = clusterOf(config().layout(layout));
      ObjectNode manifest = secret("db", Map.of("user", "a", "password", "b"));
      ObjectNode stored = cluster.put(applied(manifest.deepCopy(), manifest));
      assertThat(cluster.dryRun(applied(manifest.deepCopy(), manifest))).isEqualTo(stored);
    }

    @ParameterizedTest
    @EnumSource
    @DisplayName("shows only the key that changes")
    void oneKey(Layout layout) {
      SecretCluster cluster = clusterOf(config().layout(layout));
      ObjectNode stored = cluster.put(secret("db", Map.of("user", "a", "password", "b")));
      long written = versions();
      ObjectNode shown = cluster.dryRun(secret("db", Map.of("user", "a", "password", "new")));
      assertThat(shown.get("data").get("user")).isEqualTo(stored.get("data").get("user"));
      assertThat(text(shown, "password")).isEqualTo(NativeSecretInterceptor.PLACEHOLDER);
      assertThat(versions()).isEqualTo(written);
    }
  }

  @Nested
  @DisplayName("rewrites kubectl's copy of the manifest")
  class LastApplied {

    private ObjectNode copy(JsonNode secret) {
      return Pods.json(annotations(secret).get(ManifestCopies.LAST_APPLIED).textValue());
    }

    @Test
    @DisplayName("under the same keys of the same fields, base64 in data and plain in stringData")
    void fields() {
      ObjectNode secret = secret("db", Map.of("a", "canary-1", "b", "canary-2"));
      ObjectNode manifest = Pods.json("{\"kind\":\"Secret\"}");
      manifest.putObject("data").put("a", base64("canary-1"));
      manifest.putObject("stringData").put("b", "canary-2").put("gone", "canary-3");
      ObjectNode admitted = cluster.put(applied(secret, manifest));
      assertThat(admitted.toString()).doesNotContain("canary", base64("canary-1"));
      assertThat(copy(admitted).get("data").get("a")).isEqualTo(admitted.get("data").get("a"));
      assertThat(copy(admitted).get("stringData").get("b").textValue())
          .isEqualTo(text(admitted, "b"));
      assertThat(copy(admitted).get("stringData").get("gone").textValue())
          .isEqualTo("removed: the Secret no longer has this key");
    }

    @Test
    @DisplayName("and any other annotation that is the JSON of a Secret")
    void otherTools() {
      ObjectNode secret = secret("db", Map.of("a", "canary-1"));
      PodTree.objectOf((ObjectNode) secret.get("metadata"), "annotations")
          .put("kapp.k14s.io/original", secret.toString());
      assertThat(cluster.put(secret).toString()).doesNotContain(base64("canary-1"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"canary", "{\"data\":{\"a\":\"canary\"},\"data\":{}}", "{} canary"})
    @DisplayName("and refuses what is no manifest, which could hold anything")
    void noManifest(String text) {
      ObjectNode secret = secret("db", Map.of("a", "x"));
      PodTree.objectOf((ObjectNode) secret.get("metadata"), "annotations")
          .put(ManifestCopies.LAST_APPLIED, text);
      assertThat(cluster.refusal(secret))
          .isEqualTo(
              "Secret shop/db was not stored: its annotation"
                  + " kubectl.kubernetes.io/last-applied-configuration is not the JSON of a"
                  + " manifest; remove it");
    }

    @Test
    @DisplayName("and warns of a value in an annotation of the user's own")
    void leak() {
      ObjectNode secret = secret("db", Map.of("a", "canary-12"));
      PodTree.objectOf((ObjectNode) secret.get("metadata"), "annotations")
          .put("note", "it is canary-12");
      assertThat(cluster.warnings(secret))
          .containsExactly(
              "annotation note holds the value of key a, and is stored as it is; remove it there");
    }
  }
}
