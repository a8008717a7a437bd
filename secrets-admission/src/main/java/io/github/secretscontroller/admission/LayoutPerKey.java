package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** One secret in the backend for each key, which has exactly the key's bytes. */
final class LayoutPerKey implements NativeLayout {

  private final NativeBackend backend;
  private final NativeNames names;

  LayoutPerKey(NativeBackend backend, NativeNames names) {
    this.backend = backend;
    this.names = names;
  }

  @Override
  public SortedMap<String, SecretReference> store(NativeContents contents, WriteContext owner) {
    requireWritable(contents, owner);
    SortedMap<String, SecretReference> references = new TreeMap<>(contents.kept());
    for (Map.Entry<String, byte[]> entry : contents.plain().entrySet()) {
      String key = entry.getKey();
      references.put(
          key,
          backend.stage(
              names.nameFor(owner, key), entry.getValue(), replacing(contents, key, owner)));
    }
    return references;
  }

  @Override
  public SortedMap<String, Optional<SecretReference>> find(
      NativeContents contents, WriteContext owner) {
    requireWritable(contents, owner);
    SortedMap<String, Optional<SecretReference>> references = new TreeMap<>();
    contents.kept().forEach((key, reference) -> references.put(key, Optional.of(reference)));
    contents
        .plain()
        .forEach(
            (key, value) ->
                references.put(
                    key,
                    backend.find(
                        names.nameFor(owner, key), value, replacing(contents, key, owner))));
    return references;
  }

  /** Before the first is written, lest some are and others can't be. */
  private void requireWritable(NativeContents contents, WriteContext owner) {
    contents.plain().keySet().forEach(key -> names.nameFor(owner, key));
    int least = backend.writer().minValueBytes();
    int most = backend.writer().maxValueBytes();
    contents
        .plain()
        .forEach(
            (key, value) -> {
              if (value.length < least) {
                throw new NativeRefusal(
                    "its key "
                        + key
                        + " has "
                        + value.length
                        + " bytes, fewer than the "
                        + least
                        + " that the backend "
                        + backend.name()
                        + " takes for one secret; give it a value, or remove it");
              }
              if (value.length > most) {
                throw new NativeRefusal(
                    "its key "
                        + key
                        + " has "
                        + value.length
                        + " bytes, more than the "
                        + most
                        + " that the backend "
                        + backend.name()
                        + " takes for one secret; make it smaller, or split it");
              }
            });
  }

  private static WriteContext replacing(NativeContents contents, String key, WriteContext owner) {
    NativeRecord previous = contents.previous();
    return owner.replacing(previous == null ? null : previous.references().get(key));
  }
}
