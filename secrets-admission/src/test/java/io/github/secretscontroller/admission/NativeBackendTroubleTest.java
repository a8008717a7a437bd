package io.github.secretscontroller.admission;

import static io.github.secretscontroller.admission.SecretCluster.secret;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.WriteContext;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A Secret whose backend")
class NativeBackendTroubleTest {

  private static final SecretReference NAME = SecretReference.parse("kubernetes/shop/db/k8s");

  private final MovableClock clock = new MovableClock();
  @TempDir Path root;
  private DirectorySecretStore store;
  private NativeSecretInterceptor interceptor;
  private SecretCluster cluster;

  /** What happens to a write. */
  private Trouble trouble = Supplier::get;

  private interface Trouble {
    SecretReference befall(Supplier<SecretReference> write);
  }

  @BeforeEach
  void start() {
    store = new DirectorySecretStore(root);
    SecretWriter writer =
        new SecretWriter() {
          @Override
          public SecretReference write(String name, byte[] value, WriteContext context) {
            return trouble.befall(() -> store.stage(name, value, context));
          }

          @Override
          public void delete(SecretReference reference, WriteContext context) {
            store.delete(reference, context);
          }
        };
    interceptor =
        NativeSecretInterceptor.of(
            NativeSecretsConfig.builder().build(), "vault", writer, store, clock);
    cluster = new SecretCluster(interceptor, store);
  }

  private static SecretReference down(Supplier<SecretReference> write) {
    throw new SecretException.Unavailable(NAME, "vault is sealed", null);
  }

  /** Waits until the handler interrupts it. */
  private static void hang() {
    try {
      if (new CountDownLatch(1).await(1, TimeUnit.HOURS)) {
        throw new AssertionError("nobody counts down");
      }
    } catch (InterruptedException e) {
      // As a client does that is interrupted: it gives up.
    }
  }

  private long versions() throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(file -> file.getFileName().toString().startsWith(".v-")).count();
    }
  }

  private JsonNode respondInTime(ObjectNode secret) {
    AdmissionHandler impatient =
        AdmissionHandler.builder().secrets(interceptor).timeBudget(Duration.ofMillis(40)).build();
    return cluster.with(impatient).respond(secret, false);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  @DisplayName("hangs is refused in time, with the cause, and neither that nor a late write hurts")
  void hangs(boolean writesLate) throws IOException {
    ObjectNode stored = cluster.put(secret("db", Map.of("user", "stored")));
    ObjectNode next = secret("db", Map.of("user", "canary"));
    trouble =
        write -> {
          hang();
          SecretReference late = writesLate ? write.get() : NAME;
          throw new SecretException.Unavailable(late, "the call was interrupted", null);
        };
    JsonNode response = respondInTime(next);
    assertThat(response.get("status"))
        .isEqualTo(
            Pods.json(
                "{\"code\":504,\"reason\":\"Timeout\",\"message\":\"Secret shop/db: the webhook was"
                    + " not done after 40 ms (at the backend vault); nothing was changed; try"
                    + " again, or raise timeoutSeconds of the webhook configuration and the"
                    + " handler's time budget\"}"));
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    assertThat(versions()).isEqualTo(writesLate ? 2 : 1);
    assertThat(cluster.readText(stored, "user")).isEqualTo("stored");
    try (SecretValue current = store.fetch(NAME)) {
      assertThat(current.revealBytes()).asString().isEqualTo("{\"user\":\"stored\"}");
    }

    // Sent again, it is the one version, whether that was written late or not at all.
    trouble = Supplier::get;
    ObjectNode again = cluster.put(next);
    assertThat(cluster.readText(again, "user")).isEqualTo("canary");
    assertThat(cluster.readText(stored, "user")).isEqualTo("stored");
    assertThat(versions()).isEqualTo(2);
  }

  @Test
  @DisplayName("throws what it shouldn't is refused without that text, which may quote a value")
  void throwsAnything() {
    trouble =
        write -> {
          throw new IllegalStateException("canary");
        };
    JsonNode response = cluster.respond(secret("db", Map.of("user", "canary")), false);
    assertThat(response.get("allowed").booleanValue()).isFalse();
    assertThat(Pods.message(response))
        .contains("Secret shop/db", "threw java.lang.IllegalStateException")
        .doesNotContain("canary");
  }

  @Test
  @DisplayName("is up again is written as before: one failure then isn't the sixth")
  void breakerCloses() {
    trouble = NativeBackendTroubleTest::down;
    for (int i = 0; i < 5; i++) {
      assertThat(cluster.refusal(secret("db", Map.of("user", "a")))).endsWith("vault is sealed");
    }
    trouble = Supplier::get;
    assertThat(cluster.refusal(secret("db", Map.of("user", "a"))))
        .contains("the backend failed 5 times in a row and isn't asked again before");
    clock.advance(Duration.ofSeconds(15));
    ObjectNode admitted = cluster.put(secret("db", Map.of("user", "a")));
    assertThat(cluster.readText(admitted, "user")).isEqualTo("a");

    trouble = NativeBackendTroubleTest::down;
    for (int i = 0; i < 4; i++) {
      assertThat(cluster.refusal(secret("db", Map.of("user", "b")))).endsWith("vault is sealed");
    }
    trouble = Supplier::get;
    assertThat(cluster.readText(cluster.put(secret("db", Map.of("user", "b"))), "user"))
        .isEqualTo("b");
  }

  @Test
  @DisplayName("is down can still be deleted and, unchanged, updated")
  void downButUnchanged() {
    cluster.put(secret("db", Map.of("user", "a")));
    trouble = NativeBackendTroubleTest::down;
    ObjectNode edited = cluster.stored("db");
    ((ObjectNode) edited.get("metadata").get("labels")).put("team", "payments");
    assertThat(cluster.patch(edited)).isEmpty();
    assertThat(cluster.delete("db").get("allowed").booleanValue()).isTrue();
  }
}
