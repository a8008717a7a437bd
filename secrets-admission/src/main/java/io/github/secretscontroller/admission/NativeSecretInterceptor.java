package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.NativeScope.Scope;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.WriteContext;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Takes the values out of a Secret before it is stored: they are written to a backend, and
 * references take their place, so that only references reach etcd.
 *
 * <pre>{@code
 * NativeSecretInterceptor secrets =
 *     NativeSecretInterceptor.of(config, "secretsmanager", writer, source);
 * AdmissionHandler handler = AdmissionHandler.builder().secrets(secrets).build();
 * }</pre>
 *
 * <p>A Secret that can't be written is refused with the cause, so plaintext never slips through. A
 * dry run writes nothing. Values are written as versions that nobody reads but through the
 * reference, since the Secret may yet be rejected. Neither Secrets nor values are logged.
 *
 * <p>Thread-safe, if writer and source are. It doesn't close them.
 */
public final class NativeSecretInterceptor {

  static final String PLACEHOLDER = "dry-run: a reference would be stored here";

  /** In annotations. */
  static final String GONE = "removed: the Secret no longer has this key";

  private static final int FAILURES = 5;
  private static final Duration PAUSE = Duration.ofSeconds(15);

  private final NativeSecretsConfig config;
  private final NativeScope scope;
  private final NativeBackend backend;
  private final NativeKeys keys;
  private final NativeLayout layout;
  private final Clock clock;

  private NativeSecretInterceptor(NativeSecretsConfig config, NativeBackend backend, Clock clock) {
    boolean perKey = config.layout() == NativeSecretsConfig.Layout.KEY || backend.source() == null;
    NativeNames names =
        perKey && !config.names().perKey() && !config.isNase()
            ? new NativeNames(NativeNames.FOR_KEY, true)
            : config.names();
    this.config = config;
    this.scope = new NativeScope(config);
    this.backend = backend;
    this.keys = new NativeKeys(config, backend, names);
    this.layout = perKey ? new LayoutPerKey(backend, names) : new LayoutPerSecret(backend, names);
    this.clock = clock;
  }

  /**
   * An interceptor.
   *
   * @param backendName what annotations and messages call the backend, such as {@code
   *     secretsmanager}
   * @param writer where values are written; one that stages does so
   * @param source reads what {@code writer} wrote; {@code null} if nothing is stored under names
   *     (KMS envelopes), and then each key has a reference of its own, whatever the layout
   */
  public static NativeSecretInterceptor of(
      NativeSecretsConfig config,
      String backendName,
      SecretWriter writer,
      @Nullable SecretSource source) {
    return of(config, backendName, writer, source, Clock.systemUTC());
  }

  static NativeSecretInterceptor of(
      NativeSecretsConfig config,
      String backendName,
      SecretWriter writer,
      @Nullable SecretSource source,
      Clock clock) {
    return new NativeSecretInterceptor(
        config,
        new NativeBackend(
            backendName,
            PlainStaging.over(writer),
            source,
            new CircuitBreaker(clock, FAILURES, PAUSE)),
        clock);
  }

  /** For messages. */
  String describeBackend() {
    return "the backend " + backend.name();
  }

  AdmissionDecision decide(SecretReview review) {
    Scope decided = scope.of(review);
    boolean deletes = review.operation().equals("DELETE");
    if (decided.refusal() != null && !deletes) {
      return refuse(review, 400, decided.refusal());
    }
    if (!decided.intercepted()) {
      return deletes
          ? AdmissionDecision.UNCHANGED
          : AdmissionDecision.allow(NativeScope.nearMisses(review), Map.of());
    }
    if (deletes) {
      return mark(review);
    }
    ObjectNode object = review.object();
    if (object == null) {
      return AdmissionDecision.UNCHANGED;
    }
    try {
      return replace(review, object, decided.asked());
    } catch (NativeRefusal e) {
      return refuse(review, 400, e.reason());
    } catch (SecretException e) {
      return refuse(review, status(e), String.valueOf(e.getMessage()));
    }
  }

  private AdmissionDecision replace(SecretReview review, ObjectNode before, boolean asked) {
    if (review.name().isEmpty()) {
      throw new NativeRefusal(
          "it has no name yet, only a generateName, and its values are kept by name; give it a"
              + " metadata.name");
    }
    ObjectNode after = before.deepCopy();
    NativeKeys.merge(after);
    if (after.path("data").isEmpty()) {
      if (asked) {
        throw new NativeRefusal(
            "it asks for "
                + NativeScope.NATIVE
                + ", but has no data; give it some, or remove "
                + NativeScope.NATIVE);
      }
      return AdmissionDecision.UNCHANGED;
    }
    WriteContext owner = WriteContext.of(config.cluster(), review.namespace(), review.name());
    try (NativeContents contents = keys.sort(after, review, owner)) {
      boolean immutable = review.old().path("immutable").asBoolean();
      if (review.dryRun() || immutable) {
        SortedMap<String, String> texts = texts(find(contents, owner));
        if (immutable) {
          requireStored(texts, review);
        }
        apply(after, review, texts, Optional.empty());
      } else {
        SortedMap<String, SecretReference> stored = store(contents, owner);
        apply(after, review, texts(optional(stored)), Optional.of(stored));
      }
      ArrayNode patch = JsonDiff.diff(before, after);
      List<String> warnings = ManifestCopies.leaks(after, contents.plain());
      return AdmissionDecision.allow(
              warnings, Map.of("native-keys", Integer.toString(contents.size())))
          .with(patch, 0);
    }
  }

  private SortedMap<String, SecretReference> store(NativeContents contents, WriteContext owner) {
    return named(() -> layout.store(contents, owner));
  }

  private SortedMap<String, Optional<SecretReference>> find(
      NativeContents contents, WriteContext owner) {
    return named(() -> layout.find(contents, owner));
  }

  /** A name that the backend can't take is an IllegalArgumentException that says why. */
  private static <T> T named(Supplier<T> calls) {
    try {
      return calls.get();
    } catch (IllegalArgumentException e) {
      throw new NativeRefusal("it can't be named in the backend: " + e.getMessage());
    }
  }

  /** Before anything is written: the API server's own check comes after the webhooks. */
  private void requireStored(SortedMap<String, String> texts, SecretReview review) {
    SortedMap<String, String> stored = new TreeMap<>();
    review.old().path("data").properties().stream()
        .filter(entry -> keys.handled().test(entry.getKey()))
        .forEach(entry -> stored.put(entry.getKey(), entry.getValue().asText()));
    SortedMap<String, String> wanted = new TreeMap<>(texts);
    wanted.replaceAll((key, text) -> ManifestCopies.base64(text));
    if (!wanted.equals(stored)) {
      throw new NativeRefusal(
          "it is immutable, so its data can't change; delete it, and create it again");
    }
  }

  /** What stands under each key: the reference, with its version if versions are pinned. */
  private SortedMap<String, String> texts(SortedMap<String, Optional<SecretReference>> references) {
    SortedMap<String, String> texts = new TreeMap<>();
    references.forEach(
        (key, reference) ->
            texts.put(
                key,
                reference
                    .map(r -> (config.pins() && r.versionId() != null ? r : followed(r)).toString())
                    .orElse(PLACEHOLDER)));
    return texts;
  }

  /** A mere name says that it is followed: so a reader can tell it from a value. */
  private static SecretReference followed(SecretReference reference) {
    SecretReference current = reference.withVersionId(null);
    boolean certain = current.isArn() || current.scheme().equals(SecretReference.KMS);
    return certain ? current : current.withVersionStage("AWSCURRENT");
  }

  private static SortedMap<String, Optional<SecretReference>> optional(
      SortedMap<String, SecretReference> references) {
    SortedMap<String, Optional<SecretReference>> optional = new TreeMap<>();
    references.forEach((key, reference) -> optional.put(key, Optional.of(reference)));
    return optional;
  }

  /**
   * Puts the texts in place of the values, wherever these are.
   *
   * @param stored the references; empty if not all are known
   */
  private void apply(
      ObjectNode secret,
      SecretReview review,
      SortedMap<String, String> texts,
      Optional<SortedMap<String, SecretReference>> stored) {
    ObjectNode data = PodTree.objectOf(secret, "data");
    texts.forEach((key, text) -> data.put(key, ManifestCopies.base64(text)));
    ObjectNode annotations = PodTree.objectOf(PodTree.objectOf(secret, "metadata"), "annotations");
    ManifestCopies.rewrite(annotations, keys.handled(), key -> texts.getOrDefault(key, GONE));
    boolean complete = !texts.containsValue(PLACEHOLDER);
    stored.ifPresent(
        references -> {
          new NativeRecord(backend.name(), references).writeTo(annotations, texts);
          if (config.isNase()) {
            references.values().forEach(each -> annotations.put(NaseAnnotation.KEY, each.id()));
          }
        });
    if (stored.isEmpty() && complete) {
      // As the stored object has them, so that a diff shows nothing.
      NativeRecord.copy(review.old(), annotations);
    }
    if (annotations.isEmpty()) {
      ((ObjectNode) secret.path("metadata")).remove("annotations");
    }
  }

  /** Only notes it: the deletion may be rejected yet, and must not fail because of a backend. */
  private AdmissionDecision mark(SecretReview review) {
    if (review.dryRun() || !NativeRecord.isOn(review.old())) {
      return AdmissionDecision.UNCHANGED;
    }
    List<String> warnings = new ArrayList<>();
    WriteContext owner = WriteContext.of(config.cluster(), review.namespace(), review.name());
    for (SecretReference secret :
        NativeRecord.read(review.old(), keys.handled())
            .map(NativeRecord::secrets)
            .orElse(Set.of())) {
      try {
        backend.markDeleted(secret, owner, clock.instant());
      } catch (SecretException e) {
        warnings.add(
            review.describe()
                + " is deleted, but its secret in the backend could not be marked: "
                + e.getMessage());
      }
    }
    return AdmissionDecision.allow(warnings, Map.of());
  }

  private static int status(SecretException e) {
    if (e instanceof SecretException.Unavailable) {
      return 503;
    }
    // The webhook's own role, or what it wrote: nothing that whoever sent the Secret can mend.
    return e instanceof SecretException.InvalidRequest ? 400 : 500;
  }

  private static AdmissionDecision refuse(SecretReview review, int status, String reason) {
    return AdmissionDecision.refuse(
        status, review.describe() + " was not stored: " + reason, List.of());
  }
}
