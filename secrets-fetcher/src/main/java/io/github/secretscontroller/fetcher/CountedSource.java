package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.util.Collection;
import java.util.Map;

/** Counts what a source is asked, and how it fails. Thread-safe, if the source is. */
final class CountedSource implements SecretSource {

  private final SecretSource source;
  private final Counters counters;

  CountedSource(SecretSource source, Counters counters) {
    this.source = source;
    this.counters = counters;
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    counters.readCalls.incrementAndGet();
    try {
      return source.fetch(reference);
    } catch (SecretException e) {
      count(e);
      throw e;
    }
  }

  @Override
  public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    counters.readCalls.addAndGet(
        references.stream().map(SecretReference::whole).distinct().count());
    Map<SecretReference, SecretResult> results = source.fetchAll(references);
    for (SecretResult result : results.values()) {
      if (result instanceof SecretResult.Failed failed) {
        count(failed.failure());
      }
    }
    return results;
  }

  @Override
  public String currentVersion(SecretReference reference) {
    counters.versionCalls.incrementAndGet();
    try {
      return source.currentVersion(reference);
    } catch (SecretException e) {
      count(e);
      throw e;
    }
  }

  @Override
  public void close() {
    source.close();
  }

  private void count(SecretException e) {
    if (e instanceof SecretException.AccessDenied) {
      counters.deniedCalls.incrementAndGet();
    } else if (e instanceof SecretException.NotFound) {
      counters.notFoundCalls.incrementAndGet();
    } else if (e instanceof SecretException.Unavailable) {
      counters.unavailableCalls.incrementAndGet();
    } else {
      counters.otherFailedCalls.incrementAndGet();
    }
  }
}
