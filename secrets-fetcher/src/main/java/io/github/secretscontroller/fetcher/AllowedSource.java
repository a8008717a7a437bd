package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Lets through only what the operator's patterns allow by the ARN that AWS answered with. The ARN
 * that was asked for isn't enough: a partial one of {@code prod/db-secret} looks like a full one of
 * {@code prod/db}.
 */
final class AllowedSource implements SecretSource {

  private final SecretSource source;
  private final List<ReferencePattern> allowed;

  AllowedSource(SecretSource source, List<ReferencePattern> allowed) {
    this.source = source;
    this.allowed = List.copyOf(allowed);
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    SecretValue value = source.fetch(reference);
    if (isAllowed(value.origin())) {
      return value;
    }
    throw denied(reference, value);
  }

  @Override
  public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    Map<SecretReference, SecretResult> results = new HashMap<>(source.fetchAll(references));
    for (Map.Entry<SecretReference, SecretResult> entry : results.entrySet()) {
      if (entry.getValue() instanceof SecretResult.Fetched fetched
          && !isAllowed(fetched.value().origin())) {
        entry.setValue(new SecretResult.Failed(denied(entry.getKey(), fetched.value())));
      }
    }
    return results;
  }

  /** Tells nothing of a value, so it needs no check of its own. */
  @Override
  public String currentVersion(SecretReference reference) {
    return source.currentVersion(reference);
  }

  @Override
  public void close() {
    source.close();
  }

  /** Only Secrets Manager takes a part of an ARN; all others answer with what they were asked. */
  private boolean isAllowed(SecretReference origin) {
    if (!origin.isArn() || !origin.scheme().equals(SecretReference.SECRETS_MANAGER)) {
      return true;
    }
    for (ReferencePattern pattern : allowed) {
      if (pattern.matches(origin)) {
        return true;
      }
    }
    return false;
  }

  private SecretException denied(SecretReference reference, SecretValue value) {
    value.close();
    return new SecretException.AccessDenied(
        reference,
        reference.describe()
            + " is the secret "
            + value.origin().describe()
            + ", which the operator doesn't allow here; allowed are "
            + allowed
            + "; name another secret, or ask for a rule",
        null);
  }
}
