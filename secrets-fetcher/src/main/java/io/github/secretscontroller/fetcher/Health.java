package io.github.secretscontroller.fetcher;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Answers kubelet's probes and the metrics scraper, on all of the pod's addresses: kubelet can't
 * reach a container's loopback. So anybody in the cluster may ask; there is nothing to learn but
 * names and times, and little to wear out.
 */
final class Health implements AutoCloseable {

  private static final int THREADS = 2;
  private static final int WAITING = 32;
  private static final String TEXT = "text/plain; charset=utf-8";
  private static final String METRICS = "text/plain; version=0.0.4; charset=utf-8";

  private final HttpServer server;
  private final ExecutorService threads;

  private Health(HttpServer server, ExecutorService threads) {
    this.server = server;
    this.threads = threads;
  }

  /**
   * Listens.
   *
   * @param port 0 for any
   * @throws FetchFailure if the port is taken
   */
  static Health start(int port, Report report) throws FetchFailure {
    limitRequests();
    HttpServer server;
    try {
      server = HttpServer.create(new InetSocketAddress(port), WAITING);
    } catch (IOException e) {
      throw new FetchFailure(
          ExitCode.BAD_PLAN,
          FetcherEnvironment.HEALTH_PORT
              + ": can't listen on port "
              + port
              + " ("
              + e.getMessage()
              + "); choose one that nothing else in the pod uses");
    }
    ThreadPoolExecutor threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            10,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(WAITING),
            task -> {
              Thread thread = new Thread(task, "secrets-fetcher-health");
              thread.setDaemon(true);
              return thread;
            },
            new ThreadPoolExecutor.DiscardPolicy());
    threads.allowCoreThreadTimeOut(true);
    server.setExecutor(threads);
    server.createContext("/", exchange -> answer(exchange, report));
    server.start();
    return new Health(server, threads);
  }

  /** Read by the server's classes when they are loaded, from nowhere else. */
  private static void limitRequests() {
    System.setProperty("sun.net.httpserver.maxReqTime", "2");
    System.setProperty("sun.net.httpserver.maxRspTime", "5");
    System.setProperty("sun.net.httpserver.idleInterval", "5");
    System.setProperty("sun.net.httpserver.maxIdleConnections", "8");
    System.setProperty("sun.net.httpserver.maxReqHeaders", "40");
    System.setProperty("sun.net.httpserver.maxReqHeaderSize", "8192");
    System.setProperty("jdk.httpserver.maxConnections", "64");
    System.setProperty("sun.net.httpserver.drainAmount", "1024");
  }

  int port() {
    return server.getAddress().getPort();
  }

  private static void answer(HttpExchange exchange, Report report) throws IOException {
    try (exchange) {
      if (!exchange.getRequestMethod().equals("GET")) {
        exchange.getResponseHeaders().set("Allow", "GET");
        send(exchange, 405, TEXT, "only GET is understood\n");
        return;
      }
      switch (exchange.getRequestURI().getPath()) {
        case "/startup" -> send(exchange, report.isStarted(), "not yet published\n");
        case "/ready" -> send(exchange, report.isReady(), "not published, or stale\n");
        case "/live" -> send(exchange, true, "");
        case "/metrics" -> send(exchange, 200, METRICS, report.metrics());
        default -> send(exchange, 404, TEXT, "ask /startup, /ready, /live or /metrics\n");
      }
    }
  }

  private static void send(HttpExchange exchange, boolean good, String otherwise)
      throws IOException {
    send(exchange, good ? 200 : 503, TEXT, good ? "ok\n" : otherwise);
  }

  private static void send(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.getResponseHeaders().set("Connection", "close");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
