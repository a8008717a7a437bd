package io.github.secretscontroller.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.testkit.InMemorySecretSource;
import io.github.secretscontroller.core.testkit.SecretSourceContract;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Routing by scheme")
class RoutingSecretSourceTest extends SecretSourceContract {

  private final InMemorySecretSource manager = new InMemorySecretSource();
  private final InMemorySecretSource vault = new InMemorySecretSource();
  private final SecretSource routing =
      SecretSource.routing(Map.of("secretsmanager", manager, "vault", vault));

  @Override
  protected SecretSource source() {
    return routing;
  }

  @Override
  protected SecretReference store(String name, byte[] value) {
    return manager.put(name, value);
  }

  @Test
  @DisplayName("hands each reference to its own source, and keeps the order")
  void eachToItsOwn() {
    manager.put("db", "m".getBytes(UTF_8));
    vault.put("kv/db", "v".getBytes(UTF_8));
    SecretReference fromVault = SecretReference.parse("vault:kv/db");
    SecretReference fromManager = SecretReference.parse("db");
    Map<SecretReference, SecretResult> results =
        routing.fetchAll(List.of(fromVault, SecretReference.parse("nowhere:x"), fromManager));
    assertThat(results.keySet())
        .containsExactly(fromVault, SecretReference.parse("nowhere:x"), fromManager);
    try (SecretValue value = results.get(fromVault).orThrow()) {
      assertThat(value.hasContent("v".getBytes(UTF_8))).isTrue();
    }
    try (SecretValue value = results.get(fromManager).orThrow()) {
      assertThat(value.hasContent("m".getBytes(UTF_8))).isTrue();
    }
    assertThat(results.get(SecretReference.parse("nowhere:x")))
        .isInstanceOf(SecretResult.Failed.class);
  }

  @Test
  @DisplayName("says which schemes there are when asked for another")
  void unknownScheme() {
    assertThatThrownBy(() -> routing.fetch(SecretReference.parse("ssm:/a/b")))
        .isInstanceOf(SecretException.InvalidRequest.class)
        .hasMessage(
            "no source is configured for \"ssm\" references such as ssm:/a/b; configured are"
                + " [secretsmanager, vault]");
  }

  @Test
  @DisplayName("closes each source once, even one that serves two schemes")
  void closing() {
    AtomicInteger closed = new AtomicInteger();
    SecretSource counting =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretReference reference) {
            throw new SecretException.NotFound(reference, "none", null);
          }

          @Override
          public String currentVersion(SecretReference reference) {
            throw new SecretException.NotFound(reference, "none", null);
          }

          @Override
          public void close() {
            closed.incrementAndGet();
          }
        };
    SecretSource.routing(Map.of("a", counting, "b", counting)).close();
    assertThat(closed).hasValue(1);
  }
}
