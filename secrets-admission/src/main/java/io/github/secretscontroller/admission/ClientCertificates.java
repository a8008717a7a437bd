package io.github.secretscontroller.admission;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Which client certificates may post reviews: those of the API server, where it is configured to
 * show one (a kubeconfig for the webhook in its AdmissionConfiguration). Probes show none, so a
 * server asks for a certificate without insisting, and {@link #allow} is consulted for reviews.
 * Immutable and thread-safe.
 */
public final class ClientCertificates {

  private final X509TrustManager trust;
  private final Set<String> names;

  private ClientCertificates(X509TrustManager trust, Set<String> names) {
    this.trust = trust;
    this.names = names;
  }

  /**
   * What the environment of a webhook asks for: {@code WEBHOOK_CLIENT_CA} is a PEM file with the
   * authorities of the API server's client certificate, {@code WEBHOOK_CLIENT_NAMES} the common
   * names that are allowed, separated by commas (any by default).
   *
   * @return empty without {@code WEBHOOK_CLIENT_CA}: then everybody may post
   * @throws IllegalArgumentException if the file holds no certificate
   * @throws UncheckedIOException if it can't be read
   */
  public static Optional<ClientCertificates> fromEnvironment(Map<String, String> environment) {
    String file = environment.get("WEBHOOK_CLIENT_CA");
    if (file == null) {
      if (environment.containsKey("WEBHOOK_CLIENT_NAMES")) {
        throw new IllegalArgumentException("WEBHOOK_CLIENT_NAMES needs WEBHOOK_CLIENT_CA");
      }
      return Optional.empty();
    }
    try {
      Set<String> names =
          Arrays.stream(environment.getOrDefault("WEBHOOK_CLIENT_NAMES", "").split(",", -1))
              .map(String::strip)
              .filter(name -> !name.isEmpty())
              .collect(Collectors.toUnmodifiableSet());
      return Optional.of(of(Pem.certificates(Files.readString(Path.of(file)), file), names));
    } catch (IOException e) {
      throw new UncheckedIOException("WEBHOOK_CLIENT_CA, " + file + ", can't be read", e);
    }
  }

  /**
   * Certificates that one of the authorities signed.
   *
   * @param names the common names that are allowed; empty for any
   */
  public static ClientCertificates of(List<X509Certificate> authorities, Set<String> names) {
    try {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(null, null);
      for (int i = 0; i < authorities.size(); i++) {
        store.setCertificateEntry("ca-" + i, authorities.get(i));
      }
      TrustManagerFactory factory =
          TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
      factory.init(store);
      for (TrustManager manager : factory.getTrustManagers()) {
        if (manager instanceof X509TrustManager trust) {
          return new ClientCertificates(trust, Set.copyOf(names));
        }
      }
      throw new IllegalStateException("this JVM has no X.509 trust manager");
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("this JVM can't trust these certificates: " + e, e);
    }
  }

  /**
   * Whether a connection's client may post reviews.
   *
   * @param chain what the client showed during the handshake, its own certificate first; null or
   *     empty if it showed none
   */
  public boolean allow(Certificate @Nullable [] chain) {
    if (chain == null || chain.length == 0) {
      return false;
    }
    X509Certificate[] certificates =
        Arrays.stream(chain)
            .filter(X509Certificate.class::isInstance)
            .toArray(X509Certificate[]::new);
    try {
      // Not every server insists that a certificate it asked for is trusted: judge it here, too.
      trust.checkClientTrusted(certificates, certificates[0].getPublicKey().getAlgorithm());
    } catch (GeneralSecurityException e) {
      return false;
    }
    return names.isEmpty() || names.contains(commonName(certificates[0]));
  }

  /** What a server checks client certificates with during the handshake. */
  public X509TrustManager trustManager() {
    return trust;
  }

  private static String commonName(X509Certificate certificate) {
    try {
      for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
        if (part.getType().equalsIgnoreCase("CN")) {
          return part.getValue().toString();
        }
      }
    } catch (InvalidNameException e) {
      // A name that can't be read is no name that is allowed.
    }
    return "";
  }
}
