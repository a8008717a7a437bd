package io.github.secretscontroller.fetcher;

import java.io.IOException;

/**
 * Answers kubelet's probes and the metrics scraper, on all of the pod's addresses: kubelet can't
 * reach a container's loopback. So anybody in the cluster may ask; there is nothing to learn but
 * names and times, and little to wear out.
 */
final class Health implements AutoCloseable {

  private static final String TEXT = "text/plain; charset=utf-8";
  private static final String METRICS = "text/plain; version=0.0.4; charset=utf-8";

  private final ProbeServer server;

  private Health(ProbeServer server) {
    this.server = server;
  }

  /**
   * Listens.
   *
   * @param port 0 for any
   * @throws FetchFailure if the port is taken
   */
  static Health start(int port, Report report) throws FetchFailure {
    try {
      return new Health(ProbeServer.start(port, path -> answer(path, report)));
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
  }

  int port() {
    return server.port();
  }

  private static ProbeServer.Answer answer(String path, Report report) {
    return switch (path) {
      case "/startup" -> state(report.isStarted(), "not yet published\n");
      case "/ready" -> state(report.isReady(), "not published, or stale\n");
      case "/live" -> state(true, "");
      case "/metrics" -> new ProbeServer.Answer("200 OK", METRICS, report.metrics());
      default ->
          new ProbeServer.Answer(
              "404 Not Found", TEXT, "ask /startup, /ready, /live or /metrics\n");
    };
  }

  private static ProbeServer.Answer state(boolean good, String otherwise) {
    return good
        ? new ProbeServer.Answer("200 OK", TEXT, "ok\n")
        : new ProbeServer.Answer("503 Service Unavailable", TEXT, otherwise);
  }

  @Override
  public void close() {
    server.close();
  }
}
