package io.github.secretscontroller.core.testkit;

import static io.github.secretscontroller.core.testkit.SecretSourceContract.everyByte;
import static io.github.secretscontroller.core.testkit.SecretSourceContract.utf8;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.WriteContext;
import java.time.Instant;
import java.util.UUID;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * What every {@link StagingSecretWriter} does besides {@link SecretWriterContract}; see {@link
 * SecretSourceContract} for how to extend it.
 */
@DisplayName("A staging secret writer")
@SuppressWarnings("resource") // The backend closes its own writers and sources.
public abstract class StagingSecretWriterContract {

  private static final Instant NOON = Instant.parse("2026-01-02T12:00:00Z");

  private final String object = "staging-" + UUID.randomUUID();

  /** The owner of all that a test writes. */
  protected final WriteContext context = WriteContext.of("test-cluster", "test-namespace", object);

  /** The writer under test; the same one for each call within a test. */
  protected abstract StagingSecretWriter writer();

  /** The source that reads what {@link #writer} wrote. */
  protected abstract SecretSource source();

  /** A name that is valid in the backend and used by no other test. */
  protected String name() {
    return "contract/" + object;
  }

  /** Whether values are stored under names, and not in the references themselves. */
  protected boolean hasNames() {
    return true;
  }

  /** Makes another value current, as somebody else would. */
  protected void rotate(SecretReference reference, byte[] value) {
    writer().write(name(), value, context);
  }

  private SecretReference stage(String value, SecretReference previous) {
    return writer().stage(name(), utf8(value), context.replacing(previous));
  }

  private String read(SecretReference reference) {
    try (SecretValue value = source().fetch(reference)) {
      return new String(value.revealBytes(), UTF_8);
    }
  }

  private String current(SecretReference reference) {
    return read(reference.withVersionId(null));
  }

  @Nested
  @DisplayName("stages")
  class Stage {

    @Test
    @DisplayName("any bytes, and the reference reads them back exactly")
    void binary() {
      SecretReference reference = writer().stage(name(), everyByte(), context);
      try (SecretValue value = source().fetch(reference)) {
        assertThat(value.revealBytes()).isEqualTo(everyByte());
      }
    }

    @Test
    @DisplayName("a version that its reference reads, while the current one stays what it was")
    void keepsCurrent() {
      SecretReference first = stage("one", null);
      SecretReference second = stage("two", first);
      assertThat(read(first)).isEqualTo("one");
      assertThat(read(second)).isEqualTo("two");
      if (hasNames()) {
        assertThat(current(second)).isEqualTo("one");
      }
    }

    @Test
    @DisplayName("nothing for a value that the previous reference holds")
    void unchanged() {
      SecretReference first = stage("same", null);
      SecretReference second = stage("other", first);
      assertThat(stage("same", first)).isEqualTo(first);
      assertThat(stage("other", second)).isEqualTo(second);
    }

    @Test
    @DisplayName("one version when it is repeated after a lost answer")
    void lostAnswer() {
      assumeThat(hasNames()).isTrue();
      SecretReference first = stage("one", null);
      assertThat(stage("one", null)).isEqualTo(first);
      SecretReference second = stage("two", first);
      assertThat(stage("two", first)).isEqualTo(second);
    }

    @Test
    @DisplayName("another version of a value that was replaced in between")
    void backAndForth() {
      SecretReference first = stage("a", null);
      SecretReference second = stage("b", first);
      writer().promote(second, context);
      SecretReference third = stage("a", second);
      assertThat(read(third)).isEqualTo("a");
      assertThat(third).isNotEqualTo(second);
    }

    @Test
    @DisplayName("nothing over what belongs to somebody else")
    void foreign() {
      assumeThat(hasNames()).isTrue();
      stage("theirs", null);
      WriteContext other = WriteContext.of("other-cluster", "test-namespace", object);
      assertThatThrownBy(() -> writer().stage(name(), utf8("ours"), other))
          .isInstanceOf(SecretException.InvalidRequest.class)
          .hasMessageContaining("belongs to");
    }
  }

  @Nested
  @DisplayName("finds")
  class Find {

    @Test
    @DisplayName("the reference of a value that needn't be written, and writes nothing")
    void unchanged() {
      assertThat(writer().find(name(), utf8("same"), context)).isEmpty();
      SecretReference first = stage("same", null);
      assertThat(writer().find(name(), utf8("same"), context.replacing(first))).contains(first);
      assertThat(writer().find(name(), utf8("other"), context.replacing(first))).isEmpty();
      if (hasNames()) {
        assertThat(current(first)).isEqualTo("same");
      }
    }
  }

  @Nested
  @DisplayName("promotes")
  class Promote {

    @Test
    @DisplayName("what was staged, and what is promoted already without complaint")
    void promote() {
      SecretReference second = stage("two", stage("one", null));
      writer().promote(second, context);
      writer().promote(second, context);
      assertThat(read(second)).isEqualTo("two");
      if (hasNames()) {
        assertThat(current(second)).isEqualTo("two");
      }
    }

    @Test
    @DisplayName("nothing that was promoted before, when something else was made current since")
    void rotated() {
      assumeThat(hasNames()).isTrue();
      SecretReference first = stage("one", null);
      writer().promote(first, context);
      rotate(first, utf8("rotated"));
      writer().promote(first, context);
      assertThat(current(first)).isEqualTo("rotated");
    }

    @Test
    @DisplayName("nothing that was current from the start, when something else is current since")
    void rotatedBefore() {
      assumeThat(hasNames()).isTrue();
      SecretReference first = stage("one", null);
      rotate(first, utf8("rotated"));
      writer().promote(first, context);
      assertThat(current(first)).isEqualTo("rotated");
      SecretReference second = stage("two", first);
      writer().promote(second, context);
      assertThat(current(second)).isEqualTo("two");
    }

    @Test
    @DisplayName("what the object refers to, when a later version was rejected")
    void laterRejected() {
      assumeThat(hasNames()).isTrue();
      SecretReference second = stage("two", stage("one", null));
      stage("rejected", second);
      writer().promote(second, context);
      assertThat(current(second)).isEqualTo("two");
    }
  }

  @Nested
  @DisplayName("owns")
  class Owns {

    @Test
    @DisplayName("what was written for the owner, and nothing else")
    void owner() {
      SecretReference reference = stage("x", null);
      assertThat(writer().owns(reference, context)).isTrue();
      assertThat(writer().owns(reference, WriteContext.of("c", "test-namespace", object)))
          .isFalse();
      assertThat(writer().owns(reference, WriteContext.of("test-cluster", "n", object))).isFalse();
      assertThat(writer().owns(reference, WriteContext.of("test-cluster", "test-namespace", "o")))
          .isFalse();
    }

    @Test
    @DisplayName("no version that isn't there")
    void version() {
      SecretReference reference = stage("x", null);
      assertThat(writer().owns(reference.withVersionId(UUID.randomUUID().toString()), context))
          .isFalse();
    }

    @Test
    @DisplayName("what is scheduled for deletion, and restores it")
    void restores() {
      SecretReference reference = stage("x", null);
      writer().delete(reference, context);
      assertThat(writer().owns(reference, context)).isTrue();
      writer().restore(reference, context);
      assertThat(read(reference)).isEqualTo("x");
    }
  }

  @Nested
  @DisplayName("keeps an inventory")
  class Inventory {

    private StagingSecretWriter.Written mine() {
      return writer().inventory("test-cluster").stream()
          .filter(written -> written.owner().equals(context))
          .findFirst()
          .orElseThrow();
    }

    @Test
    @DisplayName("of what was written for a cluster, with what is marked or deleted")
    void inventory() {
      assumeThat(hasNames()).isTrue();
      SecretReference reference = stage("x", null);
      assertThat(mine().reference()).isEqualTo(reference.withVersionId(null));
      assertThat(mine().markedAt()).isNull();
      assertThat(mine().scheduledForDeletion()).isFalse();
      assertThat(writer().inventory("other-cluster"))
          .noneMatch(written -> written.owner().name().equals(object));

      writer().markDeleted(reference, context, NOON);
      assertThat(mine().markedAt()).isEqualTo(NOON);
      stage("x", reference);
      assertThat(mine().markedAt()).isNull();

      writer().markDeleted(reference, context, NOON);
      writer().restore(reference, context);
      assertThat(mine().markedAt()).isNull();

      writer().delete(reference, context);
      assertThat(mine().scheduledForDeletion()).isTrue();
      stage("y", null);
      assertThat(mine().scheduledForDeletion()).isFalse();
    }
  }

  @Test
  @DisplayName("tells how much it takes")
  void limit() {
    assertThat(writer().maxValueBytes()).isPositive();
  }
}
