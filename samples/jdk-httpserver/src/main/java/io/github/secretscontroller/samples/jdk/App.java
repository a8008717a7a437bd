package io.github.secretscontroller.samples.jdk;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionReply;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import io.github.secretscontroller.admission.ServingCertificate;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executors;

/** Hosts the webhook on the JDK's own HTTPS server; configured by its environment, see README. */
public final class App {

  private App() {}

  /**
   * Serves until the process is told to stop, then finishes what it has begun. With {@code orphans}
   * it only lists what native Secrets have left in the backend, and with {@code orphans --delete}
   * schedules its deletion.
   */
  public static void main(String[] args) throws IOException {
    Map<String, String> env = System.getenv();
    String host = env.getOrDefault("WEBHOOK_HOST", "0.0.0.0");
    int port = Integer.parseInt(env.getOrDefault("WEBHOOK_PORT", "8443"));

    AdmissionHandler.Builder builder =
        AdmissionHandler.builder().mutator(new SecretInjector(InjectorConfig.fromEnvironment(env)));
    Optional<SecretsBackend> secrets = SecretsBackend.of(env);
    if (args.length > 0 && args[0].equals("orphans")) {
      Sweeping.orphans(env, secrets, args.length > 1 && args[1].equals("--delete"));
      return;
    }
    secrets.ifPresent(backend -> builder.secrets(backend.interceptor()));
    AdmissionHandler handler = builder.build();

    HttpsServer server = HttpsServer.create(new InetSocketAddress(host, port), 0);
    server.setHttpsConfigurator(
        new HttpsConfigurator(ServingCertificate.fromEnvironment(env).sslContext()));
    server.setExecutor(Executors.newFixedThreadPool(16));
    server.createContext("/mutate-pods", exchange -> review(exchange, handler));
    server.createContext("/mutating-pods", exchange -> review(exchange, handler));
    if (secrets.isPresent()) {
      // Otherwise 404, so that no Secret is taken for stored safely.
      server.createContext("/mutate-secrets", exchange -> review(exchange, handler));
      Sweeping.start(env, secrets.get());
    }
    server.createContext("/healthz", exchange -> reply(exchange, handler.health().live()));
    server.createContext("/readyz", exchange -> reply(exchange, handler.health().ready()));
    server.start();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, handler), "drain"));
    System.out.println("listening on https://" + host + ":" + server.getAddress().getPort());
  }

  private static void review(HttpExchange exchange, AdmissionHandler handler) throws IOException {
    if (!exchange.getRequestMethod().equals("POST")) {
      reply(exchange, 405, "text/plain", "only POST is answered here\n");
      return;
    }
    byte[] body = exchange.getRequestBody().readNBytes(handler.maxBodyBytes() + 1);
    // A client that is still sending sees no answer: take in a little more of a body too long.
    exchange.getRequestBody().readNBytes(handler.maxBodyBytes());
    reply(exchange, handler.handle(body, exchange.getRequestURI().getRawQuery()));
  }

  private static void stop(HttpServer server, AdmissionHandler handler) {
    handler.health().drain();
    server.stop(5);
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
