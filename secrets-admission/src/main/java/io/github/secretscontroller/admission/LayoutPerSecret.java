package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretDocument;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.WriteContext;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** One secret in the backend for the whole Secret: a {@link SecretDocument} of its keys. */
final class LayoutPerSecret implements NativeLayout {

  private final NativeBackend backend;
  private final NativeNames names;

  LayoutPerSecret(NativeBackend backend, NativeNames names) {
    this.backend = backend;
    this.names = names;
  }

  @Override
  public SortedMap<String, SecretReference> store(NativeContents contents, WriteContext owner) {
    if (contents.isUnchanged()) {
      return contents.kept();
    }
    try (Values values = resolve(contents, current(contents, owner))) {
      byte[] document = encode(values);
      try {
        SecretReference stored =
            backend.stage(names.nameFor(owner, ""), document, replacing(contents, owner));
        SortedMap<String, SecretReference> references = new TreeMap<>();
        for (String key : values.byKey().keySet()) {
          references.put(key, stored.withSelector(SecretDocument.selector(key)));
        }
        return references;
      } finally {
        Arrays.fill(document, (byte) 0);
      }
    }
  }

  @Override
  public SortedMap<String, Optional<SecretReference>> find(
      NativeContents contents, WriteContext owner) {
    SortedMap<String, Optional<SecretReference>> references = new TreeMap<>();
    contents.kept().forEach((key, reference) -> references.put(key, Optional.of(reference)));
    if (contents.isUnchanged()) {
      return references;
    }
    try (Values values = resolve(contents, contents.kept())) {
      byte[] document = encode(values);
      try {
        Optional<SecretReference> found =
            backend.find(names.nameFor(owner, ""), document, replacing(contents, owner));
        for (Map.Entry<String, byte[]> entry : contents.plain().entrySet()) {
          String key = entry.getKey();
          references.put(
              key,
              found.isPresent()
                  ? found.map(stored -> stored.withSelector(SecretDocument.selector(key)))
                  : unchanged(contents, key, entry.getValue()));
        }
      } finally {
        Arrays.fill(document, (byte) 0);
      }
    }
    return references;
  }

  /** The stored reference of a key, if it has this value. */
  private Optional<SecretReference> unchanged(NativeContents contents, String key, byte[] value) {
    NativeRecord previous = contents.previous();
    SecretReference reference = previous == null ? null : previous.references().get(key);
    if (reference == null) {
      return Optional.empty();
    }
    byte[] stored = read(reference, key, new HashMap<>());
    try {
      return Arrays.equals(stored, value) ? Optional.of(reference) : Optional.empty();
    } finally {
      Arrays.fill(stored, (byte) 0);
    }
  }

  private byte[] encode(Values values) {
    byte[] document = SecretDocument.encode(values.byKey());
    int most = backend.writer().maxValueBytes();
    if (document.length > most) {
      Map.Entry<String, byte[]> largest =
          values.byKey().entrySet().stream()
              .max(Comparator.comparingInt(entry -> entry.getValue().length))
              .orElseThrow();
      int size = document.length;
      Arrays.fill(document, (byte) 0);
      throw new NativeRefusal(
          "its keys make a document of "
              + size
              + " bytes, more than the "
              + most
              + " that the backend "
              + backend.name()
              + " takes for one secret; the largest is key "
              + largest.getKey()
              + " with "
              + largest.getValue().length
              + " bytes; make it smaller, split the Secret, or let the operator set layout: key");
    }
    return document;
  }

  /**
   * Where to read the keys that are kept: pods read the current value of those whose references
   * name no version, so a rotation must not be undone. What the stored object refers to is promoted
   * first, since the sweeper may not have come yet.
   */
  private SortedMap<String, SecretReference> current(NativeContents contents, WriteContext owner) {
    NativeRecord previous = contents.previous();
    SortedMap<String, SecretReference> current = new TreeMap<>(contents.kept());
    if (previous == null) {
      return current;
    }
    Set<SecretReference> promoted = new HashSet<>();
    current.replaceAll(
        (key, kept) -> {
          if (!previous.tracking().contains(key) || !kept.equals(previous.references().get(key))) {
            return kept;
          }
          SecretReference stored = kept.withSelector(null);
          if (promoted.add(stored)) {
            backend.promote(stored, owner);
          }
          return kept.withVersionId(null).withVersionStage("AWSCURRENT");
        });
    return current;
  }

  private Values resolve(NativeContents contents, SortedMap<String, SecretReference> references) {
    Map<SecretReference, byte[]> documents = new HashMap<>();
    SortedMap<String, byte[]> values = new TreeMap<>();
    try {
      contents.plain().forEach((key, value) -> values.put(key, value.clone()));
      references.forEach((key, reference) -> values.put(key, read(reference, key, documents)));
      return new Values(values);
    } catch (RuntimeException e) {
      new Values(values).close();
      throw e;
    } finally {
      documents.values().forEach(document -> Arrays.fill(document, (byte) 0));
    }
  }

  private byte[] read(
      SecretReference reference, String key, Map<SecretReference, byte[]> documents) {
    byte[] document =
        documents.computeIfAbsent(
            reference.withSelector(null),
            whole -> {
              try (SecretValue value = backend.fetch(whole)) {
                return value.revealBytes();
              }
            });
    String selector = reference.selector();
    if (selector == null) {
      return document.clone();
    }
    return SecretDocument.value(document, SecretDocument.key(selector))
        .orElseThrow(
            () ->
                new NativeRefusal(
                    "its key "
                        + key
                        + " refers to "
                        + reference.describe()
                        + ", where there is no such key; give its value instead"));
  }

  private static WriteContext replacing(NativeContents contents, WriteContext owner) {
    return owner.replacing(previous(contents.previous()));
  }

  private static @Nullable SecretReference previous(@Nullable NativeRecord record) {
    return record == null ? null : record.secrets().stream().findFirst().orElse(null);
  }

  /** Values that are wiped in the end. */
  private record Values(SortedMap<String, byte[]> byKey) implements AutoCloseable {
    @Override
    public void close() {
      byKey.values().forEach(value -> Arrays.fill(value, (byte) 0));
    }
  }
}
