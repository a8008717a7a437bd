package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.SecretDocument;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Sends Secrets to a handler as an API server does, and keeps what it would store. */
final class SecretCluster {

  private final AdmissionHandler handler;
  private final SecretSource source;
  private final Map<String, ObjectNode> etcd;

  SecretCluster(NativeSecretInterceptor interceptor, SecretSource source) {
    this(AdmissionHandler.builder().secrets(interceptor).build(), source, new HashMap<>());
  }

  private SecretCluster(
      AdmissionHandler handler, SecretSource source, Map<String, ObjectNode> etcd) {
    this.handler = handler;
    this.source = source;
    this.etcd = etcd;
  }

  /** The same cluster, which waits for this handler's answers. */
  SecretCluster with(AdmissionHandler other) {
    return new SecretCluster(other, source, etcd);
  }

  /** A Secret that asks to be native. */
  static ObjectNode secret(String name, Map<String, String> textByKey) {
    ObjectNode secret =
        Pods.json(
            "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{},\"type\":\"Opaque\"}");
    ObjectNode metadata = (ObjectNode) secret.get("metadata");
    metadata.put("name", name).put("namespace", "shop");
    metadata.putObject("labels").put("secrets.k8s.aws/native", "enabled");
    ObjectNode data = secret.putObject("data");
    textByKey.forEach((key, text) -> data.put(key, base64(text)));
    return secret;
  }

  static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
  }

  /** What {@code kubectl apply} keeps of a manifest. */
  static ObjectNode applied(ObjectNode secret, ObjectNode manifest) {
    PodTree.objectOf((ObjectNode) secret.get("metadata"), "annotations")
        .put(ManifestCopies.LAST_APPLIED, manifest + "\n");
    return secret;
  }

  /** Creates or updates a Secret, and stores what was admitted. */
  ObjectNode put(ObjectNode secret) {
    ObjectNode admitted = admitted(secret, false);
    etcd.put(name(secret), admitted);
    return admitted.deepCopy();
  }

  /** Stores a Secret as if there had been no webhook. */
  void storeUnseen(ObjectNode secret) {
    etcd.put(name(secret), secret.deepCopy());
  }

  /** As {@link #put}, but somebody rejects it after the webhook. */
  ObjectNode putRejected(ObjectNode secret) {
    return admitted(secret, false);
  }

  ObjectNode dryRun(ObjectNode secret) {
    return admitted(secret, true);
  }

  ObjectNode stored(String name) {
    return etcd.get(name).deepCopy();
  }

  JsonNode delete(String name) {
    return Pods.respond(handler, review("DELETE", name, null, etcd.remove(name), false));
  }

  /** The sentence with which a Secret is refused. */
  String refusal(ObjectNode secret) {
    JsonNode response = respond(secret, false);
    if (response.get("allowed").booleanValue() || response.has("patch")) {
      throw new AssertionError("not refused");
    }
    return Pods.message(response);
  }

  JsonNode respond(ObjectNode secret, boolean dryRun) {
    ObjectNode old = etcd.get(name(secret));
    return Pods.respond(
        handler, review(old == null ? "CREATE" : "UPDATE", name(secret), secret, old, dryRun));
  }

  ArrayNode patch(ObjectNode secret) {
    return Pods.patch(respond(secret, false));
  }

  List<String> warnings(ObjectNode secret) {
    return Pods.warnings(respond(secret, false));
  }

  /** The reference that stands under a key. */
  static SecretReference reference(JsonNode secret, String key) {
    return SecretReference.parse(text(secret, key));
  }

  static String text(JsonNode secret, String key) {
    return new String(
        Base64.getDecoder().decode(secret.get("data").get(key).textValue()),
        StandardCharsets.UTF_8);
  }

  /** What a pod reads for a key. */
  byte[] read(JsonNode secret, String key) {
    SecretReference reference = reference(secret, key);
    try (SecretValue value = source.fetch(reference.withSelector(null))) {
      String selector = reference.selector();
      return selector == null
          ? value.revealBytes()
          : SecretDocument.value(value.revealBytes(), SecretDocument.key(selector)).orElseThrow();
    }
  }

  String readText(JsonNode secret, String key) {
    return new String(read(secret, key), StandardCharsets.UTF_8);
  }

  private ObjectNode admitted(ObjectNode secret, boolean dryRun) {
    JsonNode response = respond(secret, dryRun);
    if (!response.get("allowed").booleanValue()) {
      throw new AssertionError("refused: " + Pods.message(response));
    }
    return Pods.apply(Pods.patch(response), secret);
  }

  private static String name(JsonNode secret) {
    return secret.path("metadata").path("name").asText();
  }

  private static byte[] review(
      String operation,
      String name,
      @Nullable ObjectNode object,
      @Nullable ObjectNode old,
      boolean dryRun) {
    ObjectNode review = Pods.json(Pods.recorded("secret-kubectl-create"));
    ObjectNode request = (ObjectNode) review.get("request");
    request.put("operation", operation).put("name", name).put("namespace", "shop");
    request.put("dryRun", dryRun);
    request.set("object", object);
    request.set("oldObject", old);
    return review.toString().getBytes(StandardCharsets.UTF_8);
  }
}
