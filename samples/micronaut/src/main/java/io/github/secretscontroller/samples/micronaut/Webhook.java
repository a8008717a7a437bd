package io.github.secretscontroller.samples.micronaut;

import io.github.secretscontroller.admission.AdmissionHandler;
import io.github.secretscontroller.admission.AdmissionMetrics;
import io.github.secretscontroller.admission.ClientCertificates;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.SecretInjector;
import io.github.secretscontroller.admission.ServingCertificate;
import io.github.secretscontroller.samples.backend.SecretsBackend;
import io.github.secretscontroller.samples.backend.Sweeping;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;

/** The webhook's parts, made before the framework starts so that bad input ends the program. */
record Webhook(
    AdmissionHandler handler,
    boolean storesSecrets,
    ServingCertificate certificate,
    Optional<ClientCertificates> clients,
    PrometheusMeterRegistry registry) {

  static Webhook fromEnvironment(Map<String, String> env) throws IOException {
    SecretInjector injector = new SecretInjector(InjectorConfig.fromEnvironment(env));
    Optional<SecretsBackend> secrets = SecretsBackend.of(env);
    ServingCertificate certificate = ServingCertificate.fromEnvironment(env).keepFresh();
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    AdmissionHandler.Builder builder =
        AdmissionHandler.builder()
            .mutator(injector)
            .readinessCheck("certificate", certificate::unready)
            .metrics(new AdmissionMetrics(registry).watch(certificate));
    secrets.ifPresent(backend -> builder.secrets(backend.interceptor()));
    if (secrets.isPresent()) {
      Sweeping.start(env, secrets.get());
    }
    return new Webhook(
        builder.build(),
        secrets.isPresent(),
        certificate,
        ClientCertificates.fromEnvironment(env),
        registry);
  }
}
