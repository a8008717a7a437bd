package io.github.secretscontroller.aws;

import java.io.IOException;
import javax.net.ssl.SSLException;
import software.amazon.awssdk.http.ExecutableHttpRequest;
import software.amazon.awssdk.http.HttpExecuteRequest;
import software.amazon.awssdk.http.HttpExecuteResponse;
import software.amazon.awssdk.http.SdkHttpClient;

/** Tells when an endpoint refused a handshake, and then makes the request once more. */
final class RefusedHandshakes implements SdkHttpClient {

  private final SdkHttpClient delegate;
  private final Runnable onRefusal;

  /**
   * Wraps a client.
   *
   * @param onRefusal changes what {@code delegate} offers, before the second try
   */
  RefusedHandshakes(SdkHttpClient delegate, Runnable onRefusal) {
    this.delegate = delegate;
    this.onRefusal = onRefusal;
  }

  @Override
  public ExecutableHttpRequest prepareRequest(HttpExecuteRequest request) {
    return new Call(request);
  }

  @Override
  public String clientName() {
    return delegate.clientName();
  }

  @Override
  public void close() {
    delegate.close();
  }

  /**
   * Whether the other side objects, by whatever alert. A cause would be our own objection, such as
   * a certificate that isn't trusted.
   */
  private static boolean isRefusal(SSLException e) {
    return e.getCause() == null;
  }

  private final class Call implements ExecutableHttpRequest {

    private final HttpExecuteRequest request;
    private volatile ExecutableHttpRequest attempt;

    Call(HttpExecuteRequest request) {
      this.request = request;
      this.attempt = delegate.prepareRequest(request);
    }

    @Override
    public HttpExecuteResponse call() throws IOException {
      try {
        return attempt.call();
      } catch (SSLException e) {
        if (!isRefusal(e)) {
          throw e;
        }
        onRefusal.run();
        attempt = delegate.prepareRequest(request);
        return attempt.call();
      }
    }

    @Override
    public void abort() {
      attempt.abort();
    }
  }
}
