package io.github.secretscontroller.admission;

import io.kubernetes.client.openapi.ApiClient;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

/** A client of the API server for a pod, which finds what it needs where kubelet puts it. */
final class InClusterClient {

  private static final String SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private InClusterClient() {}

  /**
   * @throws IllegalArgumentException if this is no pod
   * @throws UncheckedIOException if the ServiceAccount's files aren't there
   */
  static ApiClient create(Map<String, String> environment) {
    String host = environment.get("KUBERNETES_SERVICE_HOST");
    String port = environment.getOrDefault("KUBERNETES_SERVICE_PORT", "443");
    if (host == null) {
      throw new IllegalArgumentException(
          "KUBERNETES_SERVICE_HOST isn't set, so there is no API server to ask: is this a pod?");
    }
    Path directory = Path.of(environment.getOrDefault("WEBHOOK_SERVICE_ACCOUNT", SERVICE_ACCOUNT));
    Path token = directory.resolve("token");
    ApiClient client = new ApiClient();
    client.setBasePath("https://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + port);
    try {
      client.setSslCaCert(
          new ByteArrayInputStream(Files.readAllBytes(directory.resolve("ca.crt"))));
    } catch (IOException e) {
      throw new UncheckedIOException(
          directory.resolve("ca.crt")
              + " can't be read; set automountServiceAccountToken: true for this pod",
          e);
    }
    // Kubelet replaces the token every hour or so: read it each time.
    client.setHttpClient(
        client
            .getHttpClient()
            .newBuilder()
            .connectTimeout(TIMEOUT)
            .readTimeout(TIMEOUT)
            .writeTimeout(TIMEOUT)
            .addInterceptor(
                chain ->
                    chain.proceed(
                        chain
                            .request()
                            .newBuilder()
                            .header("Authorization", "Bearer " + Files.readString(token).strip())
                            .build()))
            .build());
    return client;
  }
}
