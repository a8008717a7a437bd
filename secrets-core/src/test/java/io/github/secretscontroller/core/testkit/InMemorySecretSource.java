package io.github.secretscontroller.core.testkit;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * A source for tests that keeps every version in memory, records each call, and fails when told to.
 * Passes {@link SecretSourceContract}. Thread-safe.
 */
public final class InMemorySecretSource implements SecretSource {

  private final Map<String, List<Version>> versionsByName = new ConcurrentHashMap<>();
  private final Map<String, SecretException> failures = new ConcurrentHashMap<>();
  private final Queue<String> calls = new ConcurrentLinkedQueue<>();

  /** Makes {@code value} the current version of the secret of that name. */
  public SecretReference put(String name, byte[] value) {
    return put(name, value, Instant.EPOCH.plusSeconds(1_000_000_000));
  }

  /** As {@link #put(String, byte[])}, created at the given time. */
  public SecretReference put(String name, byte[] value, Instant createdAt) {
    versionsByName
        .computeIfAbsent(name, n -> new CopyOnWriteArrayList<>())
        .add(new Version(UUID.randomUUID().toString(), value.clone(), createdAt));
    return new SecretReference(SecretReference.SECRETS_MANAGER, name, null, null, null);
  }

  /** Removes a secret with all its versions. */
  public void remove(String name) {
    versionsByName.remove(name);
  }

  /** Makes each call for the name fail, until {@code null} is given. */
  public void failWith(String name, @Nullable SecretException failure) {
    if (failure == null) {
      failures.remove(name);
    } else {
      failures.put(name, failure);
    }
  }

  /** What was called so far: {@code fetch NAME} or {@code currentVersion NAME}. */
  public List<String> calls() {
    return List.copyOf(calls);
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    calls.add("fetch " + reference.name());
    Version version = find(reference);
    boolean current = version.equals(latest(versions(reference)));
    return new SecretValue(
        version.value(),
        reference.withSelector(null).withVersionStage(null).withVersionId(version.id()),
        version.id(),
        current ? Set.of("AWSCURRENT") : Set.of(),
        version.createdAt());
  }

  @Override
  public String currentVersion(SecretReference reference) {
    calls.add("currentVersion " + reference.name());
    return find(reference).id();
  }

  private Version find(SecretReference reference) {
    SecretException failure = failures.get(reference.name());
    if (failure != null) {
      throw failure;
    }
    List<Version> versions = versions(reference);
    String stage = reference.versionStage();
    String id = reference.versionId();
    if (versions.isEmpty()) {
      throw notFound(reference);
    }
    if (id != null) {
      return versions.stream()
          .filter(version -> version.id().equals(id))
          .findFirst()
          .orElseThrow(() -> notFound(reference));
    }
    if (stage == null || stage.equals("AWSCURRENT")) {
      return latest(versions);
    }
    if (stage.equals("AWSPREVIOUS") && versions.size() > 1) {
      return versions.get(versions.size() - 2);
    }
    throw notFound(reference);
  }

  private List<Version> versions(SecretReference reference) {
    return new ArrayList<>(versionsByName.getOrDefault(reference.name(), List.of()));
  }

  private static Version latest(List<Version> versions) {
    return versions.get(versions.size() - 1);
  }

  private static SecretException notFound(SecretReference reference) {
    return new SecretException.NotFound(
        reference, "there is no secret " + reference.describe(), null);
  }

  private static final class Version {
    private final String id;
    private final byte[] value;
    private final Instant createdAt;

    Version(String id, byte[] value, Instant createdAt) {
      this.id = id;
      this.value = value;
      this.createdAt = createdAt;
    }

    String id() {
      return id;
    }

    byte[] value() {
      return value;
    }

    Instant createdAt() {
      return createdAt;
    }
  }
}
