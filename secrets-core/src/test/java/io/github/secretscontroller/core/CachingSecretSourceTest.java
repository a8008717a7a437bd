package io.github.secretscontroller.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.testkit.InMemorySecretSource;
import io.github.secretscontroller.core.testkit.MovableClock;
import io.github.secretscontroller.core.testkit.SecretSourceContract;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@DisplayName("A cache")
class CachingSecretSourceTest {

  private static final Duration TTL = Duration.ofMinutes(5);
  private static final Duration STALE = Duration.ofHours(1);
  private static final SecretReference DB = SecretReference.parse("db");

  private final MovableClock clock = new MovableClock();
  private final InMemorySecretSource backend = new InMemorySecretSource();
  private final Recording recording = new Recording(backend);
  private final CachingSecretSource cache =
      CachingSecretSource.builder(recording)
          .ttl(TTL)
          .staleIfErrorFor(STALE)
          .maximumEntries(3)
          .clock(clock)
          .build();

  /** Keeps each value that it gave out, so that a test sees which of them were wiped. */
  private static final class Recording implements SecretSource {
    private final SecretSource delegate;
    private final List<SecretValue> given = Collections.synchronizedList(new ArrayList<>());
    private final List<Collection<SecretReference>> batches = new CopyOnWriteArrayList<>();

    Recording(SecretSource delegate) {
      this.delegate = delegate;
    }

    @Override
    public SecretValue fetch(SecretReference reference) {
      SecretValue value = delegate.fetch(reference);
      given.add(value);
      return value;
    }

    @Override
    public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
      batches.add(List.copyOf(references));
      return SecretSource.super.fetchAll(references);
    }

    @Override
    public String currentVersion(SecretReference reference) {
      return delegate.currentVersion(reference);
    }

    boolean isWiped(int index) {
      try {
        given.get(index).revealBytes();
        return false;
      } catch (IllegalStateException e) {
        return true;
      }
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(UTF_8);
  }

  private String read(SecretReference reference) {
    try (SecretValue value = cache.fetch(reference)) {
      return new String(value.revealBytes(), UTF_8);
    }
  }

  private static SecretException unavailable() {
    return new SecretException.Unavailable(DB, "down", null);
  }

  @Nested
  class AsSource extends SecretSourceContract {

    private final InMemorySecretSource behind = new InMemorySecretSource();
    private final MovableClock moving = new MovableClock();
    private final SecretSource cached = CachingSecretSource.builder(behind).clock(moving).build();

    @Override
    protected SecretSource source() {
      return cached;
    }

    @Override
    protected SecretReference store(String name, byte[] value) {
      moving.advance(Duration.ofHours(2));
      return behind.put(name, value);
    }
  }

  @Nested
  @DisplayName("with a fresh value")
  class Fresh {

    @Test
    @DisplayName("makes no call")
    void hit() {
      backend.put("db", utf8("one"));
      assertThat(read(DB)).isEqualTo("one");
      backend.put("db", utf8("two"));
      clock.advance(TTL.minusMillis(1));
      assertThat(read(DB)).isEqualTo("one");
      assertThat(backend.calls()).containsExactly("fetch db");
    }

    @Test
    @DisplayName("serves every selector and both spellings of the current stage from it")
    void sameEntry() {
      backend.put("db", utf8("one"));
      read(DB);
      read(DB.withSelector("a"));
      read(DB.withVersionStage("AWSCURRENT").withSelector("b"));
      assertThat(backend.calls()).containsExactly("fetch db");
    }

    @Test
    @DisplayName("keeps other stages apart")
    void otherStages() {
      backend.put("db", utf8("one"));
      backend.put("db", utf8("two"));
      assertThat(read(DB)).isEqualTo("two");
      assertThat(read(DB.withVersionStage("AWSPREVIOUS"))).isEqualTo("one");
    }

    @Test
    @DisplayName("gives each caller a copy that outlives it")
    void copies() {
      backend.put("db", utf8("one"));
      SecretValue mine = cache.fetch(DB);
      SecretValue yours = cache.fetch(DB);
      yours.close();
      cache.close();
      assertThat(mine.revealBytes()).isEqualTo(utf8("one"));
      assertThat(recording.isWiped(0)).isTrue();
    }
  }

  @Nested
  @DisplayName("with a value past its time")
  class Expired {

    @Test
    @DisplayName("asks for the version only, and keeps the value while that is the same")
    void sameVersion() {
      backend.put("db", utf8("one"));
      read(DB);
      clock.advance(TTL);
      assertThat(read(DB)).isEqualTo("one");
      clock.advance(TTL.minusMillis(1));
      assertThat(read(DB)).isEqualTo("one");
      assertThat(backend.calls()).containsExactly("fetch db", "currentVersion db");
      assertThat(recording.isWiped(0)).isFalse();
    }

    @Test
    @DisplayName("reads the value when the version moved, and wipes the old one")
    void moved() {
      backend.put("db", utf8("one"));
      read(DB);
      backend.put("db", utf8("two"));
      clock.advance(TTL);
      assertThat(read(DB)).isEqualTo("two");
      assertThat(backend.calls()).containsExactly("fetch db", "currentVersion db", "fetch db");
      assertThat(recording.isWiped(0)).isTrue();
      assertThat(recording.isWiped(1)).isFalse();
    }

    @Test
    @DisplayName("asks nothing at all about a version that is named by its id")
    void pinned() {
      backend.put("db", utf8("one"));
      SecretReference pinned = DB.withVersionId(backend.currentVersion(DB));
      read(pinned);
      clock.advance(TTL.multipliedBy(3));
      assertThat(read(pinned)).isEqualTo("one");
      assertThat(backend.calls()).containsExactly("currentVersion db", "fetch db");
    }
  }

  @Nested
  @DisplayName("while the source is unavailable")
  class Unavailable {

    @Test
    @DisplayName("serves the last value for the bounded time, and fails after it")
    void stale() {
      backend.put("db", utf8("one"));
      read(DB);
      backend.failWith("db", unavailable());
      clock.advance(TTL);
      assertThat(read(DB)).isEqualTo("one");
      clock.advance(STALE.minusMillis(1));
      assertThat(read(DB)).isEqualTo("one");
      clock.advance(Duration.ofSeconds(1));
      assertThatThrownBy(() -> read(DB)).isInstanceOf(SecretException.Unavailable.class);
      assertThat(recording.isWiped(0)).isTrue();
    }

    @Test
    @DisplayName("never serves it a moment longer than that")
    void staleBound() {
      backend.put("db", utf8("one"));
      read(DB);
      backend.failWith("db", unavailable());
      clock.advance(TTL.plus(STALE).minusMillis(100));
      assertThat(read(DB)).isEqualTo("one");
      clock.advance(Duration.ofMillis(100));
      assertThatThrownBy(() -> read(DB)).isInstanceOf(SecretException.Unavailable.class);
    }

    @Test
    @DisplayName("asks it once a second only")
    void notHammered() {
      backend.put("db", utf8("one"));
      read(DB);
      backend.failWith("db", unavailable());
      clock.advance(TTL);
      for (int i = 0; i < 10; i++) {
        read(DB);
      }
      clock.advance(Duration.ofSeconds(1));
      read(DB);
      assertThat(backend.calls())
          .containsExactly("fetch db", "currentVersion db", "currentVersion db");
    }

    @Test
    @DisplayName("has the new value as soon as the source is back")
    void recovers() {
      backend.put("db", utf8("one"));
      read(DB);
      backend.failWith("db", unavailable());
      clock.advance(TTL);
      read(DB);
      backend.failWith("db", null);
      backend.put("db", utf8("two"));
      clock.advance(Duration.ofSeconds(1));
      assertThat(read(DB)).isEqualTo("two");
    }

    @Test
    @DisplayName("keeps no failure")
    void failuresArentKept() {
      backend.put("db", utf8("one"));
      backend.failWith("db", unavailable());
      assertThatThrownBy(() -> read(DB)).isInstanceOf(SecretException.Unavailable.class);
      backend.failWith("db", null);
      assertThat(read(DB)).isEqualTo("one");
    }
  }

  @Test
  @DisplayName("never serves a secret that is gone or denied, not even shortly")
  void goneOrDenied() {
    backend.put("db", utf8("one"));
    read(DB);
    backend.failWith("db", new SecretException.AccessDenied(DB, "no", null));
    clock.advance(TTL);
    assertThatThrownBy(() -> read(DB)).isInstanceOf(SecretException.AccessDenied.class);
    assertThat(recording.isWiped(0)).isTrue();
    backend.failWith("db", null);
    backend.remove("db");
    assertThatThrownBy(() -> read(DB)).isInstanceOf(SecretException.NotFound.class);
  }

  @Test
  @DisplayName("lets reading decide where only the version may not be asked for")
  void versionDenied() {
    SecretSource readOnly =
        new SecretSource() {
          @Override
          public SecretValue fetch(SecretReference reference) {
            return backend.fetch(reference);
          }

          @Override
          public String currentVersion(SecretReference reference) {
            throw new SecretException.AccessDenied(reference, "no", null);
          }
        };
    backend.put("db", utf8("one"));
    try (CachingSecretSource cached =
        CachingSecretSource.builder(readOnly).ttl(TTL).clock(clock).build()) {
      cached.fetch(DB).close();
      clock.advance(TTL);
      try (SecretValue value = cached.fetch(DB)) {
        assertThat(value.hasContent(utf8("one"))).isTrue();
      }
    }
  }

  @Nested
  @DisplayName("wipes")
  class Wiping {

    @Test
    @DisplayName("the value that was used least recently, when there are too many")
    void eviction() {
      for (String name : List.of("a", "b", "c", "d")) {
        backend.put(name, utf8(name));
      }
      SecretValue held = cache.fetch(SecretReference.parse("a"));
      for (String name : List.of("b", "c", "a", "d")) {
        clock.advance(Duration.ofSeconds(1));
        read(SecretReference.parse(name));
      }
      assertThat(recording.isWiped(1)).describedAs("b, used longest ago").isTrue();
      assertThat(recording.isWiped(0)).isFalse();
      assertThat(recording.isWiped(2)).isFalse();
      assertThat(recording.isWiped(3)).isFalse();
      assertThat(held.revealBytes()).isEqualTo(utf8("a"));
    }

    @Test
    @DisplayName("what nobody asks for any more, when told to or when something else is read")
    void expired() {
      backend.put("a", utf8("a"));
      backend.put("b", utf8("b"));
      read(SecretReference.parse("a"));
      clock.advance(TTL.plus(STALE).minusMillis(1));
      cache.wipeExpired();
      assertThat(recording.isWiped(0)).isFalse();
      clock.advance(Duration.ofMillis(1));
      read(SecretReference.parse("b"));
      assertThat(recording.isWiped(0)).isTrue();
    }

    @Test
    @DisplayName("everything when it is closed, and keeps nothing from then on")
    void close() {
      backend.put("a", utf8("a"));
      read(SecretReference.parse("a"));
      cache.close();
      assertThat(recording.isWiped(0)).isTrue();
      assertThatThrownBy(() -> cache.fetch(SecretReference.parse("a")))
          .isInstanceOf(IllegalStateException.class);
      assertThat(recording.isWiped(1)).isTrue();
    }
  }

  @Nested
  @DisplayName("with many threads")
  class Concurrency {

    @Test
    @DisplayName("reads once for fifty that miss at the same time")
    void singleFlight() throws Exception {
      CountDownLatch reading = new CountDownLatch(1);
      CountDownLatch go = new CountDownLatch(1);
      SecretSource held =
          new SecretSource() {
            @Override
            public SecretValue fetch(SecretReference reference) {
              reading.countDown();
              try {
                go.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              return recording.fetch(reference);
            }

            @Override
            public String currentVersion(SecretReference reference) {
              return recording.currentVersion(reference);
            }
          };
      backend.put("db", utf8("one"));
      List<Thread> threads = new ArrayList<>();
      List<byte[]> contents = Collections.synchronizedList(new ArrayList<>());
      try (CachingSecretSource shared = CachingSecretSource.builder(held).build()) {
        for (int i = 0; i < 50; i++) {
          Thread thread =
              new Thread(
                  () -> {
                    try (SecretValue value = shared.fetch(DB)) {
                      contents.add(value.revealBytes());
                    }
                  });
          threads.add(thread);
          thread.start();
        }
        reading.await();
        // All wait: one for the source, and the others for that one.
        while (threads.stream().anyMatch(t -> t.getState() != Thread.State.WAITING)) {
          Thread.onSpinWait();
        }
        go.countDown();
        for (Thread thread : threads) {
          thread.join();
        }
        assertThat(contents).hasSize(50).allSatisfy(c -> assertThat(c).isEqualTo(utf8("one")));
        assertThat(backend.calls()).containsExactly("fetch db");
      }
    }

    @Test
    @DisplayName("leaves nothing behind when it is closed while others read")
    void closedMeanwhile() throws Exception {
      backend.put("db", utf8("one"));
      CountDownLatch underWay = new CountDownLatch(100);
      CompletableFuture<Throwable> reads =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  while (true) {
                    cache.fetch(DB).close();
                    clock.advance(TTL);
                    underWay.countDown();
                  }
                } catch (RuntimeException e) {
                  return e;
                }
              });
      underWay.await();
      cache.close();
      assertThat(reads.get(10, TimeUnit.SECONDS))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the cache was closed");
      for (int i = 0; i < recording.given.size(); i++) {
        assertThat(recording.isWiped(i)).describedAs("value %d", i).isTrue();
      }
    }

    @Test
    @DisplayName("wipes what a batch brings after it was closed")
    void closedBatch() {
      backend.put("a", utf8("a"));
      backend.put("b", utf8("b"));
      cache.close();
      List<SecretReference> both = List.of(SecretReference.parse("a"), SecretReference.parse("b"));
      assertThatThrownBy(() -> cache.fetchAll(both)).isInstanceOf(IllegalStateException.class);
      assertThat(recording.given).hasSize(2);
      assertThat(recording.isWiped(0)).isTrue();
      assertThat(recording.isWiped(1)).isTrue();
    }

    @Test
    @DisplayName("never gives out a wiped value while values are replaced and evicted")
    void churn() throws Exception {
      ExecutorService threads = Executors.newFixedThreadPool(8);
      try {
        for (int i = 0; i < 5; i++) {
          backend.put("s" + i, utf8("value"));
        }
        List<Future<Integer>> readers = new ArrayList<>();
        for (int t = 0; t < 8; t++) {
          int thread = t;
          readers.add(
              threads.submit(
                  () -> {
                    int good = 0;
                    for (int i = 0; i < 2_000; i++) {
                      String name = "s" + (i + thread) % 5;
                      if (i % 50 == 0) {
                        backend.put(name, utf8("value"));
                        clock.advance(TTL);
                      }
                      try (SecretValue value = cache.fetch(SecretReference.parse(name))) {
                        good += value.hasContent(utf8("value")) ? 1 : 0;
                      }
                    }
                    return good;
                  }));
        }
        for (Future<Integer> reader : readers) {
          assertThat(reader.get(30, TimeUnit.SECONDS)).isEqualTo(2_000);
        }
      } finally {
        threads.shutdownNow();
      }
    }
  }

  @Test
  @DisplayName("asks for all that is missing at once")
  void fetchAll() {
    backend.put("a", utf8("a"));
    backend.put("b", utf8("b"));
    backend.put("c", utf8("c"));
    SecretReference a = SecretReference.parse("a");
    SecretReference b = SecretReference.parse("b");
    SecretReference c = SecretReference.parse("c");
    SecretReference missing = SecretReference.parse("missing");
    read(a);
    Map<SecretReference, SecretResult> results =
        cache.fetchAll(List.of(c.withSelector("x"), a, b, missing, c));
    assertThat(results.keySet()).containsExactly(c.withSelector("x"), a, b, missing, c);
    assertThat(recording.batches).containsExactly(List.of(c, b, missing));
    assertThat(results.get(missing)).isInstanceOf(SecretResult.Failed.class);
    results.get(c).orThrow().close();
    try (SecretValue value = results.get(c.withSelector("x")).orThrow()) {
      assertThat(value.hasContent(utf8("c"))).isTrue();
    }
  }

  @Test
  @DisplayName("refuses options that make no sense")
  void options() {
    CachingSecretSource.Builder builder = CachingSecretSource.builder(backend);
    assertThatThrownBy(() -> builder.ttl(Duration.ofNanos(999_999)))
        .hasMessage("ttl must be a millisecond or more: PT0.000999999S");
    assertThatThrownBy(() -> builder.staleIfErrorFor(Duration.ofSeconds(-1)))
        .hasMessage("staleIfErrorFor must not be negative: PT-1S");
    assertThatThrownBy(() -> builder.maximumEntries(0))
        .hasMessage("maximumEntries must be positive: 0");
  }

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  @DisplayName("gives a value out also when its time is over before it is handed over")
  void slowReader() {
    backend.put("db", utf8("1"));
    // Each look at the clock takes longer than the value may be kept.
    Clock racing =
        new Clock() {
          private final AtomicLong now = new AtomicLong();

          @Override
          public Instant instant() {
            return Instant.ofEpochMilli(now.addAndGet(10));
          }

          @Override
          public ZoneId getZone() {
            return ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(ZoneId zone) {
            throw new UnsupportedOperationException();
          }
        };
    try (CachingSecretSource quick =
            CachingSecretSource.builder(backend)
                .ttl(Duration.ofMillis(1))
                .staleIfErrorFor(Duration.ZERO)
                .clock(racing)
                .build();
        SecretValue value = quick.fetch(DB)) {
      assertThat(value.hasContent(utf8("1"))).isTrue();
    }
  }

  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  @DisplayName("keeps a value as good as for ever when told so")
  void forEver() {
    backend.put("db", utf8("1"));
    Duration ever = Duration.ofSeconds(Long.MAX_VALUE);
    try (CachingSecretSource keeping =
        CachingSecretSource.builder(backend).ttl(ever).staleIfErrorFor(ever).clock(clock).build()) {
      keeping.fetch(DB).close();
      clock.advance(Duration.ofDays(100_000));
      keeping.wipeExpired();
      keeping.fetch(DB).close();
    }
    assertThat(backend.calls()).containsExactly("fetch db");
  }
}
