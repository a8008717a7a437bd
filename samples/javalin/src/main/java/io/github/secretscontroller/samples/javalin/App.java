package io.github.secretscontroller.samples.javalin;

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
import io.javalin.Javalin;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;

/** Hosts the webhook on Javalin, over HTTP/1.1 and HTTP/2; configured by its environment. */
public final class App {

  private final WebhookSettings settings;
  private final Optional<ClientCertificates> clients;
  private final ServingCertificate certificate;
  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final AdmissionHandler handler;
  private final Javalin server;

  private App(Map<String, String> env) throws IOException {
    settings = WebhookSettings.fromEnvironment(env);
    clients = ClientCertificates.fromEnvironment(env);
    SecretInjector injector = new SecretInjector(InjectorConfig.fromEnvironment(env));
    Optional<SecretsBackend> secrets = SecretsBackend.of(env);
    certificate = ServingCertificate.fromEnvironment(env).keepFresh();
    AdmissionHandler.Builder builder =
        AdmissionHandler.builder()
            .mutator(injector)
            .readinessCheck("certificate", certificate::unready)
            .metrics(new AdmissionMetrics(registry).watch(certificate));
    secrets.ifPresent(backend -> builder.secrets(backend.interceptor()));
    handler = builder.build();
    server = Javalin.create(config -> configure(config, secrets.isPresent()));
    if (secrets.isPresent()) {
      Sweeping.start(env, secrets.get());
    }
  }

  /** Serves until the process is told to stop, then finishes what it has begun. */
  public static void main(String[] args) {
    try {
      App app = new App(System.getenv());
      Runtime.getRuntime().addShutdownHook(new Thread(app::drain, "drain"));
      app.server.start();
      System.out.println("listening on https://" + app.settings.host() + ":" + app.server.port());
    } catch (IOException | RuntimeException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }

  private void configure(JavalinConfig config, boolean secrets) {
    config.startup.showJavalinBanner = false;
    config.http.prefer405over404 = true;
    config.jetty.addConnector(this::connector);
    for (String path : List.of("/mutate-pods", "/mutating-pods")) {
      config.routes.post(path, this::review);
    }
    if (secrets) {
      // Otherwise 404, so that no Secret is taken for stored safely.
      config.routes.post("/mutate-secrets", this::review);
    }
    config.routes.get("/healthz", context -> reply(context, handler.health().live()));
    config.routes.get("/readyz", context -> reply(context, handler.health().ready()));
    config.routes.get(
        "/metrics",
        context -> context.contentType("text/plain; version=0.0.4").result(registry.scrape()));
  }

  private ServerConnector connector(Server jetty, HttpConfiguration http) {
    SslContextFactory.Server tls = new SslContextFactory.Server();
    tls.setSslContext(clients.map(certificate::sslContext).orElseGet(certificate::sslContext));
    tls.setWantClientAuth(clients.isPresent());
    // Probes call the pod by its address, which no certificate names.
    http.addCustomizer(new SecureRequestCustomizer(false));
    HTTP2ServerConnectionFactory http2 = new HTTP2ServerConnectionFactory(http);
    // An API server sends all of its reviews over one connection.
    http2.setMaxConcurrentStreams(1000);
    ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory();
    alpn.setDefaultProtocol("http/1.1");
    ServerConnector connector =
        new ServerConnector(
            jetty,
            new SslConnectionFactory(tls, alpn.getProtocol()),
            alpn,
            http2,
            new HttpConnectionFactory(http));
    connector.setHost(settings.host());
    connector.setPort(settings.port());
    return connector;
  }

  private void drain() {
    handler.health().drain();
    try {
      Thread.sleep(settings.drain().toMillis());
    } catch (InterruptedException e) {
      // Stop now.
    }
    server.stop();
  }

  private void review(Context context) throws IOException {
    if (!WebhookSettings.isJson(context.contentType())) {
      context.status(415).result("a review is sent as application/json\n");
    } else if (clients.isPresent() && !clients.get().allow(certificates(context))) {
      context.status(403).result("a client certificate of the API server is needed\n");
    } else {
      byte[] body = context.bodyInputStream().readNBytes(handler.maxBodyBytes() + 1);
      // A client that is still sending sees no answer: take in a little more of a body too long.
      context.bodyInputStream().readNBytes(handler.maxBodyBytes());
      reply(context, handler.handle(body, context.queryString()));
    }
  }

  private static X509Certificate[] certificates(Context context) {
    return context.attribute("jakarta.servlet.request.X509Certificate")
            instanceof X509Certificate[] shown
        ? shown
        : new X509Certificate[0];
  }

  private static void reply(Context context, AdmissionReply reply) {
    context.status(reply.httpStatus()).contentType(reply.contentType()).result(reply.body());
  }
}
