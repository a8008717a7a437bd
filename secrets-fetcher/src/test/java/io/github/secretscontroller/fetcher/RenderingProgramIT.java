package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starts the jar that ships, as a process of its own. */
@DisplayName("The fetcher's jar, where it renders,")
class RenderingProgramIT {

  private static final List<String> LIBRARIES_OF_FEW_PLANS =
      List.of(
          "io.burt.jmespath",
          "com.samskivert",
          "com.fasterxml.jackson.databind",
          "org.bouncycastle",
          "org.yaml",
          "sun.security.pkcs12",
          "java.security.KeyFactory");

  @TempDir Path directory;
  private Path secrets;
  private Path root;

  @BeforeEach
  void volume() throws IOException {
    secrets = Files.createDirectory(directory.resolve("secrets"));
    root = Files.createDirectory(directory.resolve("volume"));
  }

  /** The exit code, and what the program wrote to standard error. */
  private record Outcome(int exitCode, String err) {}

  private Outcome run(String files, String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"));
    command.addAll(List.of(options));
    command.addAll(List.of("-jar", System.getProperty("fetcher.jar"), "init"));
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().clear();
    builder
        .environment()
        .putAll(
            Map.of(
                "LC_ALL",
                "C.UTF-8",
                "SECRETS_ROOT",
                root.toString(),
                "SECRETS_SOURCE",
                "directory:" + secrets,
                "SECRETS_TERMINATION_LOG",
                directory.resolve("termination-log").toString(),
                "SECRETS_PLAN",
                "{\"version\":1,\"files\":[" + files + "]}"));
    Path err = directory.resolve("err");
    Process process =
        builder
            .redirectOutput(directory.resolve("out").toFile())
            .redirectError(err.toFile())
            .start();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the fetcher didn't end; it said " + Files.readString(err));
    }
    return new Outcome(process.exitValue(), Files.readString(err));
  }

  @Test
  @DisplayName("writes every format")
  void everyFormat() throws Exception {
    Files.writeString(secrets.resolve("db"), "{\"user\":\"ann\",\"port\":5432,\"on\":[\"no\"]}");
    TestAuthority authority = TestAuthority.root("root");
    Files.writeString(
        secrets.resolve("tls"), authority.traditionalKeyPem() + authority.certificatePem());

    Outcome outcome =
        run(
            String.join(
                ",",
                "{\"name\":\"db\",\"secret\":\"db\",\"path\":\"raw\"}",
                "{\"secret\":\"db#user\",\"path\":\"user\"}",
                "{\"secret\":\"db#length(on)\",\"path\":\"length\"}",
                "{\"secret\":\"db\",\"path\":\"db.json\",\"format\":\"json\"}",
                "{\"secret\":\"db\",\"path\":\"db.properties\",\"format\":\"properties\"}",
                "{\"secret\":\"db\",\"path\":\"db.env\",\"format\":\"dotenv\"}",
                "{\"secret\":\"db\",\"path\":\"db.yaml\",\"format\":\"yaml\"}",
                "{\"secret\":\"tls\",\"path\":\"tls.p12\",\"format\":\"pkcs12\"}",
                "{\"secret\":\"tls\",\"path\":\"tls.jks\",\"format\":\"jks\"}",
                "{\"secret\":\"db\",\"path\":\"keys\",\"keys\":[]}",
                "{\"path\":\"conf\",\"template\":\"{{db.user}}@{{#url}}{{db.on}}{{/url}}\"}"));

    assertThat(outcome.exitCode()).as(outcome.err()).isZero();
    assertThat(root.resolve("user")).hasContent("ann");
    assertThat(root.resolve("length")).hasContent("1");
    assertThat(root.resolve("db.json"))
        .hasContent("{\"user\":\"ann\",\"port\":5432,\"on\":[\"no\"]}");
    assertThat(root.resolve("db.env")).content().startsWith("user='ann'\nport='5432'\n");
    assertThat(root.resolve("db.yaml"))
        .hasContent("user: \"ann\"\nport: 5432\n\"on\":\n  - \"no\"\n");
    assertThat(root.resolve("keys/port")).hasContent("5432");
    assertThat(root.resolve("conf")).hasContent("ann@%5B%22no%22%5D");
    Properties properties = new Properties();
    try (InputStream file = new FileInputStream(root.resolve("db.properties").toFile())) {
      properties.load(file);
    }
    assertThat(properties).containsEntry("on", "[\"no\"]");
    for (String name : List.of("tls.p12", "tls.jks")) {
      KeyStore store = KeyStore.getInstance(root.resolve(name).toFile(), "changeit".toCharArray());
      assertThat(store.isKeyEntry("key")).isTrue();
    }
  }

  @Test
  @DisplayName("exits with 7 for a value that can't become its file, with 2 for a bad selector")
  void failures() throws Exception {
    Files.writeString(secrets.resolve("db"), "{\"user\":\"canary-55e1\"");

    Outcome unusable = run("{\"secret\":\"db#user\",\"path\":\"user\"}");
    assertThat(unusable.exitCode()).isEqualTo(7);
    assertThat(unusable.err().lines())
        .contains(
            "ERROR user: db#user isn't valid JSON at line 1, column 22; store a JSON document in"
                + " which no key comes twice");
    assertThat(unusable.err()).doesNotContain("canary-55e1");
    Outcome badPlan = run("{\"secret\":\"db#user[\",\"path\":\"user\"}");
    assertThat(badPlan.exitCode()).isEqualTo(2);
    assertThat(badPlan.err()).startsWith("ERROR user: db#user[: the selector: it is no JMESPath");
    assertThat(root).isEmptyDirectory();
  }

  @Test
  @DisplayName("loads no library that a plan of raw files and paths of keys doesn't need")
  void loadsLittle() throws Exception {
    Files.writeString(secrets.resolve("db"), "{\"user\":\"ann\"}");
    Path classes = directory.resolve("classes");
    String log = "-Xlog:class+load:file=" + classes;

    Outcome raw =
        run("{\"secret\":\"db\",\"path\":\"db\"},{\"secret\":\"db#user\",\"path\":\"u\"}", log);

    assertThat(raw.exitCode()).as(raw.err()).isZero();
    assertThat(loaded(classes)).contains("io.github.secretscontroller.fetcher.Renderer");
    for (String library : LIBRARIES_OF_FEW_PLANS) {
      assertThat(loaded(classes)).noneMatch(name -> name.startsWith(library));
    }

    // That the same look finds them where they are needed.
    run(
        "{\"name\":\"db\",\"secret\":\"db#keys(@)\",\"path\":\"db\"},{\"path\":\"t\",\"template\":\"x\"}",
        log);
    assertThat(loaded(classes))
        .anyMatch(name -> name.startsWith("io.burt.jmespath"))
        .anyMatch(name -> name.startsWith("com.samskivert"));
  }

  private static List<String> loaded(Path log) throws IOException {
    return Files.readAllLines(log).stream()
        .map(line -> line.replaceAll("^(\\[[^]]*])*\\s*", "").replaceAll(" source:.*", ""))
        .toList();
  }
}
