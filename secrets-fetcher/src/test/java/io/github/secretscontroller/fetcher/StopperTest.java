package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Stopping the program")
class StopperTest {

  private final Stopper stopper = new Stopper();

  @Test
  @DisplayName("waits for a publication that is under way")
  void waits() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    AtomicBoolean done = new AtomicBoolean();
    CompletableFuture<Boolean> publication =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return stopper.publish(
                    () -> {
                      begun.countDown();
                      // Until somebody asked to stop, which then waits for this.
                      assertThat(stopper.await(Duration.ofSeconds(60))).isTrue();
                      done.set(true);
                    });
              } catch (FetchFailure e) {
                throw new AssertionError(e);
              }
            });
    begun.await();
    stopper.stop();

    assertThat(done).isTrue();
    assertThat(publication.get()).isTrue();
  }

  @Test
  @DisplayName("lets no publication begin afterwards")
  void nothingAfter() throws Exception {
    stopper.stop();
    assertThat(
            stopper.publish(
                () -> {
                  throw new AssertionError("published");
                }))
        .isFalse();
  }

  @Test
  @DisplayName("ends a wait at once, and one that isn't stopped in its time")
  void await() {
    assertThat(stopper.await(Duration.ofMillis(1))).isFalse();
    assertThat(stopper.await(Duration.ofMillis(-1))).isFalse();
    stopper.stop();
    assertThat(stopper.await(Duration.ofDays(1))).isTrue();
  }
}
