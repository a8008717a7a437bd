package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

@Label("The admission handler")
class AdmissionHandlerPropertiesTest {

  private static final String REVIEW = "pod-of-deployment-create";

  @Property(tries = 500)
  @Label("never throws, wherever a recorded request is damaged")
  void damaged(@ForAll @IntRange(max = 3000) int position, @ForAll byte replacement) {
    byte[] body = Pods.recorded(REVIEW);
    body[position] = replacement;
    assertThat(Pods.handler().handle(body).httpStatus()).isIn(200, 400);
  }

  @Property(tries = 100)
  @Label("never throws, wherever a recorded request is cut off")
  void cutOff(@ForAll @IntRange(max = 3000) int length) {
    byte[] body = Arrays.copyOf(Pods.recorded(REVIEW), length);
    assertThat(Pods.handler().handle(body).httpStatus()).isEqualTo(400);
  }
}
