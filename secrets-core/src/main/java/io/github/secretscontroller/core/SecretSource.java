package io.github.secretscontroller.core;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Reads secrets from one backend: an extension point.
 *
 * <p>An implementation is thread-safe, ignores {@link SecretReference#selector()}, and passes the
 * tests of {@code SecretSourceContract} in the test kit. Sources are composed by hand, with {@link
 * #routing} and decorators; there is no discovery, because a jar that slips onto the class path
 * must not become a place that secrets come from.
 */
public interface SecretSource extends AutoCloseable {

  /**
   * Reads the value that a reference names. Without a version stage or id, that is the current one.
   *
   * @return the value; the caller closes it
   * @throws SecretException.NotFound if the secret or the version doesn't exist
   * @throws SecretException.AccessDenied if the identity may not read it
   * @throws SecretException.InvalidRequest if this backend can't serve such a reference
   * @throws SecretException.Unavailable if it may work later
   * @throws SecretException.Corrupt if the answer can't be the secret
   */
  SecretValue fetch(SecretReference reference);

  /**
   * Reads many. One reference that fails, or is slow, never hides the others. References that
   * differ only in their selector share one read, but each gets a value of its own.
   *
   * <p>The default reads one after the other with {@link #fetch}.
   *
   * @return a result for each distinct reference, in the order given; the caller closes the values
   */
  default Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    Map<SecretReference, SecretResult> wholes = new LinkedHashMap<>();
    Map<SecretReference, SecretResult> results = new LinkedHashMap<>();
    for (SecretReference reference : references) {
      if (results.containsKey(reference)) {
        continue;
      }
      SecretReference whole = reference.withSelector(null);
      SecretResult known = wholes.get(whole);
      if (known instanceof SecretResult.Fetched fetched) {
        results.put(reference, new SecretResult.Fetched(fetched.value().copy()));
      } else if (known != null) {
        results.put(reference, known);
      } else {
        SecretResult result = SecretResult.of(() -> fetch(reference));
        wholes.put(whole, result);
        results.put(reference, result);
      }
    }
    return results;
  }

  /**
   * The id of the version that {@link #fetch} would return now, found out more cheaply than by
   * reading the value where the backend can. Two equal answers mean that the value hasn't changed.
   *
   * @throws SecretException as {@link #fetch}
   */
  String currentVersion(SecretReference reference);

  /** Releases connections and threads. Idempotent; does nothing by default. */
  @Override
  default void close() {}

  /**
   * A source that hands each reference to the source for its {@link SecretReference#scheme()}, and
   * answers {@link SecretException.InvalidRequest} for any other scheme. Closing it closes all.
   */
  static SecretSource routing(Map<String, SecretSource> sourceByScheme) {
    return new RoutingSecretSource(sourceByScheme);
  }
}
