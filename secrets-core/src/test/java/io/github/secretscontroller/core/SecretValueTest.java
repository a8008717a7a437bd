package io.github.secretscontroller.core;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.Serializable;
import java.lang.reflect.Field;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("A secret value")
class SecretValueTest {

  private static final SecretReference ORIGIN = SecretReference.parse("prod/db");

  private static SecretValue value(String text) {
    return new SecretValue(text.getBytes(UTF_8), ORIGIN, "v1", Set.of("AWSCURRENT"), null);
  }

  @Test
  @DisplayName("doesn't change when the array that it came from, or that it gave out, does")
  void copies() {
    byte[] array = "secret".getBytes(UTF_8);
    try (SecretValue value = new SecretValue(array, ORIGIN, "v1", Set.of(), null)) {
      array[0] = 'X';
      value.revealBytes()[1] = 'X';
      assertThat(value.revealBytes()).isEqualTo("secret".getBytes(UTF_8));
    }
  }

  @Test
  @DisplayName("overwrites its bytes when closed, and can't be read from then on")
  void wiped() throws Exception {
    SecretValue value = value("secret");
    Field bytes = SecretValue.class.getDeclaredField("bytes");
    bytes.setAccessible(true);
    byte[] held = (byte[]) bytes.get(value);
    value.close();
    value.close();
    assertThat(held).containsOnly(0);
    assertThatThrownBy(value::revealBytes)
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the secret value of prod/db was closed");
    assertThatThrownBy(() -> value.revealTo(new ByteArrayOutputStream()))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> value.hasContent(new byte[0]))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(value::copy).isInstanceOf(IllegalStateException.class);
    assertThat(value.size()).isEqualTo(6);
  }

  @Test
  @DisplayName("gives copies that live on when it is closed")
  void independentCopy() {
    SecretValue original = value("secret");
    try (SecretValue copy = original.copy()) {
      original.close();
      assertThat(copy.hasContent("secret".getBytes(UTF_8))).isTrue();
      assertThat(copy.versionId()).isEqualTo("v1");
      assertThat(copy.versionStages()).containsExactly("AWSCURRENT");
    }
  }

  @Test
  @DisplayName("shows size, origin and version, and nothing of its content")
  void printing() {
    try (SecretValue value = value("secret-canary")) {
      assertThat(value).hasToString("SecretValue[13 bytes of prod/db, version v1]");
      assertThat(String.format("%s", value)).doesNotContain("canary");
    }
  }

  @Test
  @DisplayName("can't be compared, serialised or turned into JSON by accident")
  void noAccidents() {
    try (SecretValue value = value("secret-canary");
        SecretValue same = value("secret-canary")) {
      assertThat(value).isNotEqualTo(same).isNotInstanceOf(Serializable.class);
      assertThatThrownBy(() -> new ObjectMapper().writeValueAsString(value))
          .hasMessageContaining("no properties discovered")
          .hasMessageNotContaining("canary");
    }
  }

  @Test
  @DisplayName("writes its content to a stream")
  void revealTo() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (SecretValue value = value("secret")) {
      value.revealTo(out);
    }
    assertThat(out.toByteArray()).isEqualTo("secret".getBytes(UTF_8));
  }

  @Test
  @DisplayName("needs a version id")
  void versionId() {
    assertThatThrownBy(() -> new SecretValue(new byte[0], ORIGIN, "", Set.of(), null))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("the version id is empty");
  }
}
