package io.github.secretscontroller.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.testkit.InMemorySecretSource;
import io.github.secretscontroller.core.testkit.SecretSourceContract;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

@DisplayName("Failover to another region")
class FailoverSecretSourceTest {

  private static final Instant MONDAY = Instant.parse("2026-01-05T00:00:00Z");
  private static final Instant TUESDAY = Instant.parse("2026-01-06T00:00:00Z");
  private static final SecretReference HOME =
      SecretReference.parse("arn:aws:secretsmanager:us-east-1:123456789012:secret:db-AbCdEf");
  private static final SecretReference AWAY =
      SecretReference.parse("arn:aws:secretsmanager:us-west-2:123456789012:secret:db-AbCdEf");

  private final Region primary = new Region();
  private final Region secondary = new Region();
  private final SecretSource source = new FailoverSecretSource(primary, secondary, "us-west-2");

  /** One region's secrets, each with one current version; versions have the ids that tests give. */
  private static final class Region implements SecretSource {

    private record Version(String id, @Nullable Instant createdAt) {}

    private final Map<SecretReference, Version> current = new HashMap<>();
    private @Nullable SecretException failure;

    void hold(SecretReference reference, String versionId, @Nullable Instant createdAt) {
      current.put(reference, new Version(versionId, createdAt));
    }

    void fail(@Nullable SecretException newFailure) {
      failure = newFailure;
    }

    @Override
    public SecretValue fetch(SecretReference reference) {
      Version version = find(reference);
      return new SecretValue(
          version.id().getBytes(UTF_8), reference, version.id(), Set.of(), version.createdAt());
    }

    @Override
    public String currentVersion(SecretReference reference) {
      return find(reference).id();
    }

    private Version find(SecretReference reference) {
      if (failure != null) {
        throw failure;
      }
      Version version = current.get(reference.withSelector(null));
      if (version == null) {
        throw new SecretException.NotFound(reference, "no " + reference, null);
      }
      return version;
    }
  }

  private static SecretException down() {
    return new SecretException.Unavailable(HOME, "us-east-1 is down", null);
  }

  private String read() {
    try (SecretValue value = source.fetch(HOME)) {
      return value.versionId() + " from " + value.origin().region().orElse("?");
    }
  }

  @Nested
  class AsSource extends SecretSourceContract {

    private final InMemorySecretSource first = new InMemorySecretSource();

    @Override
    protected SecretSource source() {
      return new FailoverSecretSource(first, new InMemorySecretSource(), "us-west-2");
    }

    @Override
    protected SecretReference store(String name, byte[] value) {
      return first.put(name, value);
    }
  }

  @Test
  @DisplayName("asks the primary first, and tells who answered")
  void primaryFirst() {
    primary.hold(HOME, "v1", MONDAY);
    secondary.hold(AWAY, "v1", MONDAY);
    assertThat(read()).isEqualTo("v1 from us-east-1");
    primary.fail(down());
    assertThat(read()).isEqualTo("v1 from us-west-2");
    primary.fail(null);
    assertThat(read()).isEqualTo("v1 from us-east-1");
  }

  @Test
  @DisplayName("asks the secondary when the primary throttles")
  void throttled() {
    primary.fail(new SecretException.Unavailable(HOME, "slow down", null, true));
    secondary.hold(AWAY, "v1", MONDAY);
    assertThat(read()).isEqualTo("v1 from us-west-2");
  }

  @Test
  @DisplayName("takes the primary's word for everything about the secret itself")
  void finalAnswers() {
    secondary.hold(AWAY, "v1", MONDAY);
    List<SecretException> finals =
        List.of(
            new SecretException.NotFound(HOME, "gone", null),
            new SecretException.AccessDenied(HOME, "no", null),
            new SecretException.InvalidRequest(HOME, "bad", null),
            new SecretException.Corrupt(HOME, "broken", null));
    for (SecretException failure : finals) {
      primary.fail(failure);
      assertThatThrownBy(() -> source.fetch(HOME)).isSameAs(failure);
      assertThatThrownBy(() -> source.currentVersion(HOME)).isSameAs(failure);
      assertThat(source.fetchAll(List.of(HOME)).get(HOME))
          .isEqualTo(new SecretResult.Failed(failure));
    }
  }

  @Test
  @DisplayName("leaves names and other schemes as they are")
  void names() {
    primary.fail(down());
    for (String text : List.of("db", "ssm:/db", "kms:AAAA")) {
      SecretReference reference = SecretReference.parse(text);
      secondary.hold(reference, "v1", MONDAY);
      try (SecretValue value = source.fetch(reference)) {
        assertThat(value.versionId()).isEqualTo("v1");
      }
    }
  }

  @Test
  @DisplayName("asks for the counterpart of a secret that has another name there")
  void counterpart() {
    SecretReference other = SecretReference.parse("west/db");
    secondary.hold(other, "v7", MONDAY);
    secondary.hold(other.withVersionStage("AWSPREVIOUS"), "v6", MONDAY);
    primary.fail(down());
    SecretSource named =
        new FailoverSecretSource(primary, secondary, "us-west-2", Map.of(HOME, other));

    assertThat(named.currentVersion(HOME)).isEqualTo("v7");
    try (SecretValue value = named.fetch(HOME.withSelector("password"))) {
      assertThat(value.versionId()).isEqualTo("v7");
    }
    SecretReference previous = HOME.withVersionStage("AWSPREVIOUS");
    SecretSource staged =
        new FailoverSecretSource(primary, secondary, "us-west-2", Map.of(previous, other));
    assertThat(staged.currentVersion(previous)).isEqualTo("v6");
  }

  @Test
  @DisplayName("tells both failures when both fail, as something to try again")
  void bothFail() {
    primary.fail(down());
    assertThatThrownBy(() -> source.fetch(HOME))
        .isInstanceOf(SecretException.Unavailable.class)
        .hasMessage("us-east-1 is down; and in us-west-2: no %s", AWAY);
    assertThatThrownBy(() -> source.currentVersion(HOME))
        .isInstanceOf(SecretException.Unavailable.class);
  }

  @Nested
  @DisplayName("to a replica that lags behind")
  class Lagging {

    @Test
    @DisplayName("never goes back to an older version")
    void older() {
      primary.hold(HOME, "v2", TUESDAY);
      secondary.hold(AWAY, "v1", MONDAY);
      read();
      primary.fail(down());
      assertThatThrownBy(() -> source.fetch(HOME))
          .isInstanceOf(SecretException.Unavailable.class)
          .hasMessage(
              "us-east-1 is down; and the replica in us-west-2 still has an older version than the"
                  + " one that was read before");
      assertThat(source.fetchAll(List.of(HOME)).get(HOME)).isInstanceOf(SecretResult.Failed.class);
    }

    @Test
    @DisplayName("nor to one that was replaced, where nobody tells creation times")
    void replaced() {
      primary.hold(HOME, "v1", null);
      secondary.hold(AWAY, "v1", null);
      read();
      primary.hold(HOME, "v2", null);
      read();
      primary.fail(down());
      assertThatThrownBy(() -> source.fetch(HOME)).isInstanceOf(SecretException.Unavailable.class);
      assertThat(source.currentVersion(HOME)).describedAs("no change").isEqualTo("v2");
    }

    @Test
    @DisplayName("nor tells an older version as a change, also when it never saw that before")
    void noFlapping() {
      primary.hold(HOME, "v2", TUESDAY);
      secondary.hold(AWAY, "v1", MONDAY);
      read();
      assertThat(source.currentVersion(HOME)).isEqualTo("v2");
      primary.fail(down());
      assertThat(source.currentVersion(HOME)).isEqualTo("v2");
      primary.fail(null);
      assertThat(source.currentVersion(HOME)).isEqualTo("v2");
    }

    @Test
    @DisplayName("nor when the newer version was only heard of")
    void heardOf() {
      primary.hold(HOME, "v1", MONDAY);
      secondary.hold(AWAY, "v1", MONDAY);
      read();
      primary.hold(HOME, "v2", TUESDAY);
      assertThat(source.currentVersion(HOME)).isEqualTo("v2");
      primary.fail(down());
      assertThat(source.currentVersion(HOME)).isEqualTo("v2");
      assertThatThrownBy(() -> source.fetch(HOME)).isInstanceOf(SecretException.Unavailable.class);
    }

    @Test
    @DisplayName("whichever way the current stage is spelt")
    void spelling() {
      primary.hold(HOME, "v2", TUESDAY);
      secondary.hold(AWAY.withVersionStage("AWSCURRENT"), "v1", MONDAY);
      read();
      primary.fail(down());
      assertThatThrownBy(() -> source.fetch(HOME.withVersionStage("AWSCURRENT")))
          .isInstanceOf(SecretException.Unavailable.class)
          .hasMessageContaining("still has an older version");
    }

    @Test
    @DisplayName("but takes a newer one")
    void newer() {
      primary.hold(HOME, "v1", MONDAY);
      secondary.hold(AWAY, "v2", TUESDAY);
      read();
      primary.fail(down());
      assertThat(source.currentVersion(HOME)).isEqualTo("v2");
      assertThat(read()).isEqualTo("v2 from us-west-2");
    }

    @Test
    @DisplayName("and takes the primary's word when a stage was moved back on purpose")
    void movedBack() {
      primary.hold(HOME, "v2", TUESDAY);
      read();
      primary.hold(HOME, "v1", MONDAY);
      assertThat(read()).isEqualTo("v1 from us-east-1");
      secondary.hold(AWAY, "v1", MONDAY);
      primary.fail(down());
      assertThat(read()).isEqualTo("v1 from us-west-2");
    }
  }

  @Test
  @DisplayName("answers both ARNs of one secret, each with a value of its own")
  void bothArns() {
    primary.fail(down());
    secondary.hold(AWAY, "v1", MONDAY);
    Map<SecretReference, SecretResult> results = source.fetchAll(List.of(HOME, AWAY));
    results.get(HOME).orThrow().close();
    try (SecretValue value = results.get(AWAY).orThrow()) {
      assertThat(value.hasContent("v1".getBytes(UTF_8))).isTrue();
    }
  }

  @Test
  @DisplayName("asks the secondary for those only that the primary couldn't answer")
  void fetchAll() {
    SecretReference missing =
        SecretReference.parse("arn:aws:secretsmanager:us-east-1:123456789012:secret:gone-AbCdEf");
    InMemorySecretSource home = new InMemorySecretSource();
    InMemorySecretSource away = new InMemorySecretSource();
    SecretSource both = new FailoverSecretSource(home, away, "us-west-2");
    home.put("ok", "home".getBytes(UTF_8));
    home.put("flaky", "home".getBytes(UTF_8));
    home.failWith("flaky", down());
    away.put("flaky", "away".getBytes(UTF_8));
    SecretReference ok = SecretReference.parse("ok");
    SecretReference flaky = SecretReference.parse("flaky");
    Map<SecretReference, SecretResult> results = both.fetchAll(List.of(flaky, missing, ok));
    assertThat(results.keySet()).containsExactly(flaky, missing, ok);
    assertThat(results.get(missing)).isInstanceOf(SecretResult.Failed.class);
    try (SecretValue value = results.get(flaky).orThrow()) {
      assertThat(value.hasContent("away".getBytes(UTF_8))).isTrue();
    }
    assertThat(away.calls()).containsExactly("fetch flaky");
  }
}
