package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A secret buffer")
class SecretBufferTest {

  @Test
  @DisplayName("writes UTF-8 as the JDK does, for every code point")
  void everyCodePoint() throws Exception {
    StringBuilder all = new StringBuilder();
    for (int point = 0; point <= Character.MAX_CODE_POINT; point++) {
      if (point < 0xD800 || point > 0xDFFF) {
        all.appendCodePoint(point);
      }
    }
    try (SecretBuffer buffer = new SecretBuffer()) {
      assertThat(buffer.text(all).take()).isEqualTo(all.toString().getBytes(UTF_8));
    }
  }

  @Test
  @DisplayName("takes bytes one by one and many at once, and gives them away once")
  void bytes() throws Exception {
    try (SecretBuffer buffer = new SecretBuffer()) {
      byte[] many = new byte[5000];
      many[4999] = 7;
      buffer.write(1);
      buffer.write(many);

      assertThat(buffer.size()).isEqualTo(5001);
      assertThat(buffer.take()).hasSize(5001).startsWith(1, 0).endsWith(7);
      assertThat(buffer.take()).isEmpty();
    }
  }

  @Test
  @DisplayName("refuses half of a surrogate pair")
  void half() {
    try (SecretBuffer buffer = new SecretBuffer()) {
      for (String text : new String[] {"\ud800", "\udc00", "\ud800x", "\udc00\ud800"}) {
        assertThatThrownBy(() -> buffer.text(text)).isInstanceOf(Unusable.class);
      }
    }
  }
}
