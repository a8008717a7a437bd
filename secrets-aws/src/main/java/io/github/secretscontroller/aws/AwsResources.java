package io.github.secretscontroller.aws;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.utils.SdkAutoCloseable;

/**
 * What the SDK clients of one source or writer share, and what has to be closed besides them: an
 * SDK client closes neither an HTTP client nor credentials that it was given. Thread-safe.
 */
class AwsResources implements AutoCloseable {

  private final SdkHttpClient http;
  private final Queue<SdkAutoCloseable> owned = new ConcurrentLinkedQueue<>();

  AwsResources(SdkHttpClient http) {
    this.http = http;
  }

  SdkHttpClient http() {
    return http;
  }

  /** Has something closed together with the HTTP client. */
  void own(SdkAutoCloseable resource) {
    owned.add(resource);
  }

  @Override
  public void close() {
    owned.forEach(SdkAutoCloseable::close);
    http.close();
  }
}
