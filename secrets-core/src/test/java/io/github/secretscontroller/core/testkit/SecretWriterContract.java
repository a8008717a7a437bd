package io.github.secretscontroller.core.testkit;

import static io.github.secretscontroller.core.testkit.SecretSourceContract.everyByte;
import static io.github.secretscontroller.core.testkit.SecretSourceContract.utf8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.SecretWriter;
import io.github.secretscontroller.core.WriteContext;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What every {@link SecretWriter} does; see {@link SecretSourceContract} for how to extend it. */
@DisplayName("A secret writer")
@SuppressWarnings("resource") // The backend closes its own writers and sources.
public abstract class SecretWriterContract {

  private final String object = "contract-" + UUID.randomUUID();

  /** The owner of all that a test writes. */
  protected final WriteContext context = WriteContext.of("test-cluster", "test-namespace", object);

  /** The writer under test; the same one for each call within a test. */
  protected abstract SecretWriter writer();

  /** The source that reads what {@link #writer} wrote. */
  protected abstract SecretSource source();

  /** A name that is valid in the backend and used by no other test. */
  protected String name() {
    return "contract/" + object;
  }

  /** Whether two writers that race can agree on one reference without a previous one to compare. */
  protected boolean hasNames() {
    return true;
  }

  @Nested
  @DisplayName("writes")
  class Write {

    @Test
    @DisplayName("text, and its reference reads it back exactly")
    void text() {
      assertReadsBack(utf8("p\u00e4ssword\n"));
    }

    @Test
    @DisplayName("bytes that are no text, and its reference reads them back exactly")
    void binary() {
      assertReadsBack(everyByte());
    }

    @Test
    @DisplayName("without changing or wiping the caller's array")
    void callersArray() {
      byte[] value = utf8("mine");
      writer().write(name(), value, context);
      assertThat(value).isEqualTo(utf8("mine"));
    }

    @Test
    @DisplayName("and its reference names the version written")
    void version() {
      SecretReference reference = writer().write(name(), utf8("v"), context);
      try (SecretValue value = source().fetch(reference)) {
        if (hasNames()) {
          assertThat(reference.versionId()).isEqualTo(value.versionId());
        }
        assertThat(SecretReference.parse(reference.toString())).isEqualTo(reference);
      }
    }

    private void assertReadsBack(byte[] bytes) {
      SecretReference reference = writer().write(name(), bytes, context);
      try (SecretValue value = source().fetch(reference)) {
        assertThat(value.revealBytes()).isEqualTo(bytes);
      }
    }
  }

  @Nested
  @DisplayName("is idempotent")
  class Idempotence {

    @Test
    @DisplayName("the same value again is the same reference")
    void sameValue() {
      SecretReference first = writer().write(name(), utf8("same"), context);
      SecretReference second = writer().write(name(), utf8("same"), context.replacing(first));
      assertThat(second).isEqualTo(first);
    }

    @Test
    @DisplayName("another value is another version, and the first value again is a third")
    void backAndForth() {
      SecretReference first = writer().write(name(), utf8("a"), context);
      SecretReference second = writer().write(name(), utf8("b"), context.replacing(first));
      SecretReference third = writer().write(name(), utf8("a"), context.replacing(second));
      assertThat(Set.of(first, second)).hasSize(2);
      assertThat(third).isNotEqualTo(second);
      try (SecretValue value = source().fetch(third)) {
        assertThat(value.revealBytes()).isEqualTo(utf8("a"));
      }
    }

    @Test
    @DisplayName("under writers that race with the same value")
    void racing() throws Exception {
      int racers = 4;
      SecretReference before = writer().write(name(), utf8("before"), context);
      CountDownLatch start = new CountDownLatch(1);
      ExecutorService threads = Executors.newFixedThreadPool(racers);
      try {
        List<Future<SecretReference>> writes = new ArrayList<>();
        for (int i = 0; i < racers; i++) {
          writes.add(
              threads.submit(
                  () -> {
                    start.await();
                    return writer().write(name(), utf8("after"), context.replacing(before));
                  }));
        }
        start.countDown();
        Set<SecretReference> references = new HashSet<>();
        for (Future<SecretReference> write : writes) {
          references.add(write.get());
        }
        if (hasNames()) {
          assertThat(references).hasSize(1);
        }
        for (SecretReference reference : references) {
          try (SecretValue value = source().fetch(reference)) {
            assertThat(value.revealBytes()).isEqualTo(utf8("after"));
          }
        }
      } finally {
        threads.shutdownNow();
      }
    }
  }

  @Nested
  @DisplayName("deletes")
  class Delete {

    @Test
    @DisplayName("so that writing the same name again works")
    void writeAgain() {
      SecretReference first = writer().write(name(), utf8("first life"), context);
      writer().delete(first, context);
      SecretReference second = writer().write(name(), utf8("second life"), context);
      try (SecretValue value = source().fetch(second)) {
        assertThat(value.revealBytes()).isEqualTo(utf8("second life"));
      }
    }

    @Test
    @DisplayName("what is deleted already without complaint")
    void twice() {
      SecretReference reference = writer().write(name(), utf8("gone"), context);
      writer().delete(reference, context);
      assertThatCode(() -> writer().delete(reference, context)).doesNotThrowAnyException();
    }
  }

  @Test
  @DisplayName("never shows a value")
  void printing() {
    SecretReference reference = writer().write(name(), utf8("canary-1d9e44"), context);
    assertThat(reference.toString()).doesNotContain("canary-1d9e44");
    assertThat(writer().toString()).doesNotContain("canary-1d9e44");
  }
}
