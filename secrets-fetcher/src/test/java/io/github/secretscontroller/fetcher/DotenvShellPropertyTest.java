package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.core.SecretFile.Format;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** By the shells that there are: sh, and dash and bash under their own names. */
@Label("A dotenv file")
class DotenvShellPropertyTest {

  private static final ObjectMapper JACKSON = new ObjectMapper();

  @Property(tries = 30)
  @Label("gives a shell that sources it every variable, byte for byte, and runs nothing")
  void sourced(@ForAll("manyFields") List<Map<String, String>> secrets) throws Exception {
    for (String shell : shells()) {
      for (String locale : List.of("C", "C.UTF-8")) {
        assertThat(source(secrets, shell, locale)).as(shell + " in " + locale).isEqualTo(secrets);
      }
    }
  }

  private static List<String> shells() {
    List<String> shells = new ArrayList<>(List.of("/bin/sh"));
    Stream.of("/bin/dash", "/bin/bash", "/bin/busybox")
        .filter(path -> Files.isExecutable(Path.of(path)))
        .forEach(shells::add);
    return shells;
  }

  /** One child process for many files, each sourced in a subshell that then tells what it has. */
  private static List<Map<String, String>> source(
      List<Map<String, String>> secrets, String shell, String locale) throws Exception {
    Path directory = Files.createTempDirectory("dotenv");
    try {
      StringBuilder script = new StringBuilder("set -u\n");
      for (int i = 0; i < secrets.size(); i++) {
        Path file = directory.resolve(i + ".env");
        Files.write(file, Rendering.of(JACKSON.writeValueAsBytes(secrets.get(i)), Format.DOTENV));
        script.append("( . ").append(file).append(" || exit 1\n");
        for (String name : secrets.get(i).keySet()) {
          script.append("printf '%s\\0' \"$").append(name).append("\"\n");
        }
        script.append(") || exit 1\n");
      }
      Files.writeString(directory.resolve("script"), script);
      return told(run(directory, shell, locale), secrets);
    } finally {
      try (Stream<Path> walk = Files.walk(directory)) {
        for (Path path : walk.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  private static byte[] run(Path directory, String shell, String locale)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(shell));
    if (shell.endsWith("busybox")) {
      command.add("sh");
    }
    command.add(directory.resolve("script").toString());
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().clear();
    builder.environment().put("LC_ALL", locale);
    Path out = directory.resolve("out");
    Path err = directory.resolve("err");
    Process process = builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(err)).isZero();
    assertThat(err).isEmptyFile();
    try (Stream<Path> files = Files.list(directory)) {
      // A command that ran could have left something.
      assertThat(files.map(path -> path.getFileName().toString()))
          .allMatch(name -> name.matches("[0-9]+\\.env|script|out|err"));
    }
    return Files.readAllBytes(out);
  }

  private static List<Map<String, String>> told(byte[] out, List<Map<String, String>> secrets) {
    String[] values = new String(out, UTF_8).split("\0", -1);
    List<Map<String, String>> told = new ArrayList<>();
    int next = 0;
    for (Map<String, String> secret : secrets) {
      Map<String, String> fields = new TreeMap<>();
      for (String name : secret.keySet()) {
        fields.put(name, values[next++]);
      }
      told.add(fields);
    }
    assertThat(values).hasSize(next + 1);
    return told;
  }

  @Provide
  Arbitrary<List<Map<String, String>>> manyFields() {
    Arbitrary<String> texts =
        Arbitraries.oneOf(
            JsonArbitraries.texts(),
            Arbitraries.of("$(touch ran)", "`touch ran`", "'; touch ran; '"));
    return Arbitraries.maps(JsonArbitraries.shellNames(), texts)
        .ofMaxSize(4)
        .map(fields -> (Map<String, String>) new TreeMap<>(fields))
        .list()
        .ofSize(40);
  }
}
