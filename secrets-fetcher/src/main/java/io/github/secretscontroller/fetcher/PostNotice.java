package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/** An HTTP POST without a body to the pod itself; follows no redirect, which could lead out. */
final class PostNotice implements ChangeNotice {

  private static final Duration CONNECT = Duration.ofSeconds(2);
  private static final Duration READ = Duration.ofSeconds(5);
  private static final Duration WHOLE = Duration.ofSeconds(10);

  private final URI url;
  private final Duration patience;

  PostNotice(URI url) {
    this(url, WHOLE);
  }

  /**
   * A POST to this URL.
   *
   * @param patience how long an attempt takes at most, however the endpoint behaves
   */
  PostNotice(URI url, Duration patience) {
    this.url = url;
    this.patience = patience;
  }

  /** Bounded as a whole: the timeouts of a connection begin anew with each byte of an answer. */
  @Override
  public Attempt attempt() {
    String what = "POST " + url;
    AtomicReference<@Nullable HttpURLConnection> connection = new AtomicReference<>();
    FutureTask<Attempt> post = new FutureTask<>(() -> post(what, connection));
    Thread thread = new Thread(post, "secrets-fetcher-notice");
    thread.setDaemon(true);
    thread.start();
    try {
      return post.get(patience.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      HttpURLConnection open = connection.get();
      if (open != null) {
        open.disconnect(); // Which also ends the thread.
      }
      return Attempt.failedForNow(
          what + " failed: no whole answer within " + patience.toMillis() + " ms");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Attempt.failedForNow(what + " was interrupted");
    } catch (ExecutionException e) {
      return Attempt.failed(what + " failed: " + e.getCause());
    }
  }

  private Attempt post(String what, AtomicReference<@Nullable HttpURLConnection> opened) {
    HttpURLConnection connection = null;
    try {
      connection = (HttpURLConnection) url.toURL().openConnection(Proxy.NO_PROXY);
      opened.set(connection);
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
