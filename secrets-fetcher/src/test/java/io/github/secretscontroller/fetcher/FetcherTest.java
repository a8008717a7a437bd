package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The fetcher")
class FetcherTest {

  private static final String CANARY = "canary-3a1f-value";

  @TempDir Path directory;
  private Path root;
  private Path terminationLog;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @BeforeEach
  void volume() throws IOException {
    root = Files.createDirectory(directory.resolve("volume"));
    terminationLog = directory.resolve("termination-log");
  }

  private ExitCode run(Map<String, String> variables, SecretSource source, String... arguments) {
    return run(variables, (plan, environment) -> source, arguments);
  }

  private ExitCode run(
      Map<String, String> variables, Fetcher.Backend sources, String... arguments) {
    Map<String, String> environment = new HashMap<>(variables);
    environment.put("SECRETS_ROOT", root.toString());
    environment.put("SECRETS_TERMINATION_LOG", terminationLog.toString());
    return new Fetcher(
            environment,
            sources,
            new PrintStream(out, true, UTF_8),
            new PrintStream(err, true, UTF_8),
            new Stopper())
        .run(arguments);
  }

  private static Map<String, String> plan(String... files) {
    return Map.of("SECRETS_PLAN", "{\"version\":1,\"files\":[" + String.join(",", files) + "]}");
  }

  private static String file(String secret, String path) {
    return "{\"secret\":\"" + secret + "\",\"path\":\"" + path + "\"}";
  }

  private static String optional(String secret, String path) {
    return "{\"secret\":\"" + secret + "\",\"path\":\"" + path + "\",\"optional\":true}";
  }

  /** Answers each reference by what its name says. */
  private static final class ScriptedSource implements SecretSource {

    private final List<SecretValue> handedOut = new ArrayList<>();
    private boolean closed;

    @Override
    public SecretValue fetch(SecretReference reference) {
      String what = "cannot read " + reference.describe();
      switch (reference.name()) {
        case "missing" -> throw new SecretException.NotFound(reference, what, null);
        case "denied" -> throw new SecretException.AccessDenied(reference, what, null);
        case "invalid" -> throw new SecretException.InvalidRequest(reference, what, null);
        case "down" -> throw new SecretException.Unavailable(reference, what, null);
        case "corrupt" -> throw new SecretException.Corrupt(reference, what, null);
        case "defect" -> throw new IllegalStateException("oops " + CANARY);
        default -> {
          SecretValue value =
              new SecretValue(CANARY.getBytes(UTF_8), reference, "v1", Set.of("AWSCURRENT"), null);
          handedOut.add(value);
          return value;
        }
      }
    }

    @Override
    public String currentVersion(SecretReference reference) {
      return "v1";
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private final ScriptedSource source = new ScriptedSource();

  @Nested
  @DisplayName("with a good plan")
  class Good {

    @Test
    @DisplayName("publishes all files, tells versions, and exits with 0")
    void success() {
      ExitCode code = run(plan(file("db", "db/password"), file("key", "key")), source);

      assertThat(code).isEqualTo(ExitCode.SUCCESS);
      assertThat(root.resolve("db/password")).hasContent(CANARY);
      assertThat(root.resolve("key")).hasContent(CANARY);
      assertThat(err.toString(UTF_8)).contains("INFO db/password: db, version v1");
      assertThat(terminationLog).hasContent("published 2 of 2 files in " + root + "\n");
    }

    @Test
    @DisplayName("wipes what it fetched, and closes the source")
    void wipes() {
      run(plan(file("db", "db"), file("missing", "missing")), source);

      assertThat(source.closed).isTrue();
      assertThat(source.handedOut)
          .hasSize(1)
          .allSatisfy(
              value ->
                  assertThat(catchThrowable(value::revealBytes))
                      .isInstanceOf(IllegalStateException.class));
    }

    @Test
    @DisplayName("leaves out an optional secret that doesn't exist")
    void optionalMissing() {
      ExitCode code = run(plan(optional("missing", "maybe"), file("db", "db")), source);

      assertThat(code).isEqualTo(ExitCode.SUCCESS);
      assertThat(root.resolve("maybe")).doesNotExist();
      assertThat(root.resolve("db")).exists();
      assertThat(err.toString(UTF_8)).contains("maybe: left out, as it is optional");
    }

    @Test
    @DisplayName("reads one secret once for many files")
    void oneRead() {
      run(plan(file("db", "a"), file("db", "b")), source);

      assertThat(source.handedOut).hasSize(1);
      assertThat(root.resolve("b")).hasContent(CANARY);
    }
  }

  @Nested
  @DisplayName("when something fails")
  class Bad {

    @ParameterizedTest(name = "a secret that is {0} ends in {1}")
    @CsvSource({
      "missing, NOT_FOUND",
      "denied, DENIED",
      "invalid, BAD_PLAN",
      "down, UNAVAILABLE",
      "corrupt, UNUSABLE",
      "defect, INTERNAL"
    })
    void exitCodes(String name, ExitCode expected) {
      ExitCode code = run(plan(file("db", "db"), file(name, "x")), source);

      assertThat(code).isEqualTo(expected);
      assertThat(root).isEmptyDirectory();
      assertThat(err.toString(UTF_8)).contains("ERROR ").doesNotContain(CANARY);
      assertThat(terminationLog).content().hasLineCount(1).doesNotContain(CANARY);
    }

    @Test
    @DisplayName("tells each failure, and exits with what a person must mend first")
    void many() {
      ExitCode code =
          run(plan(file("down", "a"), file("missing", "b"), file("denied", "c")), source);

      assertThat(code).isEqualTo(ExitCode.DENIED);
      assertThat(err.toString(UTF_8).lines())
          .containsExactly(
              "INFO credentials: the backend's own",
              "ERROR a: cannot read down",
              "ERROR b: cannot read missing",
              "ERROR c: cannot read denied");
      assertThat(terminationLog)
          .hasContent("a: cannot read down; b: cannot read missing; c: cannot read denied\n");
    }

    @Test
    @DisplayName("never takes a denial for an optional secret that is missing")
    void optionalDenied() {
      assertThat(run(plan(optional("denied", "a")), source)).isEqualTo(ExitCode.DENIED);
    }

    @Test
    @DisplayName("refuses to publish a whole value where a part was asked for that isn't there")
    void selector() {
      assertThat(run(plan(file("db#password", "a")), source)).isEqualTo(ExitCode.UNUSABLE);
      assertThat(root).isEmptyDirectory();
      assertThat(err.toString(UTF_8)).contains("a: db#password isn't valid JSON");
    }

    @Test
    @DisplayName("says what is wrong with a source's configuration, before anything is read")
    void badSource() {
      ExitCode code =
          run(
              plan(file("db", "db")),
              (plan, environment) -> {
                throw new IllegalArgumentException("VAULT_ADDR isn't set");
              });

      assertThat(code).isEqualTo(ExitCode.BAD_PLAN);
      assertThat(terminationLog).hasContent("VAULT_ADDR isn't set\n");
    }

    @Test
    @DisplayName("never opens a source for a bad plan")
    void sourceIsLazy() {
      ExitCode code =
          run(
              Map.of(),
              (plan, environment) -> {
                throw new AssertionError("opened");
              });

      assertThat(code).isEqualTo(ExitCode.BAD_PLAN);
    }

    @Test
    @DisplayName("doesn't mind a termination log that can't be written")
    void noTerminationLog() {
      terminationLog = Path.of("/no/such/directory/log");

      assertThat(run(plan(file("missing", "a")), source)).isEqualTo(ExitCode.NOT_FOUND);
    }

    @Test
    @DisplayName("keeps the termination message within what Kubernetes keeps")
    void longTerminationMessage() {
      String[] files = new String[300];
      for (int i = 0; i < files.length; i++) {
        files[i] = file("missing", "file-number-" + i);
      }
      run(plan(files), source);

      assertThat(terminationLog).hasSize(4096);
    }

    @Test
    @DisplayName("writes one line even if a message has many")
    void oneLine() {
      run(Map.of("SECRET_ARN", "a\nERROR forged\u001b[2J"), source);

      assertThat(err.toString(UTF_8).lines()).hasSize(1);
      assertThat(err.toString(UTF_8)).doesNotContain("\u001b");
    }
  }

  @Nested
  @DisplayName("on the command line")
  class Arguments {

    @Test
    @DisplayName("explains itself, with every exit code")
    void help() {
      assertThat(run(Map.of(), source, "--help")).isEqualTo(ExitCode.SUCCESS);
      assertThat(out.toString(UTF_8)).contains("SECRETS_PLAN", "SECRET_ARN", "SECRETS_ROOT");
      for (ExitCode code : ExitCode.values()) {
        assertThat(out.toString(UTF_8)).contains(code.number() + " ");
      }
    }

    @Test
    @DisplayName("refuses what it doesn't know")
    void unknown() {
      assertThat(run(Map.of(), source, "--plan=x")).isEqualTo(ExitCode.BAD_PLAN);
      assertThat(run(Map.of(), source, "init", "more")).isEqualTo(ExitCode.BAD_PLAN);
    }

    @Test
    @DisplayName("checks a plan from the environment or a file, and reads nothing")
    void validate() throws IOException {
      String good = plan(file("db", "db")).get("SECRETS_PLAN");
      Path planFile = Files.writeString(directory.resolve("plan.json"), good);
      Fetcher.Backend untouched =
          (plan, environment) -> {
            throw new AssertionError("opened");
          };

      assertThat(run(plan(file("db", "db")), untouched, "validate")).isEqualTo(ExitCode.SUCCESS);
      assertThat(run(Map.of(), untouched, "validate", planFile.toString()))
          .isEqualTo(ExitCode.SUCCESS);
      assertThat(out.toString(UTF_8)).isEqualTo("the plan is good\nthe plan is good\n");
      assertThat(run(plan(file("db", "../db")), untouched, "validate"))
          .isEqualTo(ExitCode.BAD_PLAN);
      assertThat(run(Map.of(), untouched, "validate", "/no/such/file"))
          .isEqualTo(ExitCode.BAD_PLAN);
      assertThat(err.toString(UTF_8)).contains("there is no file /no/such/file");
      assertThat(root).isEmptyDirectory();
    }

    @Test
    @DisplayName("refuses a port that is none, before anything is read")
    void badPort() {
      for (String port : List.of("x", "-1", "65536")) {
        Map<String, String> variables = new HashMap<>(plan(file("db", "db")));
        variables.put("SECRETS_HEALTH_PORT", port);
        assertThat(run(variables, source, "sidecar")).isEqualTo(ExitCode.BAD_PLAN);
      }
      assertThat(source.handedOut).isEmpty();
      assertThat(terminationLog)
          .hasContent(
              "SECRETS_HEALTH_PORT must be a port, 1 to 65535, or 0 for any, not \"65536\"\n");
    }

    @Test
    @DisplayName("takes init for the default")
    void init() {
      assertThat(run(plan(file("db", "db")), source, "init")).isEqualTo(ExitCode.SUCCESS);
      assertThat(root.resolve("db")).exists();
    }
  }

  @Nested
  @DisplayName("chooses its source")
  class Source {

    @Test
    @DisplayName("as SECRETS_SOURCE=directory:/path says")
    void directory() throws Exception {
      Files.createDirectories(directory.resolve("secrets/prod"));
      Files.writeString(directory.resolve("secrets/prod/db"), CANARY);
      Map<String, String> variables = new HashMap<>(plan(file("prod/db", "db")));
      variables.put("SECRETS_SOURCE", "directory:" + directory.resolve("secrets"));

      assertThat(run(variables, new Sources())).isEqualTo(ExitCode.SUCCESS);
      assertThat(root.resolve("db")).hasContent(CANARY);
      assertThat(new Sources().open(FetcherEnvironment.read(variables).plan(), variables))
          .isInstanceOf(DirectorySecretStore.class);
    }

    @Test
    @DisplayName("and refuses any other SECRETS_SOURCE")
    void unknown() {
      Map<String, String> variables = new HashMap<>(plan(file("prod/db", "db")));
      variables.put("SECRETS_SOURCE", "vault");

      assertThat(run(variables, new Sources())).isEqualTo(ExitCode.BAD_PLAN);
      assertThat(terminationLog).content().contains("SECRETS_SOURCE", "vault");
    }
  }
}
