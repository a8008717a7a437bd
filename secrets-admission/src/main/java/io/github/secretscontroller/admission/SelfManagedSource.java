package io.github.secretscontroller.admission;

import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Works out anew at each look what to serve, so that replicas need no agreement but the Secret: the
 * newest authority that has been in all bundles for long enough signs the certificate.
 *
 * <p>An API server must never see a certificate that it doesn't trust yet. So an authority goes
 * into the bundles first; each replica sees it there, waits until all API servers must have seen it
 * too, and only then signs with it. Its predecessor stays trusted until it expires, and no
 * certificate outlives its authority.
 */
final class SelfManagedSource implements CertificateSource {

  private static final Duration INTERVAL = Duration.ofMinutes(1);

  private final AuthoritySecret secret;
  private final CaBundles bundles;
  private final Set<String> hosts;
  private final Duration certificateLifetime;
  private final Duration settleTime;
  private final Clock clock;

  private List<Authority> authorities = List.of();
  private @Nullable Authority signer;
  private @Nullable KeyAndChain served;
  private boolean ready;

  SelfManagedSource(
      AuthoritySecret secret,
      CaBundles bundles,
      Set<String> hosts,
      Duration certificateLifetime,
      Duration settleTime,
      Clock clock) {
    this.secret = secret;
    this.bundles = bundles;
    this.hosts = hosts;
    this.certificateLifetime = certificateLifetime;
    this.settleTime = settleTime;
    this.clock = clock;
  }

  @Override
  public Look look() {
    Instant now = clock.instant();
    String problem = null;
    try {
      authorities = secret.read(now);
    } catch (ClusterException | IllegalArgumentException e) {
      problem = e.getMessage() + "; needed for the webhook's certificate authority in " + secret;
    }
    List<X509Certificate> certificates = authorities.stream().map(Authority::certificate).toList();
    if (problem == null) {
      try {
        bundles.publish(certificates, now);
      } catch (ClusterException e) {
        problem =
            e.getMessage()
                + "; needed to put the webhook's certificate authority, ca.crt of "
                + secret
                + ", into its caBundle";
      }
    }
    Authority next = nextSigner(now);
    if (next != null && (!next.equals(signer) || isDue(now))) {
      served =
          next.keyAndChain().isExpired(now) ? served : next.issue(hosts, now, certificateLifetime);
      signer = next;
    }
    ready |= signer != null && bundles.trusted(signer.certificate(), Duration.ZERO, now);
    if (problem != null && served != null) {
      problem += "; the last good certificate is served until " + served.notAfter();
    }
    return new Look(served, ready, problem);
  }

  @Override
  public Duration interval() {
    return INTERVAL;
  }

  private boolean isDue(Instant now) {
    return served == null || !now.isBefore(served.renewAt());
  }

  private @Nullable Authority nextSigner(Instant now) {
    List<Authority> usable =
        authorities.stream().filter(authority -> !authority.keyAndChain().isExpired(now)).toList();
    for (Authority authority : usable) {
      if (bundles.trusted(authority.certificate(), settleTime, now)) {
        return authority;
      }
    }
    boolean nothingToLose = !ready || served == null || served.isExpired(now);
    if (!nothingToLose) {
      return signer;
    }
    // The oldest in the bundles: all API servers are likeliest to know it.
    Authority best = usable.isEmpty() ? null : usable.get(usable.size() - 1);
    for (Authority authority : usable) {
      if (bundles.trusted(authority.certificate(), Duration.ZERO, now)) {
        best = authority;
      }
    }
    return best;
  }
}
