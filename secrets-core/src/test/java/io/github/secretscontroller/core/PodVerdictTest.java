package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A mutator's verdict")
class PodVerdictTest {

  @ParameterizedTest
  @ValueSource(strings = {"plan-digest", "a", "A_b.9"})
  @DisplayName("takes audit annotations that the API server takes")
  void auditKeys(String key) {
    assertThat(new PodVerdict.Allowed(List.of(), Map.of(key, "x")).auditAnnotations())
        .containsKey(key);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a/b", "-a", "a.", "a b", "\u00e4", "a\n"})
  @DisplayName("takes none that the API server would drop")
  void badAuditKeys(String key) {
    assertThatThrownBy(() -> new PodVerdict.Allowed(List.of(), Map.of(key, "x")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("audit annotation");
    assertThatThrownBy(() -> new PodVerdict.Allowed(List.of(), Map.of("a".repeat(64), "x")))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
