package io.github.secretscontroller.core.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * What every {@link SecretSource} does. Extend it in a test of your backend, next to its own tests:
 *
 * <pre>{@code
 * class VaultSourceContractTest extends SecretSourceContract {
 *   protected SecretSource source() { ... }
 *   protected SecretReference store(String name, byte[] value) { ... }
 * }
 * }</pre>
 *
 * <p>Each test runs on an instance of its own, possibly at the same time as others, and uses names
 * that no other test uses.
 */
@DisplayName("A secret source")
@SuppressWarnings("resource") // The backend closes its own sources.
public abstract class SecretSourceContract {

  private final String unique = "contract/" + UUID.randomUUID() + "/";

  /** The source under test; the same one for each call within a test. */
  protected abstract SecretSource source();

  /**
   * Puts a value into the backend, by whatever means, so that it is the current version of the
   * secret of that name.
   *
   * @return a reference to the current version, whatever it will be then; a backend whose
   *     references hold the value itself returns another one each time
   */
  protected abstract SecretReference store(String name, byte[] value);

  /** Whether the backend holds any bytes, or only those that are text in UTF-8. */
  protected boolean holdsBytes() {
    return true;
  }

  /** A reference, well-formed for this backend, to a secret that doesn't exist. */
  protected SecretReference absent() {
    return new SecretReference(
        SecretReference.SECRETS_MANAGER, unique + "absent", null, null, null);
  }

  /** What {@link #absent} fails with; a backend without names may have no such thing as absence. */
  protected Class<? extends SecretException> failureOfAbsent() {
    return SecretException.NotFound.class;
  }

  @Nested
  @DisplayName("fetches")
  class Fetch {

    @Test
    @DisplayName("text exactly, without adding a newline")
    void text() {
      SecretReference reference = store(unique + "text", utf8("hunter2 \u00e4\u20ac\uD83D\uDD11"));
      try (SecretValue value = source().fetch(reference)) {
        assertThat(value.revealBytes()).isEqualTo(utf8("hunter2 \u00e4\u20ac\uD83D\uDD11"));
      }
    }

    @Test
    @DisplayName("every byte there is, in any order")
    void binary() {
      byte[] all = holdsBytes() ? everyByte() : utf8(everyCharacter());
      SecretReference reference = store(unique + "binary", all);
      try (SecretValue value = source().fetch(reference)) {
        assertThat(value.revealBytes()).isEqualTo(all);
      }
    }

    @Test
    @DisplayName("text that looks like something else, untouched")
    void lookalikes() {
      for (String text : List.of("aGVsbG8=", "{\"a\":1}", " \n", "null", "$(HOME) $$ %s")) {
        SecretReference reference = store(unique + "as-is", utf8(text));
        try (SecretValue value = source().fetch(reference)) {
          assertThat(value.revealBytes()).isEqualTo(utf8(text));
        }
      }
    }

    @Test
    @DisplayName("the newest value after the secret was replaced, as another version")
    void replaced() {
      SecretReference first = store(unique + "replaced", utf8("one"));
      try (SecretValue before = source().fetch(first)) {
        SecretReference second = store(unique + "replaced", utf8("two"));
        try (SecretValue after = source().fetch(second)) {
          assertThat(after.revealBytes()).isEqualTo(utf8("two"));
          assertThat(after.versionId()).isNotEqualTo(before.versionId());
        }
      }
    }

    @Test
    @DisplayName("the whole value whatever the selector says")
    void selectorIsIgnored() {
      SecretReference reference = store(unique + "json", utf8("{\"a\":\"b\"}"));
      try (SecretValue value = source().fetch(reference.withSelector("a"))) {
        assertThat(value.revealBytes()).isEqualTo(utf8("{\"a\":\"b\"}"));
      }
    }

    @Test
    @DisplayName("by the version id that it told, where it was told")
    void byVersionId() {
      SecretReference reference = store(unique + "pinned", utf8("pinned"));
      try (SecretValue current = source().fetch(reference);
          SecretValue pinned = source().fetch(reference.withVersionId(current.versionId()))) {
        assertThat(pinned.revealBytes()).isEqualTo(utf8("pinned"));
        assertThat(pinned.versionId()).isEqualTo(current.versionId());
      }
    }

    @Test
    @DisplayName("from many threads at once")
    void concurrently() throws Exception {
      SecretReference reference = store(unique + "shared", utf8("shared"));
      ExecutorService threads = Executors.newFixedThreadPool(8);
      try {
        List<Future<byte[]>> reads = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
          reads.add(
              threads.submit(
                  () -> {
                    try (SecretValue value = source().fetch(reference)) {
                      return value.revealBytes();
                    }
                  }));
        }
        for (Future<byte[]> read : reads) {
          assertThat(read.get()).isEqualTo(utf8("shared"));
        }
      } finally {
        threads.shutdownNow();
      }
    }
  }

  @Nested
  @DisplayName("when a secret doesn't exist")
  class Absent {

    @Test
    @DisplayName("says so, names the reference, and doesn't ask to try again")
    void fetch() {
      SecretReference reference = absent();
      SecretException failure =
          catchThrowableOfType(SecretException.class, () -> source().fetch(reference));
      assertThat(failure).isInstanceOf(failureOfAbsent());
      assertThat(failure.reference()).isEqualTo(reference);
      assertThat(failure.isRetryable()).isFalse();
      assertThat(failure).hasMessageContaining(reference.name());
    }

    @Test
    @DisplayName("has no current version either")
    void currentVersion() {
      assertThatThrownBy(() -> source().currentVersion(absent())).isInstanceOf(failureOfAbsent());
    }
  }

  @Nested
  @DisplayName("fetches many")
  class FetchAll {

    @Test
    @DisplayName("with a result for each, in the order asked for")
    void order() {
      SecretReference a = store(unique + "a", utf8("1"));
      SecretReference b = store(unique + "b", utf8("2"));
      SecretReference c = store(unique + "c", utf8("3"));
      Map<SecretReference, SecretResult> results = source().fetchAll(List.of(c, a, b));
      assertThat(results.keySet()).containsExactly(c, a, b);
      assertThat(content(results.get(c))).isEqualTo("3");
      assertThat(content(results.get(a))).isEqualTo("1");
      assertThat(content(results.get(b))).isEqualTo("2");
    }

    @Test
    @DisplayName("and one that fails hides none of the others")
    void oneFails() {
      SecretReference good = store(unique + "good", utf8("good"));
      SecretReference bad = absent();
      Map<SecretReference, SecretResult> results = source().fetchAll(List.of(bad, good));
      assertThat(content(results.get(good))).isEqualTo("good");
      assertThat(results.get(bad)).isInstanceOf(SecretResult.Failed.class);
      assertThatThrownBy(() -> results.get(bad).orThrow()).isInstanceOf(failureOfAbsent());
    }

    @Test
    @DisplayName("and gives references that differ in their selector values of their own")
    void selectors() {
      SecretReference whole = store(unique + "doc", utf8("{\"a\":1,\"b\":2}"));
      SecretReference a = whole.withSelector("a");
      SecretReference b = whole.withSelector("b");
      Map<SecretReference, SecretResult> results = source().fetchAll(List.of(a, b));
      results.get(a).orThrow().close();
      assertThat(content(results.get(b))).isEqualTo("{\"a\":1,\"b\":2}");
    }

    @Test
    @DisplayName("and answers nothing for nothing, and once for a reference given twice")
    void degenerate() {
      assertThat(source().fetchAll(List.of())).isEmpty();
      SecretReference twice = store(unique + "twice", utf8("x"));
      assertThat(source().fetchAll(List.of(twice, twice))).containsOnlyKeys(twice);
    }
  }

  @Nested
  @DisplayName("tells the current version")
  class CurrentVersion {

    @Test
    @DisplayName("as the one that fetching returns")
    void same() {
      SecretReference reference = store(unique + "version", utf8("v"));
      try (SecretValue value = source().fetch(reference)) {
        assertThat(source().currentVersion(reference)).isEqualTo(value.versionId());
      }
    }

    @Test
    @DisplayName("which stays while nothing changes, and moves when the secret does")
    void moves() {
      SecretReference first = store(unique + "moving", utf8("1"));
      String before = source().currentVersion(first);
      assertThat(source().currentVersion(first)).isEqualTo(before);
      SecretReference second = store(unique + "moving", utf8("2"));
      assertThat(source().currentVersion(second)).isNotEqualTo(before);
    }
  }

  @Nested
  @DisplayName("keeps a secret secret")
  class Secrecy {

    private static final String CANARY = "canary-7f3a91c2";

    @Test
    @DisplayName("in what its values and results print")
    void printing() {
      SecretReference reference = store(unique + "canary", utf8(CANARY));
      Map<SecretReference, SecretResult> results = source().fetchAll(List.of(reference));
      assertThat(results.toString()).doesNotContain(CANARY);
      try (SecretValue value = source().fetch(reference)) {
        assertThat(value.toString()).doesNotContain(CANARY).contains(value.versionId());
      }
      assertThat(source().toString()).doesNotContain(CANARY);
    }

    @Test
    @DisplayName("and wipes a value that is closed, without touching another")
    void closing() {
      SecretReference reference = store(unique + "closed", utf8(CANARY));
      SecretValue closed = source().fetch(reference);
      SecretValue open = source().fetch(reference);
      closed.close();
      assertThatThrownBy(closed::revealBytes).isInstanceOf(IllegalStateException.class);
      assertThat(open.revealBytes()).isEqualTo(utf8(CANARY));
      open.close();
      assertThatCode(open::close).doesNotThrowAnyException();
    }
  }

  private static String content(SecretResult result) {
    try (SecretValue value = result.orThrow()) {
      return new String(value.revealBytes(), StandardCharsets.UTF_8);
    }
  }

  static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** Characters of one, two and three bytes. */
  private static String everyCharacter() {
    StringBuilder text = new StringBuilder();
    for (char c = ' '; c < 0x1000; c++) {
      text.append(c);
    }
    return text.toString();
  }

  static byte[] everyByte() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    return all;
  }
}
