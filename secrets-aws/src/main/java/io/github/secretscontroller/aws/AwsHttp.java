package io.github.secretscontroller.aws;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.http.urlconnection.ProxyConfiguration;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;

/** Makes the HTTP client of all AWS calls. */
final class AwsHttp {

  private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(3);
  private static final Duration READ_TIMEOUT = Duration.ofSeconds(10);

  private AwsHttp() {}

  /**
   * A client that goes through {@code proxy}, or directly.
   *
   * @param noProxy comma-separated hosts that are reached directly, as {@code NO_PROXY} has them
   */
  static SdkHttpClient client(@Nullable URI proxy, String noProxy) {
    if (proxy == null) {
      // With a connection factory of its own the client doesn't set up TLS before it is needed.
      return UrlConnectionHttpClient.create(AwsHttp::connect);
    }
    Set<String> direct =
        Arrays.stream(noProxy.split(","))
            .map(String::trim)
            .filter(host -> !host.isEmpty())
            .map(host -> host.startsWith(".") ? "*" + host : host)
            .collect(Collectors.toSet());
    return UrlConnectionHttpClient.builder()
        .connectionTimeout(CONNECT_TIMEOUT)
        .socketTimeout(READ_TIMEOUT)
        .proxyConfiguration(
            ProxyConfiguration.builder()
                .endpoint(proxy)
                .nonProxyHosts(direct)
                .useSystemPropertyValues(false)
                .useEnvironmentVariablesValues(false)
                .build())
        .build();
  }

  private static HttpURLConnection connect(URI uri) {
    try {
      // Not even the JVM's own proxy settings: the environment is what counts.
      HttpURLConnection connection = (HttpURLConnection) uri.toURL().openConnection(Proxy.NO_PROXY);
      connection.setConnectTimeout(Math.toIntExact(CONNECT_TIMEOUT.toMillis()));
      connection.setReadTimeout(Math.toIntExact(READ_TIMEOUT.toMillis()));
      return connection;
    } catch (IOException e) {
      throw new UncheckedIOException("no connection to " + uri.getHost(), e);
    }
  }
}
