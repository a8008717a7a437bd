package io.github.secretscontroller.core;

/**
 * Stores secrets in one backend: an extension point.
 *
 * <p>Thread-safe, and idempotent by content: writing what is stored already returns the same
 * reference and makes no new version, also when two writers do so at the same time. Proven by
 * {@code SecretWriterContract} in the test kit.
 */
public interface SecretWriter extends AutoCloseable {

  /**
   * Stores a value, creating the secret or a new version of it. A secret that is scheduled for
   * deletion is restored first.
   *
   * @param name the secret's name in the backend
   * @param value the bytes to store; not kept, not changed and not wiped here
   * @param context on whose behalf
   * @return a reference, with its version id, through which the backend's source reads exactly
   *     {@code value}
   * @throws IllegalArgumentException if {@code name} can't be a name in this backend
   * @throws SecretException if nothing was stored, or if it can't be told whether it was; writing
   *     again is always safe
   */
  SecretReference write(String name, byte[] value, WriteContext context);

  /**
   * Schedules the deletion of a secret; never destroys a value at once. A secret that doesn't exist
   * or is scheduled already is no error.
   *
   * @throws SecretException if the secret is neither gone nor scheduled for deletion
   */
  void delete(SecretReference reference, WriteContext context);

  /** Releases connections and threads. Idempotent; does nothing by default. */
  @Override
  default void close() {}
}
