package io.github.secretscontroller.samples.micronaut;

import io.github.secretscontroller.admission.WebhookSettings;
import io.micronaut.context.ApplicationContext;
import io.micronaut.runtime.server.EmbeddedServer;
import java.io.IOException;
import java.util.Map;

/** Hosts the webhook on Micronaut's Netty server, over HTTP/1.1 and HTTP/2. */
public final class App {

  private App() {}

  /** Serves until the process is told to stop, then finishes what it has begun. */
  public static void main(String[] args) {
    try {
      WebhookSettings settings = WebhookSettings.fromEnvironment(System.getenv());
      Webhook webhook = Webhook.fromEnvironment(System.getenv());
      ApplicationContext context =
          ApplicationContext.builder()
              .singletons(webhook)
              .properties(
                  Map.of(
                      "micronaut.server.host",
                      settings.host(),
                      "micronaut.server.ssl.enabled",
                      true,
                      "micronaut.server.ssl.port",
                      settings.port() == 0 ? -1 : settings.port(),
                      "micronaut.server.http-version",
                      "2.0",
                      // One byte more than the webhook takes, so that it can say 413 itself.
                      "micronaut.server.max-request-size",
                      2 * webhook.handler().maxBodyBytes()))
              .banner(false)
              .start();
      EmbeddedServer server = context.getBean(EmbeddedServer.class);
      Runtime.getRuntime()
          .addShutdownHook(new Thread(() -> drain(settings, webhook, context), "drain"));
      server.start();
      System.out.println("listening on https://" + settings.host() + ":" + server.getPort());
    } catch (IOException | RuntimeException e) {
      System.err.println(e.getMessage());
      System.exit(1);
    }
  }

  private static void drain(WebhookSettings settings, Webhook webhook, ApplicationContext context) {
    webhook.handler().health().drain();
    try {
      Thread.sleep(settings.drain().toMillis());
    } catch (InterruptedException e) {
      // Stop now.
    }
    context.stop();
  }
}
