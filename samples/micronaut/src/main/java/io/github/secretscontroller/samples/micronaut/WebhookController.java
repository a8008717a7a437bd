package io.github.secretscontroller.samples.micronaut;

import io.github.secretscontroller.admission.AdmissionReply;
import io.github.secretscontroller.admission.WebhookSettings;
import io.micronaut.http.HttpHeaders;
import io.micronaut.http.HttpRequest;
import io.micronaut.http.HttpResponse;
import io.micronaut.http.MediaType;
import io.micronaut.http.annotation.Body;
import io.micronaut.http.annotation.Controller;
import io.micronaut.http.annotation.Get;
import io.micronaut.http.annotation.Post;
import io.micronaut.scheduling.TaskExecutors;
import io.micronaut.scheduling.annotation.ExecuteOn;
import java.security.cert.Certificate;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import org.jspecify.annotations.Nullable;

/** The webhook's paths; other methods are Micronaut's to refuse. */
@Controller
@ExecuteOn(TaskExecutors.BLOCKING)
class WebhookController {

  private final Webhook webhook;

  WebhookController(Webhook webhook) {
    this.webhook = webhook;
  }

  @Post(
      uris = {"/mutate-pods", "/mutating-pods"},
      consumes = MediaType.APPLICATION_JSON,
      produces = MediaType.ALL)
  HttpResponse<byte[]> review(HttpRequest<?> request, @Body byte @Nullable [] body) {
    String type = request.getHeaders().get(HttpHeaders.CONTENT_TYPE);
    // Micronaut takes a request without any type as one of the right type.
    if (!WebhookSettings.isJson(type)) {
      return HttpResponse.status(415, "a review is sent as application/json");
    }
    boolean allowed =
        webhook.clients().map(clients -> clients.allow(certificates(request))).orElse(true);
    if (!allowed) {
      return HttpResponse.status(403, "a client certificate of the API server is needed");
    }
    byte[] review = body == null ? new byte[0] : body;
    return reply(webhook.handler().handle(review, request.getUri().getRawQuery()));
  }

  @Post(uri = "/mutate-secrets", consumes = MediaType.APPLICATION_JSON, produces = MediaType.ALL)
  HttpResponse<byte[]> reviewSecret(HttpRequest<?> request, @Body byte @Nullable [] body) {
    // Without a backend 404, so that no Secret is taken for stored safely.
    return webhook.storesSecrets() ? review(request, body) : HttpResponse.notFound();
  }

  @Get(uri = "/healthz", produces = MediaType.ALL)
  HttpResponse<byte[]> live() {
    return reply(webhook.handler().health().live());
  }

  @Get(uri = "/readyz", produces = MediaType.ALL)
  HttpResponse<byte[]> ready() {
    return reply(webhook.handler().health().ready());
  }

  @Get(uri = "/metrics", produces = "text/plain; version=0.0.4")
  String metrics() {
    return webhook.registry().scrape();
  }

  private static HttpResponse<byte[]> reply(AdmissionReply reply) {
    return HttpResponse.<byte[]>status(reply.httpStatus(), "")
        .contentType(reply.contentType())
        .body(reply.body());
  }

  private static Certificate @Nullable [] certificates(HttpRequest<?> request) {
    try {
      SSLSession session = request.getSslSession().orElse(null);
      return session == null ? null : session.getPeerCertificates();
    } catch (SSLPeerUnverifiedException e) {
      return null;
    }
  }
}
