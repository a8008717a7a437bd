package io.github.secretscontroller.admission;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificate with which a webhook serves: from PEM files, kept by the webhook itself (see
 * {@link SelfManagedCertificate}), or made on the spot.
 *
 * <p>The API server accepts a webhook's certificate only if it names the host it calls as a subject
 * alternative name and chains up to the {@code caBundle} of the webhook's configuration.
 *
 * <p>What {@link #sslContext} and {@link #keyManager} gave out follows each {@link #refresh}: new
 * handshakes get the new certificate, connections that are open stay. What can't be served is told
 * by {@link #problem} and logged once, and the last good certificate stays. Thread-safe.
 */
public final class ServingCertificate implements AutoCloseable {

  /** How long a certificate that is made on the spot is valid. */
  public static final Duration VALIDITY = Duration.ofDays(365);

  private static final Logger LOG = LoggerFactory.getLogger(ServingCertificate.class);
  private static final Set<String> LOCAL = Set.of("localhost", "127.0.0.1");

  private final @Nullable CertificateSource source;
  private final SwappingKeyManager keys = new SwappingKeyManager();
  private volatile boolean ready;
  private volatile @Nullable String problem;
  private volatile @Nullable Thread refresher;

  private ServingCertificate(KeyAndChain first, @Nullable CertificateSource source, boolean ready) {
    this.source = source;
    this.ready = ready;
    keys.swap(first);
  }

  /**
   * The certificate that the environment of a webhook names.
   *
   * <ul>
   *   <li>{@code WEBHOOK_TLS_CERT} and {@code WEBHOOK_TLS_KEY} are PEM files, see {@link #fromPem}.
   *   <li>{@code WEBHOOK_TLS_SECRET} is a Secret, as {@code namespace/name}: the webhook manages
   *       its certificate itself, see {@link SelfManagedCertificate#fromEnvironment}.
   *   <li>Otherwise one is made for the hosts in {@code WEBHOOK_TLS_HOSTS} ({@code
   *       localhost,127.0.0.1} by default), and what to trust is written to the file that {@code
   *       WEBHOOK_CA_OUT} names.
   * </ul>
   *
   * @throws IllegalArgumentException if these contradict each other or are incomplete, or see
   *     {@link #fromPem}
   * @throws UncheckedIOException if a file can't be read or written
   */
  public static ServingCertificate fromEnvironment(Map<String, String> environment) {
    String certificate = environment.get("WEBHOOK_TLS_CERT");
    String key = environment.get("WEBHOOK_TLS_KEY");
    boolean selfManaged = environment.containsKey("WEBHOOK_TLS_SECRET");
    if (selfManaged && (certificate != null || key != null)) {
      throw new IllegalArgumentException(
          "set WEBHOOK_TLS_SECRET, or WEBHOOK_TLS_CERT and WEBHOOK_TLS_KEY; both are set");
    }
    if (certificate != null && key != null) {
      return fromPem(Path.of(certificate), Path.of(key));
    }
    if (certificate != null || key != null) {
      throw new IllegalArgumentException(
          "set WEBHOOK_TLS_CERT and WEBHOOK_TLS_KEY, or neither; only one of them is set");
    }
    if (selfManaged) {
      return SelfManagedCertificate.fromEnvironment(environment);
    }
    ServingCertificate made = selfSigned(hosts(environment, LOCAL), Clock.systemUTC());
    String out = environment.get("WEBHOOK_CA_OUT");
    if (out != null) {
      try {
        Files.writeString(Path.of(out), made.caPem());
      } catch (IOException e) {
        throw new UncheckedIOException("WEBHOOK_CA_OUT, " + out + ", can't be written", e);
      }
    }
    return made;
  }

  /**
   * Reads a chain, the server's certificate first, and its unencrypted private key (PKCS#8, PKCS#1
   * or SEC1). Each {@link #refresh} reads them again; a pair that is half-written, doesn't belong
   * together, has expired or isn't valid yet is not taken over.
   *
   * @throws IllegalArgumentException if it is such a pair at the beginning; the message names the
   *     file and never shows its content
   * @throws UncheckedIOException if a file can't be read
   */
  public static ServingCertificate fromPem(Path certificateChain, Path privateKey) {
    return fromPem(certificateChain, privateKey, Clock.systemUTC());
  }

  static ServingCertificate fromPem(Path certificateChain, Path privateKey, Clock clock) {
    PemFiles files = new PemFiles(certificateChain, privateKey, clock);
    return new ServingCertificate(files.read(), files, true);
  }

  /**
   * Makes a certificate authority and a certificate signed by it, valid for {@link #VALIDITY}. The
   * authority's private key is forgotten at once.
   *
   * @param hosts the DNS names and IP addresses that the server is called by
   */
  public static ServingCertificate selfSigned(Set<String> hosts, Clock clock) {
    return new ServingCertificate(madeOnTheSpot(hosts, clock), null, true);
  }

  /**
   * Starts with a certificate that nobody trusts, so that probes are answered until a look helps.
   */
  static ServingCertificate from(CertificateSource source, Set<String> hosts, Clock clock) {
    ServingCertificate certificate =
        new ServingCertificate(madeOnTheSpot(hosts, clock), source, false);
    certificate.refresh();
    return certificate;
  }

  static Set<String> hosts(Map<String, String> environment, Set<String> otherwise) {
    String hosts = environment.get("WEBHOOK_TLS_HOSTS");
    return hosts == null
        ? otherwise
        : Arrays.stream(hosts.split(",", -1))
            .map(String::strip)
            .filter(host -> !host.isEmpty())
            .collect(Collectors.toUnmodifiableSet());
  }

  /**
   * Looks for a newer certificate, as {@link #keepFresh} does all the time. Never throws: what is
   * wrong is told by {@link #problem}.
   */
  public synchronized void refresh() {
    if (source == null) {
      return;
    }
    CertificateSource.Look look = source.look();
    KeyAndChain pair = look.pair();
    if (pair != null && !pair.chain().equals(current().chain())) {
      keys.swap(pair);
      LOG.info("tls.certificate.swapped serial={} notAfter={}", serial(pair), pair.notAfter());
    }
    if (look.ready() && !ready) {
      ready = true;
      LOG.info("tls.certificate.ready");
    }
    String before = problem;
    problem = look.problem();
    if (look.problem() != null && !Objects.equals(before, look.problem())) {
      LOG.warn("tls.certificate.problem {}", look.problem());
    } else if (look.problem() == null && before != null) {
      LOG.info("tls.certificate.recovered");
    }
  }

  /**
   * Refreshes from a daemon thread: files every ten seconds, a self-managed certificate every
   * minute, and every second until it is ready.
   *
   * @return this
   */
  public synchronized ServingCertificate keepFresh() {
    if (source != null && refresher == null) {
      Thread thread = new Thread(() -> refreshUntilInterrupted(source), "serving-certificate");
      thread.setDaemon(true);
      refresher = thread;
      thread.start();
    }
    return this;
  }

  /** Ends what {@link #keepFresh} began; the certificate stays as it is. */
  @Override
  public void close() {
    Thread thread = refresher;
    if (thread != null) {
      thread.interrupt();
    }
  }

  /** A context for the server's side of TLS 1.2 and 1.3; it asks for no client certificate. */
  public SSLContext sslContext() {
    return context(null);
  }

  /**
   * A context whose server can ask for a client certificate; whether it does is the server's
   * setting ({@code wantClientAuth}).
   */
  public SSLContext sslContext(ClientCertificates clients) {
    return context(new TrustManager[] {clients.trustManager()});
  }

  /** For a server that takes key managers, not a context. */
  public X509ExtendedKeyManager keyManager() {
    return keys;
  }

  /** The chain that is served now, as PEM, for a server that takes neither of the others. */
  public String chainPem() {
    return Pem.of(current().chain());
  }

  /** The private key that belongs to {@link #chainPem}, as PEM; whoever asks wipes the bytes. */
  public byte[] revealPrivateKeyPem() {
    return Pem.reveal(current().privateKey()).getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * What a client has to trust, as PEM: the authority of a certificate that we made, or the last
   * certificate of a chain that was read. This is the {@code caBundle} of the webhook's
   * configuration.
   */
  public String caPem() {
    return Pem.of(List.of(current().trustAnchor()));
  }

  /** When the certificate expires. */
  public Instant notAfter() {
    return current().notAfter();
  }

  /**
   * Whether an API server accepts what is served, as far as can be told from here. Once true, it
   * stays true: nothing is won by taking a webhook away whose next certificate is late.
   */
  public boolean isReady() {
    return ready;
  }

  /** One sentence about what keeps the certificate from being renewed, and how to mend it. */
  public Optional<String> problem() {
    return Optional.ofNullable(problem);
  }

  /** Why it isn't ready, for {@link AdmissionHandler.Builder#readinessCheck}; empty if it is. */
  public Optional<String> unready() {
    return ready
        ? Optional.empty()
        : Optional.of(problem().orElse("not trusted by API servers yet"));
  }

  private void refreshUntilInterrupted(CertificateSource from) {
    try {
      while (true) {
        Thread.sleep(ready ? from.interval().toMillis() : 1000);
        refresh();
      }
    } catch (InterruptedException e) {
      // Closed.
    }
  }

  private KeyAndChain current() {
    return Objects.requireNonNull(keys.current());
  }

  private SSLContext context(TrustManager @Nullable [] trust) {
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[] {keys}, trust, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this JVM can't serve TLS: " + e, e);
    }
  }

  private static KeyAndChain madeOnTheSpot(Set<String> hosts, Clock clock) {
    if (hosts.isEmpty()) {
      throw new IllegalArgumentException("a serving certificate needs at least one host");
    }
    Instant now = clock.instant();
    return Authority.create(now, VALIDITY).issue(hosts, now, VALIDITY);
  }

  private static String serial(KeyAndChain pair) {
    return pair.certificate().getSerialNumber().toString(16);
  }
}
