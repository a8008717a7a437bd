package io.github.secretscontroller.aws;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;

/**
 * Makes the HTTP client of all AWS calls: the JDK's URL connections, directly or through the proxy
 * that the environment names. The JVM's own proxy settings don't count.
 */
final class AwsHttp {

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration READ_TIMEOUT = Duration.ofSeconds(10);
  private static final int DEFAULT_PROXY_PORT = 80;

  private final Proxy httpProxy;
  private final Proxy httpsProxy;
  private final List<String> direct;

  /** Null means the JVM's own. */
  private volatile @Nullable SSLSocketFactory sockets;

  /**
   * What to do for URLs of either scheme.
   *
   * @param noProxy hosts that are reached directly, as {@code NO_PROXY} has them: separated by
   *     commas, each a host, a domain whose hosts are meant, or {@code *}
   */
  AwsHttp(Optional<URI> httpProxy, Optional<URI> httpsProxy, String noProxy) {
    this.httpProxy = httpProxy.map(AwsHttp::proxy).orElse(Proxy.NO_PROXY);
    this.httpsProxy = httpsProxy.map(AwsHttp::proxy).orElse(Proxy.NO_PROXY);
    this.direct =
        Arrays.stream(noProxy.split(","))
            .map(host -> host.trim().toLowerCase(Locale.ROOT))
            .map(host -> host.startsWith(".") ? host.substring(1) : host)
            .filter(host -> !host.isEmpty())
            .toList();
  }

  /** With a connection factory the client doesn't set up TLS before it is needed. */
  SdkHttpClient client() {
    SdkHttpClient client = UrlConnectionHttpClient.create(this::connect);
    return WiderGroups.areAvailable() ? new RefusedHandshakes(client, this::offerMore) : client;
  }

  /** Has new connections offer {@link WiderGroups}, if there are any. */
  void offerMore() {
    if (WiderGroups.areAvailable()) {
      sockets = new WiderGroups();
    }
  }

  private HttpURLConnection connect(URI uri) {
    try {
      HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection(proxyFor(uri));
      // A factory has to set what the client would otherwise.
      connection.setConnectTimeout(Math.toIntExact(CONNECT_TIMEOUT.toMillis()));
      connection.setReadTimeout(Math.toIntExact(READ_TIMEOUT.toMillis()));
      SSLSocketFactory chosen = sockets;
      if (chosen != null && connection instanceof HttpsURLConnection https) {
        https.setSSLSocketFactory(chosen);
      }
      return connection;
    } catch (IOException e) {
      throw new UncheckedIOException("no connection to " + uri.getHost(), e);
    }
  }

  private Proxy proxyFor(URI uri) {
    String host = uri.getHost().toLowerCase(Locale.ROOT);
    for (String excepted : direct) {
      if (excepted.equals("*") || host.equals(excepted) || host.endsWith("." + excepted)) {
        return Proxy.NO_PROXY;
      }
    }
    return uri.getScheme().equals("https") ? httpsProxy : httpProxy;
  }

  private static Proxy proxy(URI uri) {
    if (uri.getUserInfo() != null) {
      throw new IllegalArgumentException(
          "a proxy with a user name and password isn't supported; use one that needs none");
    }
    int port = uri.getPort() < 0 ? DEFAULT_PROXY_PORT : uri.getPort();
    return new Proxy(Proxy.Type.HTTP, new InetSocketAddress(uri.getHost(), port));
  }
}
