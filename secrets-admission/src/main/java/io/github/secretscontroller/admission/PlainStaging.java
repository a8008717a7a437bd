package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.WriteContext;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A writer that can't stage: what it writes is current at once, and it can't tell whose a reference
 * is, so that only those are kept that the stored object has.
 */
record PlainStaging(SecretWriter writer) implements StagingSecretWriter {

  static StagingSecretWriter over(SecretWriter writer) {
    return writer instanceof StagingSecretWriter staging ? staging : new PlainStaging(writer);
  }

  @Override
  public SecretReference write(String name, byte[] value, WriteContext context) {
    return writer.write(name, value, context);
  }

  @Override
  public SecretReference stage(String name, byte[] value, WriteContext context) {
    return writer.write(name, value, context);
  }

  @Override
  public Optional<SecretReference> find(String name, byte[] value, WriteContext context) {
    return Optional.empty();
  }

  @Override
  public boolean owns(SecretReference reference, WriteContext owner) {
    return false;
  }

  @Override
  public void promote(SecretReference reference, WriteContext owner) {}

  @Override
  public void markDeleted(SecretReference reference, WriteContext owner, Instant when) {}

  @Override
  public void restore(SecretReference reference, WriteContext owner) {}

  @Override
  public List<Written> inventory(String cluster) {
    return List.of();
  }

  @Override
  public int maxValueBytes() {
    return Integer.MAX_VALUE;
  }

  @Override
  public void delete(SecretReference reference, WriteContext context) {
    writer.delete(reference, context);
  }

  @Override
  public void close() {
    writer.close();
  }
}
