package io.github.secretscontroller.example;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("docs/extending.md")
class ExtendingDocTest {

  private static final Path DOCS = Path.of("..", "docs", "extending.md");

  @ParameterizedTest
  @ValueSource(strings = {"ProxyMutator.java", "ProxyMutatorContractTest.java"})
  @DisplayName("quotes classes that are compiled and tested, to the letter")
  void quotes(String file) throws IOException {
    Path source = Path.of("src/test/java/io/github/secretscontroller/example", file);
    assertThat(Files.readString(DOCS)).contains("```java\n" + Files.readString(source) + "```\n");
  }
}
