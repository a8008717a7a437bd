package io.github.secretscontroller.admission;

import static io.github.secretscontroller.admission.SmallApiServer.CONFIGURATION;
import static io.github.secretscontroller.admission.SmallApiServer.SECRET;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.testkit.MovableClock;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("A certificate that the webhook's replicas manage themselves")
class SelfManagedCertificateTest {

  private static final String EMPTY_SECRET =
      "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"webhook-ca\"}}";
  private static final Duration MINUTE = Duration.ofMinutes(1);

  private final MovableClock clock = new MovableClock();
  private SmallApiServer api;

  @BeforeEach
  void cluster() throws Exception {
    api = new SmallApiServer();
    api.putConfiguration();
  }

  @AfterEach
  void stop() {
    api.close();
  }

  private ServingCertificate replica() {
    return SelfManagedCertificate.builder(api.client())
        .secret("hooks", "webhook-ca")
        .configurations(List.of("secrets"))
        .hosts(Set.of("localhost", "webhook.hooks.svc"))
        .clock(clock)
        .build();
  }

  @Nested
  @DisplayName("at the first start")
  class FirstStart {

    @Test
    @DisplayName("comes from an authority in the Secret that each webhook's bundle trusts")
    void trusted() throws Exception {
      ServingCertificate certificate = replica();
      assertThat(certificate.isReady()).isTrue();
      assertThat(certificate.problem()).isEmpty();
      assertThat(api.secretValue("ca.crt")).isEqualTo(certificate.caPem());
      assertThat(api.bundle(0)).isEqualTo(api.bundle(1)).isEqualTo(certificate.caPem());
      assertThat(served(certificate, api.bundle(0)).getSubjectAlternativeNames())
          .extracting(name -> (Object) name.get(1))
          .containsExactly("localhost", "webhook.hooks.svc");
      assertThat(certificate.notAfter())
          .isEqualTo(clock.instant().plus(SelfManagedCertificate.CERTIFICATE_LIFETIME));
    }

    @Test
    @DisplayName("fills an empty Secret that was created beforehand")
    void emptySecret() {
      api.put(SECRET, EMPTY_SECRET);
      assertThat(replica().isReady()).isTrue();
      assertThat(api.writes()).containsExactly("PATCH " + SECRET, "PATCH " + CONFIGURATION);
    }

    @Test
    @DisplayName("keeps fields of the configuration that no client of today knows")
    void unknownFields() {
      replica();
      assertThat(api.get(CONFIGURATION).at("/webhooks/0/fieldOfTomorrow/kept").asBoolean())
          .isTrue();
    }

    @Test
    @DisplayName("has one authority, however many replicas start at once")
    void race() {
      List<CompletableFuture<ServingCertificate>> replicas =
          List.of(
              CompletableFuture.supplyAsync(SelfManagedCertificateTest.this::replica),
              CompletableFuture.supplyAsync(SelfManagedCertificateTest.this::replica),
              CompletableFuture.supplyAsync(SelfManagedCertificateTest.this::replica));
      assertThat(replicas)
          .extracting(replica -> replica.join().caPem())
          .containsOnly(api.secretValue("ca.crt"));
      assertThat(api.bundle(0)).isEqualTo(api.secretValue("ca.crt"));
    }

    @Test
    @DisplayName("starts again when somebody else wrote in between")
    void conflict() {
      api.put(SECRET, EMPTY_SECRET);
      api.beforeNextPatch(() -> api.put(SECRET, EMPTY_SECRET));
      assertThat(replica().isReady()).isTrue();
    }

    @Test
    @DisplayName("waits for the configuration, not ready, and answers TLS meanwhile")
    void noConfiguration() throws Exception {
      api.delete(CONFIGURATION);
      ServingCertificate certificate = replica();
      assertThat(certificate.isReady()).isFalse();
      assertThat(certificate.problem().orElseThrow())
          .startsWith("there is no MutatingWebhookConfiguration secrets with a webhook; needed to");
      served(certificate, certificate.caPem());
      api.putConfiguration();
      certificate.refresh();
      assertThat(certificate.isReady()).isTrue();
      served(certificate, api.bundle(0));
    }

    @Test
    @DisplayName("answers TLS even without any API server, for the sake of its probes")
    void noApiServer() throws Exception {
      api.close();
      ServingCertificate certificate = replica();
      assertThat(certificate.isReady()).isFalse();
      assertThat(certificate.problem().orElseThrow()).contains("can't be reached");
      served(certificate, certificate.caPem());
    }
  }

  @Nested
  @DisplayName("is renewed")
  class Renewal {

    @Test
    @DisplayName("after two thirds of its life, by the same authority, with nothing to write")
    void certificate() throws Exception {
      ServingCertificate certificate = replica();
      X509Certificate first = served(certificate, api.bundle(0));
      int writes = api.writes().size();
      clock.advance(Duration.ofHours(15));
      certificate.refresh();
      assertThat(served(certificate, api.bundle(0))).isEqualTo(first);
      clock.advance(Duration.ofHours(2));
      certificate.refresh();
      assertThat(served(certificate, api.bundle(0))).isNotEqualTo(first);
      assertThat(api.writes()).hasSize(writes);
    }

    @Test
    @DisplayName("with a new authority that is trusted first, and signs only when all know it")
    void authority() throws Exception {
      ServingCertificate certificate = replica();
      String old = certificate.caPem();
      advance(Duration.ofDays(61), certificate);
      String next = api.secretValue("ca.crt");
      assertThat(next).isNotEqualTo(old);
      assertThat(api.secretValue("previous-ca.crt")).isEqualTo(old);
      assertThat(api.bundle(0)).isEqualTo(next + old);
      // In the bundle, but an API server may not have seen it yet.
      assertThat(certificate.caPem()).isEqualTo(old);
      served(certificate, old);
      advance(MINUTE, certificate);
      assertThat(certificate.caPem()).isEqualTo(next);
      served(certificate, next);
      // What the old one signed stays trusted for as long as it may be in use.
      assertThat(api.bundle(1)).isEqualTo(next + old);
      advance(Duration.ofDays(30), certificate);
      assertThat(api.bundle(0)).isEqualTo(next);
    }

    @Test
    @DisplayName("by a replica that starts in the middle of it with the old authority first")
    void newReplica() throws Exception {
      ServingCertificate running = replica();
      String old = running.caPem();
      advance(Duration.ofDays(61), running);
      ServingCertificate started = replica();
      assertThat(started.caPem()).isEqualTo(old);
      advance(MINUTE, running, started);
      assertThat(started.caPem()).isEqualTo(running.caPem()).isNotEqualTo(old);
    }

    @Test
    @DisplayName("even while the API server is away, as long as the authority lives")
    void away() throws Exception {
      ServingCertificate certificate = replica();
      String bundle = api.bundle(0);
      api.close();
      for (int day = 1; day < 89; day++) {
        advance(Duration.ofDays(1), certificate);
        served(certificate, bundle);
      }
      assertThat(certificate.isReady()).isTrue();
      assertThat(certificate.problem().orElseThrow())
          .contains("can't be reached")
          .endsWith("the last good certificate is served until " + certificate.notAfter());
    }

    @Test
    @DisplayName("with a new authority at once, when the Secret's data are taken away")
    void onDemand() throws Exception {
      ServingCertificate certificate = replica();
      advance(MINUTE, certificate);
      String old = certificate.caPem();
      api.put(SECRET, EMPTY_SECRET);
      certificate.refresh();
      String next = api.secretValue("ca.crt");
      assertThat(api.bundle(0)).isEqualTo(next + old);
      served(certificate, old);
      advance(MINUTE, certificate);
      served(certificate, next);
      advance(CaBundles.HANDOVER, certificate);
      assertThat(api.bundle(0)).isEqualTo(next);
    }
  }

  @Test
  @DisplayName("leaves the bundle's other certificates for an hour, for pods of before a change")
  void handover() {
    String stranger = ServingCertificate.selfSigned(Set.of("x"), Clock.systemUTC()).caPem();
    api.put(
        CONFIGURATION,
        api.get(CONFIGURATION)
            .toString()
            .replace(
                "\"clientConfig\":{",
                "\"clientConfig\":{\"caBundle\":\"" + base64(stranger) + "\","));
    ServingCertificate certificate = replica();
    assertThat(api.bundle(0)).isEqualTo(certificate.caPem() + stranger);
    advance(CaBundles.HANDOVER, certificate);
    assertThat(api.bundle(0)).isEqualTo(certificate.caPem());
  }

  @Nested
  @DisplayName("goes on as it is, and says what is wrong,")
  class Trouble {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "ca.key | bm90aGluZw== | ca.key of Secret hooks/webhook-ca holds no unencrypted PEM",
          "ca.crt | bm90aGluZw== | ca.crt of Secret hooks/webhook-ca holds no PEM certificate",
          "ca.crt | %%%          | ca.crt of Secret hooks/webhook-ca is no base64",
          "ca.key | ''           | ca.key of Secret hooks/webhook-ca holds no unencrypted PEM",
        })
    @DisplayName("when the Secret was edited by hand")
    void edited(String key, String value, String sentence) throws Exception {
      ServingCertificate certificate = replica();
      String bundle = api.bundle(0);
      String before = api.get(SECRET).at("/data").path(key).asText();
      api.put(SECRET, api.get(SECRET).toString().replace(before, value));
      certificate.refresh();
      assertThat(certificate.problem().orElseThrow())
          .startsWith(sentence)
          .contains("kubectl patch secret -n hooks webhook-ca --type=merge -p '{\"data\":null}'")
          .endsWith("the last good certificate is served until " + certificate.notAfter());
      advance(Duration.ofDays(2), certificate);
      served(certificate, bundle);
      assertThat(api.bundle(0)).isEqualTo(bundle);

      api.put(SECRET, EMPTY_SECRET);
      certificate.refresh();
      assertThat(certificate.problem()).isEmpty();
    }

    @Test
    @DisplayName("when the key in the Secret belongs to another certificate")
    void foreignKey() {
      ServingCertificate certificate = replica();
      String foreign =
          Pem.reveal(Authority.create(clock.instant(), MINUTE).keyAndChain().privateKey());
      api.put(
          SECRET,
          api.get(SECRET)
              .toString()
              .replace(api.get(SECRET).at("/data/ca.key").asText(), base64(foreign)));
      certificate.refresh();
      assertThat(certificate.problem().orElseThrow())
          .startsWith("the private key in ca.key of Secret hooks/webhook-ca doesn't belong to");
    }

    @Test
    @DisplayName("when the API server refuses the patch of the configuration")
    void refusedPatch() throws Exception {
      api.deny("PATCH", CONFIGURATION);
      ServingCertificate fresh = replica();
      assertThat(fresh.isReady()).isFalse();
      assertThat(fresh.problem().orElseThrow())
          .startsWith(
              "the API server refuses PATCH "
                  + CONFIGURATION
                  + " (HTTP 403: User \"webhook\" cannot PATCH this resource); needed to put the"
                  + " webhook's certificate authority, ca.crt of Secret hooks/webhook-ca, into its"
                  + " caBundle");
      api.allowEverything();
      fresh.refresh();
      assertThat(fresh.isReady()).isTrue();

      String bundle = api.bundle(0);
      advance(MINUTE, fresh);
      api.deny("PATCH", CONFIGURATION);
      advance(Duration.ofDays(61), fresh);
      // The new authority can't get into the bundle, so it doesn't sign.
      advance(Duration.ofDays(1), fresh);
      assertThat(fresh.isReady()).isTrue();
      served(fresh, bundle);
    }

    @Test
    @DisplayName("when it may not read the Secret, nor show what the Secret holds")
    void refusedSecret() {
      api.deny("GET", SECRET);
      ServingCertificate certificate = replica();
      assertThat(certificate.isReady()).isFalse();
      assertThat(certificate.problem().orElseThrow())
          .startsWith("the API server refuses GET " + SECRET + " (HTTP 403: User \"webhook\"");
    }
  }

  @Test
  @DisplayName("is refused by whoever trusts another authority")
  void refused() {
    ServingCertificate certificate = replica();
    String other = ServingCertificate.selfSigned(Set.of("localhost"), clock).caPem();
    assertThatThrownBy(() -> served(certificate, other)).isInstanceOf(SSLHandshakeException.class);
  }

  @Nested
  @DisplayName("is asked for by the environment")
  class Environment {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "webhook-ca | c | h | WEBHOOK_TLS_SECRET must be namespace/name, not \"webhook-ca\"",
          "hooks/a    |   | h | WEBHOOK_TLS_SECRET needs WEBHOOK_TLS_CONFIGURATIONS, the names of",
          "hooks/a    | c |   | WEBHOOK_TLS_SECRET needs WEBHOOK_TLS_HOSTS, the names that the API",
          "hooks/a    | c | h | KUBERNETES_SERVICE_HOST isn't set, so there is no API server",
        })
    @DisplayName("and says what is missing there")
    void incomplete(String secret, String configurations, String hosts, String sentence) {
      Map<String, String> environment = new HashMap<>();
      environment.put("WEBHOOK_TLS_SECRET", secret);
      if (configurations != null) {
        environment.put("WEBHOOK_TLS_CONFIGURATIONS", configurations);
      }
      if (hosts != null) {
        environment.put("WEBHOOK_TLS_HOSTS", hosts);
      }
      assertThatThrownBy(() -> ServingCertificate.fromEnvironment(environment))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith(sentence);
    }

    @Test
    @DisplayName("and not together with files")
    void both() {
      assertThatThrownBy(
              () ->
                  ServingCertificate.fromEnvironment(
                      Map.of("WEBHOOK_TLS_SECRET", "a/b", "WEBHOOK_TLS_CERT", "c")))
          .hasMessage(
              "set WEBHOOK_TLS_SECRET, or WEBHOOK_TLS_CERT and WEBHOOK_TLS_KEY; both are set");
    }

    @Test
    @DisplayName("and refuses names that are none, and lives without time to hand over")
    void builder() {
      SelfManagedCertificate builder = SelfManagedCertificate.builder(api.client());
      assertThatThrownBy(() -> builder.secret("hooks", "a/../b"))
          .hasMessage("the Secret can't have the name \"a/../b\"");
      assertThatThrownBy(builder::build)
          .hasMessage("a self-managed certificate needs a Secret and a webhook configuration");
      builder.secret("a", "b").configurations(List.of("c")).authorityLifetime(MINUTE);
      assertThatThrownBy(builder::build)
          .hasMessageStartingWith("an authority's lifetime of PT1M is too short");
    }
  }

  private static String base64(String text) {
    return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.US_ASCII));
  }

  private void advance(Duration duration, ServingCertificate... replicas) {
    clock.advance(duration);
    for (ServingCertificate replica : replicas) {
      replica.refresh();
    }
  }

  private X509Certificate served(ServingCertificate certificate, String bundle) throws Exception {
    try (TlsPeer.Server server = new TlsPeer.Server(certificate.sslContext())) {
      return TlsPeer.served(server.port(), bundle, clock);
    }
  }
}
