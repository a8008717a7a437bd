package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretValue;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Which version of a secret was read, without its value.
 *
 * @param secret what was asked for
 * @param versionId the version, or {@code null} if there was none
 * @param region the region that answered, if the backend has regions
 * @param at when
 */
record Reading(
    SecretReference secret, @Nullable String versionId, @Nullable String region, Instant at) {

  static Reading of(SecretReference secret, SecretResult result, Instant at) {
    if (result instanceof SecretResult.Fetched fetched) {
      SecretValue value = fetched.value();
      return new Reading(secret, value.versionId(), value.origin().region().orElse(null), at);
    }
    return new Reading(secret, null, null, at);
  }
}
