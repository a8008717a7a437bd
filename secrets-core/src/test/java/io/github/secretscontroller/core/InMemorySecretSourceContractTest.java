package io.github.secretscontroller.core;

import io.github.secretscontroller.core.testkit.InMemorySecretSource;
import io.github.secretscontroller.core.testkit.SecretSourceContract;

class InMemorySecretSourceContractTest extends SecretSourceContract {

  private final InMemorySecretSource source = new InMemorySecretSource();

  @Override
  protected SecretSource source() {
    return source;
  }

  @Override
  protected SecretReference store(String name, byte[] value) {
    return source.put(name, value);
  }
}
