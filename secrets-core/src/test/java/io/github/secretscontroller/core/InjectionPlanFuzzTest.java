package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.DisplayName;

/** Runs on the seeds only, unless started by {@code .ci/fuzz}. */
@DisplayName("Whatever a pod's environment holds as its plan,")
class InjectionPlanFuzzTest {

  @FuzzTest(maxDuration = "10s")
  @DisplayName("it is refused in a sentence, or is the plan that is written the same way again")
  void parse(byte[] json) {
    InjectionPlan plan;
    try {
      plan = InjectionPlan.parse(new String(json, StandardCharsets.UTF_8));
    } catch (IllegalArgumentException e) {
      assertThat(e.getMessage()).isNotBlank();
      return;
    }
    assertThat(InjectionPlan.parse(plan.toJson())).isEqualTo(plan);
  }
}
