package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.SecretReference;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * What a native Secret says of itself: the reference under each key, and annotations that tell the
 * backend, the ids there (ARNs), the versions that were admitted, and a digest of the references.
 *
 * <p>Tenants can write annotations, so these prove nothing: they say where to look, and whatever
 * follows from them is verified in the backend.
 *
 * @param backend the operator's name for it
 * @param references by key, each with the version that was admitted, if the backend has versions
 * @param tracking the keys whose references, as they stand there, name no version
 */
record NativeRecord(
    String backend, SortedMap<String, SecretReference> references, Set<String> tracking) {

  static final String BACKEND = "secrets.k8s.aws/native-backend";
  static final String ARN = "secrets.k8s.aws/native-arn";
  static final String VERSION = "secrets.k8s.aws/native-version";
  static final String DIGEST = "secrets.k8s.aws/native-digest";

  /** Of what is admitted now. */
  NativeRecord(String backend, SortedMap<String, SecretReference> references) {
    this(backend, references, Set.of());
  }

  /** Whether a Secret says that it is native. */
  static boolean isOn(JsonNode secret) {
    return secret.path("metadata").path("annotations").has(DIGEST);
  }

  /**
   * The record on a Secret, if its keys have the references that the digest is of.
   *
   * @param handled which of its keys
   */
  static Optional<NativeRecord> read(JsonNode secret, Predicate<String> handled) {
    JsonNode annotations = secret.path("metadata").path("annotations");
    SortedMap<String, String> texts = new TreeMap<>();
    SortedMap<String, SecretReference> references = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : secret.path("data").properties()) {
      if (!handled.test(entry.getKey())) {
        continue;
      }
      try {
        String text =
            new String(
                Base64.getDecoder().decode(entry.getValue().asText()), StandardCharsets.UTF_8);
        texts.put(entry.getKey(), text);
        references.put(entry.getKey(), SecretReference.parse(text));
      } catch (IllegalArgumentException noReference) {
        return Optional.empty();
      }
    }
    if (!digest(texts).equals(annotations.path(DIGEST).asText())) {
      return Optional.empty();
    }
    String versions = annotations.path(VERSION).asText();
    Map<String, String> versionByKey = new TreeMap<>();
    for (String pair : versions.split(",", -1)) {
      int equals = pair.indexOf('=');
      versionByKey.put(equals < 0 ? "" : pair.substring(0, equals), pair.substring(equals + 1));
    }
    Set<String> tracking = new HashSet<>();
    references.forEach(
        (key, reference) -> {
          if (reference.versionId() == null) {
            tracking.add(key);
          }
        });
    references.replaceAll(
        (key, reference) -> {
          String version = versionByKey.getOrDefault(key, versionByKey.getOrDefault("", ""));
          return reference.versionId() == null && !version.isEmpty()
              // The stage only says that the current one is followed.
              ? reference.withVersionStage(null).withVersionId(version)
              : reference;
        });
    return Optional.of(new NativeRecord(annotations.path(BACKEND).asText(), references, tracking));
  }

  /**
   * All references in a Secret, whatever its annotations say; with the versions that they tell if
   * they fit.
   *
   * @param handled which of its keys are intercepted, and in the digest
   */
  static Collection<SecretReference> references(JsonNode secret, Predicate<String> handled) {
    Optional<NativeRecord> record = read(secret, handled);
    if (record.isPresent()) {
      return record.get().references().values();
    }
    List<SecretReference> references = new ArrayList<>();
    for (JsonNode value : secret.path("data")) {
      reference(value.asText()).ifPresent(references::add);
    }
    return references;
  }

  private static Optional<SecretReference> reference(String base64) {
    try {
      byte[] text = Base64.getDecoder().decode(base64);
      return Optional.of(SecretReference.parse(new String(text, StandardCharsets.UTF_8)));
    } catch (IllegalArgumentException noReference) {
      return Optional.empty();
    }
  }

  /** Copies the annotations of another Secret. */
  static void copy(JsonNode secret, ObjectNode annotations) {
    for (String key : List.of(BACKEND, ARN, VERSION, DIGEST)) {
      JsonNode value = secret.path("metadata").path("annotations").path(key);
      put(annotations, key, value.asText());
    }
  }

  /** Writes the annotations; {@code texts} is what stands under the keys. */
  void writeTo(ObjectNode annotations, SortedMap<String, String> texts) {
    annotations.put(BACKEND, backend);
    put(annotations, ARN, parts(SecretReference::id));
    put(
        annotations,
        VERSION,
        parts(reference -> reference.versionId() == null ? "" : reference.versionId()));
    annotations.put(DIGEST, digest(texts));
  }

  /** The secrets in the backend that the keys refer to. */
  Set<SecretReference> secrets() {
    Set<SecretReference> secrets = new HashSet<>();
    references.values().forEach(reference -> secrets.add(reference.withSelector(null)));
    return secrets;
  }

  private static void put(ObjectNode annotations, String key, String value) {
    if (value.isEmpty()) {
      annotations.remove(key);
    } else {
      annotations.put(key, value);
    }
  }

  /** One part for all keys if they share it, else {@code key=part,...}. A sealed value has none. */
  private String parts(Function<SecretReference, String> part) {
    SortedMap<String, String> byKey = new TreeMap<>();
    references.forEach(
        (key, reference) -> {
          String text = reference.scheme().equals(SecretReference.KMS) ? "" : part.apply(reference);
          if (!text.isEmpty()) {
            byKey.put(key, text);
          }
        });
    if (byKey.size() == references.size() && new TreeSet<>(byKey.values()).size() == 1) {
      return byKey.values().iterator().next();
    }
    StringBuilder joined = new StringBuilder();
    byKey.forEach(
        (key, text) -> joined.append(joined.isEmpty() ? "" : ",").append(key + "=" + text));
    return joined.toString();
  }

  /** Of the references, never of a value. */
  static String digest(SortedMap<String, String> texts) {
    try {
      MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
      texts.forEach(
          (key, text) ->
              sha256.update((key + "\0" + text + "\0").getBytes(StandardCharsets.UTF_8)));
      return "sha256:" + HexFormat.of().formatHex(sha256.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
