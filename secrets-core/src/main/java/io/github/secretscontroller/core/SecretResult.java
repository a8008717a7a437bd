package io.github.secretscontroller.core;

import java.util.function.Supplier;

/** What became of one reference of {@link SecretSource#fetchAll}: a value or a failure. */
public sealed interface SecretResult {

  /** What becomes of a read. */
  static SecretResult of(Supplier<SecretValue> read) {
    try {
      return new Fetched(read.get());
    } catch (SecretException e) {
      return new Failed(e);
    }
  }

  /**
   * The value, or the failure thrown.
   *
   * @throws SecretException if this is a {@link Failed}
   */
  SecretValue orThrow();

  /**
   * The secret was read; whoever takes the value closes it.
   *
   * @param value the secret
   */
  record Fetched(SecretValue value) implements SecretResult {
    @Override
    public SecretValue orThrow() {
      return value;
    }
  }

  /**
   * The secret couldn't be read.
   *
   * @param failure why
   */
  record Failed(SecretException failure) implements SecretResult {
    @Override
    public SecretValue orThrow() {
      throw failure;
    }
  }
}
