package io.github.secretscontroller.admission;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/**
 * Serves whatever key is the current one: a handshake that begins after a swap gets the new one,
 * connections that are open stay as they are.
 *
 * <p>TLS asks for an alias first, then for its chain and its key. The alias names a generation, so
 * that a swap in between can't mix the chain of one pair with the key of another.
 */
final class SwappingKeyManager extends X509ExtendedKeyManager {

  private record Generation(String alias, KeyAndChain pair) {}

  private record Served(long number, Generation current, Generation previous) {}

  private volatile @Nullable Served served;

  synchronized void swap(KeyAndChain next) {
    Served before = served;
    long number = before == null ? 1 : before.number() + 1;
    Generation generation = new Generation("serving-" + number, next);
    served = new Served(number, generation, before == null ? generation : before.current());
  }

  @Nullable KeyAndChain current() {
    Served now = served;
    return now == null ? null : now.current().pair();
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
    Served now = served;
    if (now == null) {
      return null;
    }
    String algorithm = now.current().pair().privateKey().getAlgorithm();
    boolean fits = keyType.equals(algorithm) || keyType.startsWith(algorithm + "_");
    return fits ? now.current().alias() : null;
  }

  @Override
  public @Nullable String chooseServerAlias(
      String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return chooseEngineServerAlias(keyType, issuers, null);
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
    String alias = chooseEngineServerAlias(keyType, issuers, null);
    return alias == null ? null : new String[] {alias};
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    KeyAndChain pair = pair(alias);
    return pair == null ? null : pair.chain().toArray(new X509Certificate[0]);
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    KeyAndChain pair = pair(alias);
    return pair == null ? null : pair.privateKey();
  }

  private @Nullable KeyAndChain pair(String alias) {
    Served now = served;
    if (now == null) {
      return null;
    }
    if (alias.equals(now.current().alias())) {
      return now.current().pair();
    }
    return alias.equals(now.previous().alias()) ? now.previous().pair() : null;
  }

  // A webhook's server is no client.

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
    return null;
  }

  @Override
  public @Nullable String chooseClientAlias(
      String[] keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
    return null;
  }
}
