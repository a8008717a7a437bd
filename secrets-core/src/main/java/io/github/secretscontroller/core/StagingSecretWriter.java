package io.github.secretscontroller.core;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A writer for objects that may yet be rejected after their value was written: an extension point.
 *
 * <p>A webhook writes before anybody knows whether the object will be stored. So it stages a
 * version, which only the reference that names it reads; once the object is seen stored, that
 * version is promoted. What belongs to an object that is being deleted is marked, and deleted when
 * the object is confirmed gone. Proven by {@code StagingSecretWriterContract} in the test kit.
 *
 * <p>Each method throws {@link SecretException} if the backend fails or refuses, and touches only
 * what was written for the owner that is named.
 */
public interface StagingSecretWriter extends SecretWriter {

  /**
   * Stores a value as {@link #write} does, but without changing what is current. Only the first
   * version of a secret is current at once. The same value as in {@link
   * WriteContext#previousReference}, or as was staged last, is not stored again. What is marked or
   * scheduled for deletion is taken back.
   *
   * @return a reference that names the version
   * @throws IllegalArgumentException if {@code name} can't be a name in this backend
   */
  SecretReference stage(String name, byte[] value, WriteContext context);

  /** What {@link #stage} would return if it had nothing to write; has no effect. */
  Optional<SecretReference> find(String name, byte[] value, WriteContext context);

  /**
   * Whether the reference names a value that exists, and was written for this owner; has no effect.
   */
  boolean owns(SecretReference reference, WriteContext owner);

  /**
   * Makes the version that the reference names current, unless that was done before: what somebody
   * else made current since then stays so.
   */
  void promote(SecretReference reference, WriteContext owner);

  /** Notes that the owner may be gone; {@link #restore} and {@link #stage} take it back. */
  void markDeleted(SecretReference reference, WriteContext owner, Instant when);

  /** Takes {@link #markDeleted} and {@link #delete} back, as far as the backend still can. */
  void restore(SecretReference reference, WriteContext owner);

  /** All that was written for a cluster's objects; empty if values live in references only. */
  List<Written> inventory(String cluster);

  /** The most bytes that a value may have. */
  int maxValueBytes();

  /** The fewest bytes that a value may have: 1 if it may not be empty. */
  default int minValueBytes() {
    return 0;
  }

  /**
   * One secret of an {@link #inventory}.
   *
   * @param reference names it, without a version
   * @param owner for whom it was written
   * @param scheduledForDeletion whether {@link #delete} was called for it
   * @param markedAt when it was marked, or {@code null}
   */
  record Written(
      SecretReference reference,
      WriteContext owner,
      boolean scheduledForDeletion,
      @Nullable Instant markedAt) {}
}
