package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A build id")
class BuildIdTest {

  private static final String ID = "503a92d2b5eb5c74ba9e7d4d4363aca9";

  @TempDir private Path directory;

  @Test
  @DisplayName("is none outside of an image, where any jar will do")
  void noneOutsideOfAnImage() {
    assertThat(BuildId.ofCode()).isEqualTo("none");
    assertThatCode(() -> BuildId.requireSameJar("none", "no such file")).doesNotThrowAnyException();
  }

  @Test
  @DisplayName("is the comment of the image's jar")
  void commentOfTheJar() throws IOException {
    String jar = jar(ID);
    assertThatCode(() -> BuildId.requireSameJar(ID, jar)).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @DisplayName("that differs from the jar's stops the program, in words that name both")
  @ValueSource(strings = {"ffffffffffffffffffffffffffffffff", "another comment", ""})
  void differs(String comment) throws IOException {
    String jar = jar(comment);
    assertThatExceptionOfType(FetchFailure.class)
        .isThrownBy(() -> BuildId.requireSameJar(ID, jar))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ExitCode.INTERNAL))
        .withMessageContainingAll("build " + ID, jar, "build the image anew");
  }

  @Test
  @DisplayName("isn't found in a jar that is gone")
  void noJar() {
    assertThatExceptionOfType(FetchFailure.class)
        .isThrownBy(() -> BuildId.requireSameJar(ID, directory.resolve("gone.jar").toString()))
        .withMessageContaining("of build none");
  }

  private String jar(String comment) throws IOException {
    Path jar = directory.resolve("fetcher.jar");
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(jar))) {
      zip.setComment(comment);
      zip.putNextEntry(new ZipEntry("entry"));
      zip.closeEntry();
    }
    return jar.toString();
  }
}
