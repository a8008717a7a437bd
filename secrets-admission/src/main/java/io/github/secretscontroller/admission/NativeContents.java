package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretReference;
import java.util.Arrays;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * The keys of a Secret, sorted out.
 *
 * @param plain values that have to be written
 * @param kept references that stand there already, and may
 * @param previous what the stored object has, or {@code null}
 */
record NativeContents(
    SortedMap<String, byte[]> plain,
    SortedMap<String, SecretReference> kept,
    @Nullable NativeRecord previous)
    implements AutoCloseable {

  /** Whether there is nothing to write: all keys of the stored object are there, as they were. */
  boolean isUnchanged() {
    return plain.isEmpty()
        && (previous == null || kept.keySet().containsAll(previous.references().keySet()));
  }

  int size() {
    return plain.size() + kept.size();
  }

  /** Wipes the values. */
  @Override
  public void close() {
    plain.values().forEach(value -> Arrays.fill(value, (byte) 0));
  }
}
