package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One SDK client per region, made when it is first needed. Thread-safe. */
final class RegionalClients<C extends AutoCloseable> implements AutoCloseable {

  private final @Nullable String defaultRegion;
  private final Function<String, C> factory;
  private final Map<String, C> clientByRegion = new ConcurrentHashMap<>();

  /**
   * No client yet.
   *
   * @param defaultRegion the region of references that name none
   * @param factory makes a client for a region; an {@link IllegalArgumentException} means that
   *     there are no credentials
   */
  RegionalClients(@Nullable String defaultRegion, Function<String, C> factory) {
    this.defaultRegion = defaultRegion;
    this.factory = factory;
  }

  /** The region that a reference is read in: its ARN's, or else the default. */
  String regionOf(SecretReference reference) {
    String region = reference.region().orElse(defaultRegion);
    if (region == null) {
      throw new SecretException.InvalidRequest(
          reference,
          "no region is known for "
              + reference.describe()
              + "; name it by its ARN, or set AWS_REGION",
          null);
    }
    return region;
  }

  /** The client for what {@code reference} names. */
  C clientFor(SecretReference reference) {
    return clientIn(regionOf(reference), reference);
  }

  /**
   * The client for a region.
   *
   * @param reference for messages
   */
  C clientIn(String region, SecretReference reference) {
    try {
      return clientByRegion.computeIfAbsent(region, factory);
    } catch (IllegalArgumentException e) {
      throw new SecretException.AccessDenied(
          reference, "no access to " + reference.describe() + ": " + e.getMessage(), null);
    }
  }

  @Override
  public void close() {
    clientByRegion
        .values()
        .forEach(
            client -> {
              try {
                client.close();
              } catch (Exception e) {
                throw new IllegalStateException("closing an AWS client failed", e);
              }
            });
    clientByRegion.clear();
  }
}
