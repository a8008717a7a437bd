package io.github.secretscontroller.samples.jdk;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/** What would be left of values where they must not be: their bytes, or these as base64. */
final class Traces {

  /** So much of a value is looked for: enough that chance makes none of it. */
  private static final int LENGTH = 24;

  private final List<String> traces = new ArrayList<>();

  Traces(byte[]... values) {
    for (byte[] value : values) {
      int length = Math.min(value.length, LENGTH);
      assertThat(length).as("a value that isn't found anywhere by chance").isGreaterThan(11);
      traces.add(new String(value, 0, length, ISO_8859_1));
      // The three ways in which base64 can cut it.
      for (int offset = 0; offset < 3; offset++) {
        int end = offset + (length - offset) / 3 * 3;
        traces.add(Base64.getEncoder().encodeToString(Arrays.copyOfRange(value, offset, end)));
      }
    }
  }

  /** Where there is text, as ISO 8859-1 if it is none. */
  void assertNoneIn(String where, String text) {
    assertThat(text).as(where).isNotEmpty().doesNotContain(traces);
  }
}
