package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.WriteContext;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Where values are written, behind a circuit breaker.
 *
 * @param name the operator's name for it, such as {@code secretsmanager}
 * @param source reads what the writer wrote; {@code null} if each key stands for itself
 */
record NativeBackend(
    String name,
    StagingSecretWriter writer,
    @Nullable SecretSource source,
    CircuitBreaker breaker) {

  SecretReference stage(String secret, byte[] value, WriteContext owner) {
    return call(secret, () -> writer.stage(secret, value, owner));
  }

  Optional<SecretReference> find(String secret, byte[] value, WriteContext owner) {
    return call(secret, () -> writer.find(secret, value, owner));
  }

  boolean owns(SecretReference reference, WriteContext owner) {
    return breaker.call(reference, () -> writer.owns(reference, owner));
  }

  void restore(SecretReference reference, WriteContext owner) {
    breaker.call(
        reference,
        () -> {
          writer.restore(reference, owner);
          return reference;
        });
  }

  void promote(SecretReference reference, WriteContext owner) {
    breaker.call(
        reference,
        () -> {
          writer.promote(reference, owner);
          return reference;
        });
  }

  void markDeleted(SecretReference reference, WriteContext owner, Instant when) {
    breaker.call(
        reference,
        () -> {
          writer.markDeleted(reference, owner, when);
          return reference;
        });
  }

  /** Whether the reference's version is the one that was staged last, or is current. */
  boolean isLatest(String secret, SecretReference reference, WriteContext owner) {
    if (source == null) {
      return false;
    }
    try (SecretValue value = fetch(reference.withSelector(null))) {
      byte[] bytes = value.revealBytes();
      try {
        return find(secret, bytes, owner)
            .filter(latest -> Objects.equals(latest.versionId(), reference.versionId()))
            .isPresent();
      } finally {
        Arrays.fill(bytes, (byte) 0);
      }
    }
  }

  /** The caller closes the value. */
  SecretValue fetch(SecretReference reference) {
    SecretSource reading = source;
    if (reading == null) {
      throw new IllegalStateException("only a layout of documents reads");
    }
    return breaker.call(reference, () -> reading.fetch(reference));
  }

  private <T> T call(String secret, Supplier<T> backend) {
    return breaker.call(
        new SecretReference(SecretReference.SECRETS_MANAGER, secret, null, null, null), backend);
  }
}
