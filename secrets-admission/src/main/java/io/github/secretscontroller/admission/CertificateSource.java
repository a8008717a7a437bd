package io.github.secretscontroller.admission;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Where a serving certificate comes from, and what there is to know about it now. */
interface CertificateSource {

  /** Looks again. Called by one thread at a time; failures are a {@link Look#problem}. */
  Look look();

  /** How long to wait until the next look. */
  Duration interval();

  /**
   * What a look found.
   *
   * @param pair what to serve; null to go on as before
   * @param ready whether an API server accepts what is served; for good once it was
   * @param problem one sentence about what doesn't work and how to mend it; null if all is well
   */
  record Look(@Nullable KeyAndChain pair, boolean ready, @Nullable String problem) {}
}
