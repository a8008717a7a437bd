package io.github.secretscontroller.samples.jdk;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionMetrics;
import io.github.secretscontroller.admission.AdmissionReply;
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
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/** Hosts the webhook on the JDK's own HTTPS server; configured by its environment, see README. */
public final class App {

  private static final int THREADS = 64;

  // The default is 50: a rolling deployment of hundreds of pods connects all at once.
  private static final int BACKLOG = 1024;

  private final WebhookSettings settings;
  private final Optional<ClientCertificates> clients;
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final AdmissionHandler handler;
  private final HttpsServer server;

  private App(Map<String, String> env) throws IOException {
    settings = WebhookSettings.fromEnvironment(env);
    clients = ClientCertificates.fromEnvironment(env);
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
    server.setHttpsConfigurator(
        tls(clients.map(certificate::sslContext).orElseGet(certificate::sslContext)));
    server.setExecutor(Executors.newFixedThreadPool(THREADS));
    for (String path : List.of("/mutate-pods", "/mutating-pods")) {
      server.createContext(path, this::review);
    }
    if (secrets.isPresent()) {
      // Otherwise 404, so that no Secret is taken for stored safely.
      server.createContext("/mutate-secrets", this::review);
      Sweeping.start(env, secrets.get());
    }
    server.createContext("/healthz", exchange -> reply(exchange, handler.health().live()));
    server.createContext("/readyz", exchange -> reply(exchange, handler.health().ready()));
    server.createContext(
        "/metrics",
        exchange -> reply(exchange, 200, "text/plain; version=0.0.4", registry.scrape()));
  }

  /**
   * Serves until the process is told to stop, then finishes what it has begun. With {@code orphans}
   * it only lists what native Secrets have left in the backend, and with {@code orphans --delete}
   * schedules its deletion.
   */
  public static void main(String[] args) {
    // Seconds in which a request has to arrive: who is slower gives its thread back.
    System.setProperty("sun.net.httpserver.maxReqTime", "20");
    // Or head and body wait for each other's acknowledgement: 40 ms for each answer.
    System.setProperty("sun.net.httpserver.nodelay", "true");
    // The client must be who closes an idle connection, or its next review meets the close: the API
    // server does so after 90 s. Likewise no connection is closed because 200 others are idle.
    System.setProperty("sun.net.httpserver.idleInterval", "120");
    System.setProperty("sun.net.httpserver.maxIdleConnections", "10000");
    try {
      if (args.length > 0 && args[0].equals("orphans")) {
        Map<String, String> env = System.getenv();
        boolean delete = args.length > 1 && args[1].equals("--delete");
        Sweeping.orphans(env, SecretsBackend.of(env), delete);
        return;
      }
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

  private void review(HttpExchange exchange) throws IOException {
    if (!exchange.getRequestMethod().equals("POST")) {
      reply(exchange, 405, "text/plain", "only POST is answered here\n");
    } else if (!WebhookSettings.isJson(exchange.getRequestHeaders().getFirst("Content-Type"))) {
      reply(exchange, 415, "text/plain", "a review is sent as application/json\n");
    } else if (clients.isPresent()
        && !clients.get().allow(certificates((HttpsExchange) exchange))) {
      reply(exchange, 403, "text/plain", "a client certificate of the API server is needed\n");
    } else {
      byte[] body = exchange.getRequestBody().readNBytes(handler.maxBodyBytes() + 1);
      // A client that is still sending sees no answer: take in a little more of a body too long.
      exchange.getRequestBody().readNBytes(handler.maxBodyBytes());
      reply(exchange, handler.handle(body, exchange.getRequestURI().getRawQuery()));
    }
  }

  private HttpsConfigurator tls(SSLContext context) {
    return new HttpsConfigurator(context) {
      @Override
      public void configure(HttpsParameters parameters) {
        SSLParameters tls = context.getDefaultSSLParameters();
        tls.setWantClientAuth(clients.isPresent());
        parameters.setSSLParameters(tls);
      }
    };
  }

  private static Certificate @Nullable [] certificates(HttpsExchange exchange) {
    try {
      return exchange.getSSLSession().getPeerCertificates();
    } catch (SSLPeerUnverifiedException e) {
      return null;
    }
  }

  private static void reply(HttpExchange exchange, AdmissionReply reply) throws IOException {
    reply(exchange, reply.httpStatus(), reply.contentType(), reply.body());
  }

  private static void reply(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    reply(exchange, status, type, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void reply(HttpExchange exchange, int status, String type, byte[] body)
      throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("Content-Type", type);
      exchange.sendResponseHeaders(status, body.length);
      exchange.getResponseBody().write(body);
    }
  }
}
