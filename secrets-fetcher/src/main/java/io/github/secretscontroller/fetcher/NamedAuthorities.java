package io.github.secretscontroller.fetcher;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Trusts whom the JVM trusts, but parses only those of its 150 authorities that a server's chain
 * names, since all of them take a JVM that just started longer than the handshake itself.
 *
 * <p>What it does is the JVM's own check with fewer trust anchors, which can only refuse more. So
 * whatever that refuses, for whatever reason, is decided by the check with all of them.
 */
final class NamedAuthorities extends X509ExtendedTrustManager {

  /** The check of one trust manager, over whatever connection. */
  private interface Check {

    void by(X509ExtendedTrustManager manager) throws CertificateException;
  }

  private static final String TRUST_STORE = "javax.net.ssl.trustStore";

  private final Path store;

  NamedAuthorities(Path store) {
    this.store = store;
  }

  /**
   * Has all TLS connections of the process use it, in a runtime whose authorities are in {@code
   * jssecacerts} alone, as the image's are. With those in {@code cacerts} there would be nothing to
   * gain: for the check of a server's name the JDK parses all that are there, in any case.
   *
   * <p>A {@code cacerts} beside it is one that somebody added to the image, which the JDK would
   * ignore for {@code jssecacerts}: then that one is the JVM's trust store.
   */
  static void useWherePrepared(Properties system) {
    Path own = Path.of(system.getProperty("java.home", ""), "lib", "security", "jssecacerts");
    // What only the JVM's own context knows to obey.
    boolean special =
        system.containsKey("javax.net.ssl.keyStore")
            || system.containsKey(TRUST_STORE + "Password")
            || system.containsKey(TRUST_STORE + "Type")
            || system.containsKey(TRUST_STORE + "Provider");
    if (special || !Files.exists(own)) {
      return;
    }
    Path added = own.resolveSibling("cacerts");
    if (!system.containsKey(TRUST_STORE) && Files.exists(added)) {
      system.setProperty(TRUST_STORE, added.toString());
      return;
    }
    try {
      Path store = Path.of(system.getProperty(TRUST_STORE, own.toString()));
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new NamedAuthorities(store)}, null);
      SSLContext.setDefault(context);
    } catch (GeneralSecurityException e) {
      // The JVM's own context does it then.
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    check(chain, manager -> manager.checkServerTrusted(chain, authType, socket));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    check(chain, manager -> manager.checkServerTrusted(chain, authType, engine));
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    check(chain, manager -> manager.checkServerTrusted(chain, authType));
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
      throws CertificateException {
    throw noServer();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
      throws CertificateException {
    throw noServer();
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String authType)
      throws CertificateException {
    throw noServer();
  }

  /** Asked of servers only, for what they send to clients. */
  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }

  private static CertificateException noServer() {
    return new CertificateException("nobody connects to this program by TLS");
  }

  private void check(X509Certificate[] chain, Check check) throws CertificateException {
    try {
      KeyStore named = named(chain);
      if (named.size() > 0) {
        check.by(manager(named));
        return;
      }
    } catch (GeneralSecurityException | IOException | BufferUnderflowException e) {
      // Refused or not readable: all of them decide.
    }
    try {
      check.by(manager(null));
    } catch (CertificateException e) {
      throw e;
    } catch (GeneralSecurityException e) {
      throw new CertificateException("the JVM's trust store can't be used: " + e, e);
    }
  }

  /** The JVM's own check, with the authorities of a store; null for its default. */
  private static X509ExtendedTrustManager manager(@Nullable KeyStore authorities)
      throws GeneralSecurityException {
    TrustManagerFactory factory =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    factory.init(authorities);
    for (TrustManager manager : factory.getTrustManagers()) {
      if (manager instanceof X509ExtendedTrustManager extended) {
        return extended;
      }
    }
    throw new GeneralSecurityException("no " + X509TrustManager.class.getName());
  }

  /** Those of the store's authorities whose names the chain has, byte by byte. */
  private KeyStore named(X509Certificate[] chain) throws GeneralSecurityException, IOException {
    List<byte[]> names = new ArrayList<>();
    for (X509Certificate certificate : chain) {
      names.add(certificate.getIssuerX500Principal().getEncoded());
      names.add(certificate.getSubjectX500Principal().getEncoded());
    }
    CertificateFactory parser = CertificateFactory.getInstance("X.509");
    KeyStore named = KeyStore.getInstance("JKS");
    named.load(null, null);
    for (ByteBuffer certificate : JksCertificates.of(Files.readAllBytes(store))) {
      ByteBuffer subject = JksCertificates.subject(certificate);
      if (names.stream().anyMatch(name -> subject.equals(ByteBuffer.wrap(name)))) {
        byte[] encoded = new byte[certificate.remaining()];
        certificate.duplicate().get(encoded);
        named.setCertificateEntry(
            "authority-" + named.size(),
            parser.generateCertificate(new ByteArrayInputStream(encoded)));
      }
    }
    return named;
  }
}
