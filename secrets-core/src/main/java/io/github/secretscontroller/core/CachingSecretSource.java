package io.github.secretscontroller.core;

import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * Keeps values of another source in memory.
 *
 * <ul>
 *   <li><b>Fresh</b> for the time to live: a hit makes no call.
 *   <li>After that, <b>version-aware</b>: the current version is asked for, and the value is read
 *       again only if it moved. A reference that names a version id is never asked for again.
 *   <li><b>Single flight</b>: of many that miss the same value at once, one reads and all get it.
 *   <li><b>Stale if error</b>: while the source is {@link SecretException.Unavailable}, the last
 *       value is served for a bounded time more, and the source is asked at most once a second. A
 *       secret that is gone or denied is dropped at once and never served stale.
 *   <li><b>Wiped</b> when it is replaced, dropped, evicted, or expired, and on {@link #close}. What
 *       a caller gets is a copy of its own, so wiping never reaches it.
 * </ul>
 *
 * <p>References that differ only in their selector share an entry, and {@code AWSCURRENT} is the
 * same as no stage. Failures aren't kept. The least recently used entry gives way when there are
 * too many.
 *
 * <p>Time is the clock's, by default the system's: setting that back lengthens the times above.
 *
 * <p>Nothing runs in the background: values that nobody asks for any more are wiped by the next
 * miss, or by {@link #wipeExpired}, which a host may call from a scheduler of its own.
 *
 * <p>Thread-safe. Closing it closes the other source.
 */
public final class CachingSecretSource implements SecretSource {

  private static final Duration RETRY_WHILE_STALE = Duration.ofSeconds(1);

  private final SecretSource delegate;
  private final Clock clock;
  private final long ttlMillis;
  private final long staleMillis;
  private final int maximumEntries;
  // Whoever takes an entry out of the map, and nobody else, wipes its value.
  private final Map<SecretReference, Entry> entries = new ConcurrentHashMap<>();
  private final Map<SecretReference, CompletableFuture<Entry>> inFlight = new ConcurrentHashMap<>();
  private final AtomicBoolean closed = new AtomicBoolean();

  private CachingSecretSource(Builder builder) {
    this.delegate = builder.delegate;
    this.clock = builder.clock;
    this.ttlMillis = millis(builder.ttl);
    this.staleMillis = millis(builder.staleIfErrorFor);
    this.maximumEntries = builder.maximumEntries;
  }

  /** A builder for a cache in front of {@code delegate}. */
  public static Builder builder(SecretSource delegate) {
    return new Builder(delegate);
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    SecretReference key = ReferenceText.whole(reference);
    while (true) {
      SecretValue hit = hit(key);
      if (hit != null) {
        return hit;
      }
      // Whoever else replaces the entry in between wipes it, and then it is looked up again.
      SecretValue loaded = load(key, reference).copyIfOpen();
      if (loaded != null) {
        return loaded;
      }
    }
  }

  @Override
  public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    Map<SecretReference, SecretResult> results = new LinkedHashMap<>();
    List<SecretReference> absent = new ArrayList<>();
    for (SecretReference reference : references) {
      SecretReference key = ReferenceText.whole(reference);
      if (!absent.contains(key) && entries.get(key) == null) {
        absent.add(key);
      }
    }
    Map<SecretReference, SecretResult> loaded = absent.size() > 1 ? loadAll(absent) : Map.of();
    try {
      for (SecretReference reference : references) {
        if (!results.containsKey(reference)) {
          results.put(reference, result(reference, loaded.get(ReferenceText.whole(reference))));
        }
      }
    } finally {
      loaded.values().forEach(CachingSecretSource::wipe);
    }
    return results;
  }

  /** Asks the other source each time: this is how a caller finds out about changes. */
  @Override
  public String currentVersion(SecretReference reference) {
    return delegate.currentVersion(reference);
  }

  /** Wipes the values that are past the time for which they may be served stale. */
  public void wipeExpired() {
    wipeExpiredBut(null);
  }

  private void wipeExpiredBut(@Nullable Entry kept) {
    long now = clock.millis();
    entries.forEach(
        (key, entry) -> {
          if (entry != kept && now >= entry.staleUntil) {
            drop(key, entry);
          }
        });
  }

  @Override
  public void close() {
    closed.set(true);
    entries.forEach(this::drop);
    delegate.close();
  }

  private @Nullable SecretValue hit(SecretReference key) {
    Entry entry = entries.get(key);
    if (entry == null) {
      return null;
    }
    long now = clock.millis();
    if (now >= entry.freshUntil) {
      return null;
    }
    entry.lastUsed = now;
    return entry.copyIfOpen();
  }

  private SecretResult result(SecretReference reference, @Nullable SecretResult loaded) {
    if (loaded instanceof SecretResult.Failed) {
      return loaded;
    }
    if (loaded instanceof SecretResult.Fetched fetched) {
      return new SecretResult.Fetched(fetched.value().copy());
    }
    return SecretResult.of(() -> fetch(reference));
  }

  /** Reads by one call what isn't there yet, but for what somebody else is reading already. */
  private Map<SecretReference, SecretResult> loadAll(List<SecretReference> absent) {
    Map<SecretReference, CompletableFuture<Entry>> ours = new LinkedHashMap<>();
    for (SecretReference key : absent) {
      CompletableFuture<Entry> flight = new CompletableFuture<>();
      if (inFlight.putIfAbsent(key, flight) == null) {
        ours.put(key, flight);
      }
    }
    if (ours.isEmpty()) {
      return Map.of();
    }
    Map<SecretReference, SecretResult> copies = new LinkedHashMap<>();
    Map<SecretReference, SecretResult> fetched = new LinkedHashMap<>();
    try {
      fetched.putAll(delegate.fetchAll(ours.keySet()));
      for (Map.Entry<SecretReference, CompletableFuture<Entry>> our : ours.entrySet()) {
        SecretReference key = our.getKey();
        SecretResult result = fetched.get(key);
        if (result instanceof SecretResult.Fetched value) {
          // For our own caller, whatever becomes of the entry.
          copies.put(key, new SecretResult.Fetched(value.value().copy()));
          our.getValue().complete(store(key, value.value()));
          fetched.remove(key);
        } else if (result instanceof SecretResult.Failed failed) {
          copies.put(key, failed);
          our.getValue().completeExceptionally(failed.failure());
        }
      }
      return copies;
    } catch (RuntimeException e) {
      fetched.values().forEach(CachingSecretSource::wipe);
      copies.values().forEach(CachingSecretSource::wipe);
      throw e;
    } finally {
      ours.forEach(
          (key, flight) -> {
            // Of a key that wasn't answered, nobody may wait for ever.
            flight.completeExceptionally(unanswered(key));
            inFlight.remove(key, flight);
          });
    }
  }

  private static void wipe(SecretResult result) {
    if (result instanceof SecretResult.Fetched fetched) {
      fetched.value().close();
    }
  }

  /** One reads; the others wait for it, and share its value or its failure. */
  private Entry load(SecretReference key, SecretReference asked) {
    CompletableFuture<Entry> flight = new CompletableFuture<>();
    CompletableFuture<Entry> running = inFlight.putIfAbsent(key, flight);
    if (running != null) {
      try {
        return running.join();
      } catch (CompletionException e) {
        if (e.getCause() instanceof RuntimeException failure) {
          throw failure;
        }
        throw e;
      }
    }
    try {
      Entry entry = refresh(key, entries.get(key));
      flight.complete(entry);
      return entry;
    } catch (RuntimeException e) {
      flight.completeExceptionally(e);
      throw e;
    } finally {
      flight.completeExceptionally(unanswered(asked));
      inFlight.remove(key, flight);
    }
  }

  private Entry refresh(SecretReference key, @Nullable Entry old) {
    if (old != null && clock.millis() < old.freshUntil) {
      return old;
    }
    try {
      if (old != null && (isPinned(key) || isCurrent(key, old))) {
        Entry confirmed = entry(old.value);
        if (entries.replace(key, old, confirmed)) {
          return kept(key, confirmed);
        }
        // Evicted in between, and wiped.
      }
      return store(key, delegate.fetch(key));
    } catch (SecretException.Unavailable e) {
      if (old != null && clock.millis() < old.staleUntil) {
        long retry = clock.millis() + Math.min(ttlMillis, RETRY_WHILE_STALE.toMillis());
        Entry stale =
            new Entry(old.value, Math.min(retry, old.staleUntil), old.staleUntil, old.lastUsed);
        if (entries.replace(key, old, stale)) {
          return kept(key, stale);
        }
      }
      drop(key, old);
      throw e;
    } catch (SecretException e) {
      drop(key, old);
      throw e;
    }
  }

  private boolean isCurrent(SecretReference key, Entry old) {
    try {
      return delegate.currentVersion(key).equals(old.value.versionId());
    } catch (SecretException.AccessDenied e) {
      // A role may be allowed to read only; reading decides.
      return false;
    }
  }

  private Entry entry(SecretValue value) {
    long now = clock.millis();
    long freshUntil = sum(now, ttlMillis);
    return new Entry(value, freshUntil, sum(freshUntil, staleMillis), now);
  }

  /** Of what isn't negative, and at most what there is. */
  private static long sum(long time, long added) {
    return added > Long.MAX_VALUE - time ? Long.MAX_VALUE : time + added;
  }

  private static long millis(Duration duration) {
    Duration most = Duration.ofMillis(Long.MAX_VALUE);
    return duration.compareTo(most) > 0 ? Long.MAX_VALUE : duration.toMillis();
  }

  private Entry store(SecretReference key, SecretValue value) {
    Entry entry = entry(value);
    Entry replaced = entries.put(key, entry);
    if (replaced != null) {
      replaced.value.close();
    }
    // But for the new one: the caller, who hasn't got its copy yet, would read it for ever.
    wipeExpiredBut(entry);
    while (entries.size() > maximumEntries) {
      entries.entrySet().stream()
          .filter(other -> !other.getKey().equals(key))
          .min(Comparator.comparingLong(other -> other.getValue().lastUsed))
          .ifPresent(oldest -> drop(oldest.getKey(), oldest.getValue()));
    }
    return kept(key, entry);
  }

  /** Closing may have missed an entry that came into the map at the same time. */
  private Entry kept(SecretReference key, Entry entry) {
    if (closed.get()) {
      drop(key, entry);
      throw new IllegalStateException("the cache was closed");
    }
    return entry;
  }

  private void drop(SecretReference key, @Nullable Entry entry) {
    if (entry != null && entries.remove(key, entry)) {
      entry.value.close();
    }
  }

  private static boolean isPinned(SecretReference key) {
    return key.versionId() != null;
  }

  private static SecretException unanswered(SecretReference reference) {
    return new SecretException.Unavailable(
        reference, "the source gave no answer for " + reference.describe(), null);
  }

  /** A value that is kept; only the time of its last use changes. */
  private static final class Entry {

    private final SecretValue value;
    private final long freshUntil;
    private final long staleUntil;
    private volatile long lastUsed;

    Entry(SecretValue value, long freshUntil, long staleUntil, long lastUsed) {
      this.value = value;
      this.freshUntil = freshUntil;
      this.staleUntil = staleUntil;
      this.lastUsed = lastUsed;
    }

    @Nullable SecretValue copyIfOpen() {
      return value.copyIfOpen();
    }
  }

  /** Collects the options of a cache. Not thread-safe. */
  public static final class Builder {

    private final SecretSource delegate;
    private Duration ttl = Duration.ofMinutes(5);
    private Duration staleIfErrorFor = Duration.ofHours(1);
    private int maximumEntries = 1024;
    private Clock clock = Clock.systemUTC();

    private Builder(SecretSource delegate) {
      this.delegate = delegate;
    }

    /**
     * How long a value is served without a call; 5 minutes by default.
     *
     * @throws IllegalArgumentException if that is less than a millisecond
     */
    public Builder ttl(Duration duration) {
      if (duration.compareTo(Duration.ofMillis(1)) < 0) {
        throw new IllegalArgumentException("ttl must be a millisecond or more: " + duration);
      }
      this.ttl = duration;
      return this;
    }

    /**
     * How much longer a value is served while the source is unavailable; one hour by default, zero
     * for not at all.
     */
    public Builder staleIfErrorFor(Duration duration) {
      if (duration.isNegative()) {
        throw new IllegalArgumentException("staleIfErrorFor must not be negative: " + duration);
      }
      this.staleIfErrorFor = duration;
      return this;
    }

    /** How many values are kept at most; 1024 by default. */
    public Builder maximumEntries(int number) {
      if (number < 1) {
        throw new IllegalArgumentException("maximumEntries must be positive: " + number);
      }
      this.maximumEntries = number;
      return this;
    }

    /** The clock; the system's by default. */
    public Builder clock(Clock newClock) {
      this.clock = newClock;
      return this;
    }

    /** The cache, empty. */
    public CachingSecretSource build() {
      return new CachingSecretSource(this);
    }
  }
}
