package io.github.secretscontroller.samples.jdk;

import static io.github.secretscontroller.samples.jdk.Reviews.reply;

import com.sun.net.httpserver.HttpsServer;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionMetrics;
import io.github.secretscontroller.admission.ClientCertificates;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import io.github.secretscontroller.admission.ServingCertificate;
import io.github.secretscontroller.admission.WebhookSettings;
import io.github.secretscontroller.samples.backend.SecretsBackend;
import io.github.secretscontroller.samples.backend.Sweeping;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;

/** Hosts the webhook on the JDK's own HTTPS server; configured by its environment, see README. */
public final class App {

  // The default is 50: a rolling deployment of hundreds of pods connects all at once.
  private static final int BACKLOG = 1024;

  private final WebhookSettings settings;
  private final AdmissionHandler handler;
  private final HttpsServer server;

  private App(Map<String, String> env) throws IOException {
    settings = WebhookSettings.fromEnvironment(env);
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    SecretInjector injector = new SecretInjector(InjectorConfig.fromEnvironment(env));
    Optional<SecretsBackend> secrets = SecretsBackend.of(env);
    ServingCertificate certificate = ServingCertificate.fromEnvironment(env).keepFresh();
    AdmissionHandler.Builder builder =
        AdmissionHandler.builder()
            .mutator(injector)
            .readinessCheck("certificate", certificate::unready)
            .metrics(new AdmissionMetrics(registry).watch(certificate));
    secrets.ifPresent(backend -> builder.secrets(backend.interceptor()));
    handler = builder.build();
    server = HttpsServer.create(new InetSocketAddress(settings.host(), settings.port()), BACKLOG);
    Reviews reviews = new Reviews(handler, ClientCertificates.fromEnvironment(env));
    server.setHttpsConfigurator(reviews.tls(certificate));
    // A client that has connected and says nothing holds a thread, and so would hold all of a small
    // pool. The number of connections bounds this one.
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/mutate-pods", reviews);
    server.createContext("/mutating-pods", reviews);
    if (secrets.isPresent()) {
      // Otherwise 404, so that no Secret is taken for stored safely.
      server.createContext("/mutate-secrets", reviews);
      Sweeping.start(env, secrets.get());
    }
    // The server's own answer closes a connection whose request it hasn't read, and may get lost.
    server.createContext(
        "/", exchange -> reply(exchange, 404, "text/plain", "nothing is answered here\n"));
    server.createContext("/healthz", exchange -> reply(exchange, handler.health().live()));
    server.createContext("/readyz", exchange -> reply(exchange, handler.health().ready()));
    server.createContext(
        "/metrics",
        exchange -> reply(exchange, 200, "text/plain; version=0.0.4", registry.scrape()));
  }

  /** Serves until the process is told to stop, then finishes what it has begun. */
  public static void main(String[] args) {
    // Seconds in which a request has to arrive: who is slower gives its thread back.
    System.setProperty("sun.net.httpserver.maxReqTime", "20");
    // Or head and body wait for each other's acknowledgement: 40 ms for each answer.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    // The client must be who closes an idle connection, or its next review meets the close: the API
    // server does so after 90 s. Likewise no connection is closed because 200 others are idle.
    System.setProperty("sun.net.httpserver.idleInterval", "120");
    System.setProperty("sun.net.httpserver.maxIdleConnections", "10000");
    System.setProperty("jdk.httpserver.maxConnections", "2000");
    try {
      App app = new App(System.getenv());
      Runtime.getRuntime().addShutdownHook(new Thread(app::drain, "drain"));
      app.server.start();
      System.out.println(
          "listening on https://" + app.settings.host() + ":" + app.server.getAddress().getPort());
    } catch (IOException | RuntimeException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }

  private void drain() {
    handler.health().drain();
    try {
      Thread.sleep(settings.drain().toMillis());
    } catch (InterruptedException e) {
      // Stop now.
    }
    server.stop(5);
  }
}
