package io.github.secretscontroller.samples.micronaut;

import io.github.secretscontroller.admission.ClientCertificates;
import io.micronaut.context.annotation.Replaces;
import io.micronaut.http.server.netty.ssl.CertificateProvidedSslBuilder;
import io.micronaut.http.server.netty.ssl.ServerSslBuilder;
import io.micronaut.http.ssl.ServerSslConfiguration;
import io.netty.handler.codec.http2.Http2SecurityUtil;
import io.netty.handler.ssl.ApplicationProtocolConfig;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import io.netty.handler.ssl.SslProvider;
import io.netty.handler.ssl.SupportedCipherSuiteFilter;
import jakarta.inject.Singleton;
import java.util.Optional;
import javax.net.ssl.SSLException;

/** TLS with the webhook's own key manager, which follows each renewal by itself. */
@Singleton
@Replaces(CertificateProvidedSslBuilder.class)
class Tls implements ServerSslBuilder {

  private final Webhook webhook;
  private final ServerSslConfiguration configuration;

  Tls(Webhook webhook, ServerSslConfiguration configuration) {
    this.webhook = webhook;
    this.configuration = configuration;
  }

  @Override
  public ServerSslConfiguration getSslConfiguration() {
    return configuration;
  }

  @Override
  public Optional<SslContext> build() {
    SslContextBuilder builder =
        SslContextBuilder.forServer(webhook.certificate().keyManager())
            .sslProvider(SslProvider.JDK)
            .ciphers(Http2SecurityUtil.CIPHERS, SupportedCipherSuiteFilter.INSTANCE)
            .applicationProtocolConfig(
                new ApplicationProtocolConfig(
                    ApplicationProtocolConfig.Protocol.ALPN,
                    ApplicationProtocolConfig.SelectorFailureBehavior.NO_ADVERTISE,
                    ApplicationProtocolConfig.SelectedListenerFailureBehavior.ACCEPT,
                    "h2",
                    "http/1.1"));
    webhook
        .clients()
        .map(ClientCertificates::trustManager)
        .ifPresent(trust -> builder.clientAuth(ClientAuth.OPTIONAL).trustManager(trust));
    try {
      return Optional.of(builder.build());
    } catch (SSLException e) {
      throw new IllegalStateException("this JVM can't serve TLS: " + e, e);
    }
  }
}
