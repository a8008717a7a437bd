package io.github.secretscontroller.admission;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.util.Arrays;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.IntRange;

@Label("The admission handler")
class AdmissionHandlerPropertiesTest {

  private static final String REVIEW = "pod-of-deployment-create";
  private static final AdmissionHandler HANDLER = Pods.handler();
  private static final ObjectReader JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).build().reader();

  @Property(tries = 500)
  @Label("never throws, wherever a recorded request is damaged")
  void damaged(@ForAll @IntRange(max = 3000) int position, @ForAll byte replacement) {
    byte[] body = Pods.recorded(REVIEW);
    body[position] = replacement;
    assertThat(HANDLER.handle(body).httpStatus()).isIn(200, 400);
  }

  @Property(tries = 1000)
  @Label("calls the same damaged requests JSON as Jackson does, but for escapes in skipped strings")
  void sameGrammar(
      @ForAll @IntRange(max = 2440) int position,
      @ForAll @CharRange(from = 0, to = 127) char replacement) {
    byte[] body = Pods.recorded("pod-unannotated-create");
    body[position] = (byte) replacement;
    AdmissionReply reply = HANDLER.handle(body);
    boolean escape = replacement == '\\' || body[Math.max(0, position - 1)] == '\\';
    if (isJson(body)) {
      assertThat(new String(reply.body(), UTF_8)).doesNotContain("is not valid JSON");
    } else if (!escape) {
      assertThat(reply.httpStatus()).isEqualTo(400);
    }
  }

  private static boolean isJson(byte[] body) {
    try {
      JSON.readTree(body);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Property(tries = 100)
  @Label("never throws, wherever a recorded request is cut off")
  void cutOff(@ForAll @IntRange(max = 3000) int length) {
    byte[] body = Arrays.copyOf(Pods.recorded(REVIEW), length);
    assertThat(HANDLER.handle(body).httpStatus()).isEqualTo(400);
  }
}
