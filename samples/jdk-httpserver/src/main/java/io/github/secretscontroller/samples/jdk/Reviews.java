package io.github.secretscontroller.samples.jdk;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsExchange;
import com.sun.net.httpserver.HttpsParameters;
import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionReply;
import io.github.secretscontroller.admission.ClientCertificates;
import io.github.secretscontroller.admission.ServingCertificate;
import io.github.secretscontroller.admission.WebhookSettings;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.cert.Certificate;
import java.util.Optional;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/** Between the JDK's server and the handler: bytes in, bytes out. */
record Reviews(AdmissionHandler handler, Optional<ClientCertificates> clients)
    implements HttpHandler {

  @Override
  public void handle(HttpExchange exchange) throws IOException {
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

  HttpsConfigurator tls(ServingCertificate certificate) {
    SSLContext context = clients.map(certificate::sslContext).orElseGet(certificate::sslContext);
    return new HttpsConfigurator(context) {
      @Override
      public void configure(HttpsParameters parameters) {
        SSLParameters tls = context.getDefaultSSLParameters();
        tls.setWantClientAuth(clients.isPresent());
        parameters.setSSLParameters(tls);
      }
    };
  }

  static void reply(HttpExchange exchange, AdmissionReply reply) throws IOException {
    reply(exchange, reply.httpStatus(), reply.contentType(), reply.body());
  }

  static void reply(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    reply(exchange, status, type, text.getBytes(StandardCharsets.UTF_8));
  }

  private static void reply(HttpExchange exchange, int status, String type, byte[] body)
      throws IOException {
    try (exchange) {
      exchange.getResponseHeaders().set("Content-Type", type);
      if (status >= 400) {
        // What is unread of a refused body would stand before the connection's next request.
        exchange.getResponseHeaders().set("Connection", "close");
      }
      exchange.sendResponseHeaders(status, body.length);
      exchange.getResponseBody().write(body);
    }
  }

  private static Certificate @Nullable [] certificates(HttpsExchange exchange) {
    try {
      return exchange.getSSLSession().getPeerCertificates();
    } catch (SSLPeerUnverifiedException e) {
      return null;
    }
  }
}
