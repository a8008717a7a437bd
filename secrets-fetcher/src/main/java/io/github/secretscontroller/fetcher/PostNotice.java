package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.time.Duration;

/** An HTTP POST without a body to the pod itself; follows no redirect, which could lead out. */
final class PostNotice implements ChangeNotice {

  private static final Duration CONNECT = Duration.ofSeconds(2);
  private static final Duration READ = Duration.ofSeconds(5);

  private final URI url;

  PostNotice(URI url) {
    this.url = url;
  }

  @Override
  public Attempt attempt() {
    String what = "POST " + url;
    HttpURLConnection connection = null;
    try {
      connection = (HttpURLConnection) url.toURL().openConnection(Proxy.NO_PROXY);
      connection.setRequestMethod("POST");
      connection.setInstanceFollowRedirects(false);
      connection.setConnectTimeout((int) CONNECT.toMillis());
      connection.setReadTimeout((int) READ.toMillis());
      connection.setUseCaches(false);
      connection.setDoOutput(true);
      // Also keeps the JDK from repeating a POST by itself.
      connection.setFixedLengthStreamingMode(0);
      connection.getOutputStream().close();
      int status = connection.getResponseCode();
      if (status >= 200 && status < 300) {
        return Attempt.delivered(what + " was answered with " + status);
      }
      String answered = what + " was answered with " + status;
      boolean mayHeal = status >= 500 || status == 429;
      return mayHeal ? Attempt.failedForNow(answered) : Attempt.failed(answered);
    } catch (IOException e) {
      return Attempt.failedForNow(what + " failed: " + e.getMessage());
    } finally {
      if (connection != null) {
        connection.disconnect();
      }
    }
  }
}
