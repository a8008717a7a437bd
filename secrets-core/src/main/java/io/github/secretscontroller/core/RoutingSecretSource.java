package io.github.secretscontroller.core;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Sends each reference to the source that its scheme names. */
final class RoutingSecretSource implements SecretSource {

  private final Map<String, SecretSource> sourceByScheme;

  RoutingSecretSource(Map<String, SecretSource> sourceByScheme) {
    this.sourceByScheme = new TreeMap<>(sourceByScheme);
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    return sourceFor(reference).fetch(reference);
  }

  @Override
  public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    Map<SecretReference, SecretResult> results = new LinkedHashMap<>();
    Map<String, List<SecretReference>> byScheme = new LinkedHashMap<>();
    for (SecretReference reference : references) {
      try {
        sourceFor(reference);
      } catch (SecretException e) {
        results.put(reference, new SecretResult.Failed(e));
        continue;
      }
      // Keeps the caller's order in the result; the entry is overwritten below.
      results.put(reference, new SecretResult.Failed(unanswered(reference)));
      byScheme.computeIfAbsent(reference.scheme(), s -> new ArrayList<>()).add(reference);
    }
    byScheme.forEach((scheme, group) -> results.putAll(sourceFor(group.get(0)).fetchAll(group)));
    return results;
  }

  @Override
  public String currentVersion(SecretReference reference) {
    return sourceFor(reference).currentVersion(reference);
  }

  @Override
  public void close() {
    sourceByScheme.values().stream().distinct().forEach(SecretSource::close);
  }

  private SecretSource sourceFor(SecretReference reference) {
    SecretSource source = sourceByScheme.get(reference.scheme());
    if (source == null) {
      throw new SecretException.InvalidRequest(
          reference,
          "no source is configured for \""
              + reference.scheme()
              + "\" references such as "
              + reference.describe()
              + "; configured are "
              + sourceByScheme.keySet(),
          null);
    }
    return source;
  }

  private static SecretException unanswered(SecretReference reference) {
    return new SecretException.Unavailable(
        reference, "the source gave no answer for " + reference.describe(), null);
  }
}
