package io.github.secretscontroller.admission;

import static io.github.secretscontroller.admission.Reads.file;
import static io.github.secretscontroller.admission.Reads.files;
import static io.github.secretscontroller.admission.Reads.problem;
import static io.github.secretscontroller.admission.Reads.problems;
import static io.github.secretscontroller.admission.Reads.request;
import static io.github.secretscontroller.admission.Reads.warnings;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.admission.InjectionRequest.AppVariable;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import io.github.secretscontroller.core.SecretFile.Template;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A named secret's annotation")
class NamedSecretsTest {

  @Nested
  @DisplayName("secret.<n>")
  class Secret {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-hlRvvF",
          "prod/db",
          "prod/db?stage=AWSPREVIOUS#password",
          "ssm:/prod/db",
          "kms:AQICAHh",
        })
    @DisplayName("is a reference; the file has the short name, and its exact bytes")
    void reference(String secret) {
      assertThat(file("secret.db", secret))
          .satisfies(
              file -> {
                assertThat(file.secret()).hasToString(secret);
                assertThat(file.name()).isEqualTo("db");
                assertThat(file.path()).isEqualTo("db");
                assertThat(file.content()).isEqualTo(Formatted.RAW);
                assertThat(file.mode()).isEqualTo(0444);
                assertThat(file.optional()).isFalse();
              });
    }

    @Test
    @DisplayName("can stand there many times, each with a short name of its own")
    void many() {
      assertThat(files("secret.db", "prod/db", "secret.api-key", "prod/api", "secret.T_2", "x"))
          .extracting(SecretFile::path)
          .containsExactly("T_2", "api-key", "db");
    }

    @Test
    @DisplayName("is mounted at /var/run/secrets/k8s.aws, read-only")
    void mount() {
      assertThat(request("secret.db", "prod/db").mounts())
          .containsExactly(
              new AppMount("secrets.k8s.aws/mount-path", "/var/run/secrets/k8s.aws", null, true));
    }

    @Test
    @DisplayName("is mounted where mount-path says")
    void mountPath() {
      assertThat(request("secret.db", "prod/db", "mount-path", "/etc/secrets/").mounts())
          .containsExactly(new AppMount("secrets.k8s.aws/mount-path", "/etc/secrets", null, true));
    }

    @Test
    @DisplayName("next to secret-arn is in the same volume, at the legacy /tmp")
    void withLegacy() {
      InjectionRequest request = request("secret-arn", "old", "secret.db", "prod/db");
      assertThat(request.plan().files())
          .extracting(SecretFile::path)
          .containsExactly("secret", "db");
      assertThat(request.mounts())
          .containsExactly(new AppMount("secrets.k8s.aws/mount-path", "/tmp", null, false));
    }

    @Test
    @DisplayName("next to a list in secret-arn leaves the list's mounts as they are")
    void withMultiSecret() {
      assertThat(request("secret-arn", "old:/etc/old", "secret.db", "prod/db").mounts())
          .containsExactly(
              new AppMount("secrets.k8s.aws/secret-arn", "/etc/old", "etc/old", true),
              new AppMount("secrets.k8s.aws/mount-path", "/var/run/secrets/k8s.aws", null, true));
    }

    @Test
    @DisplayName("can't be mounted where a secret of a list is")
    void mountCollision() {
      assertThat(problem("secret-arn", "old:/etc/x/old", "secret.db", "db", "mount-path", "/etc/x"))
          .startsWith("annotation secrets.k8s.aws/mount-path is \"/etc/x\": the mount of")
          .contains("at /etc/x/old is in its way; choose another directory");
    }

    @Test
    @DisplayName("that names no secret is refused with the fix")
    void noSecret() {
      assertThat(problem("secret.db", "no secret!"))
          .startsWith("annotation secrets.k8s.aws/secret.db is \"no secret!\": ")
          .endsWith("; give the ARN or the name of a secret in Secrets Manager");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "tls.crt", "-db", "db-", "d b", "d\u00e9", "_", "a/b"})
    @DisplayName("needs a short name of letters, digits, - and _")
    void shortName(String name) {
      assertThat(problem("secret." + name, "prod/db"))
          .startsWith("annotation secrets.k8s.aws/secret." + name + " is \"prod/db\": ")
          .contains("short name, which must have letters, digits, - and _ only")
          .endsWith("as in secrets.k8s.aws/secret.db");
    }
  }

  @Nested
  @DisplayName("file.<n>")
  class File {

    @Test
    @DisplayName("is the file's path in the volume")
    void path() {
      assertThat(file("secret.db", "prod/db", "file.db", "db/password.txt").path())
          .isEqualTo("db/password.txt");
    }

    @ParameterizedTest
    @ValueSource(strings = {"../x", "/x", "a/../../b", "a//b", "./a", "..data", "a\nb", "", "a/"})
    @DisplayName("that could leave the volume is refused with the fix")
    void outside(String path) {
      assertThat(problem("secret.db", "prod/db", "file.db", path))
          .startsWith("annotation secrets.k8s.aws/file.db is \"" + path.replace('\n', '?') + "\": ")
          .endsWith("; give a path inside the volume, such as db/password");
    }

    @Test
    @DisplayName("that is another secret's too is refused, and both are named")
    void twice() {
      assertThat(problem("secret.a", "x", "secret.b", "y", "file.b", "a"))
          .isEqualTo(
              "annotation secrets.k8s.aws/file.b is \"a\": its file \"a\" is the one of"
                  + " secrets.k8s.aws/secret.a as well; choose another path for one of them");
    }

    @Test
    @DisplayName("that is the one of secret-arn is refused")
    void asLegacy() {
      assertThat(problem("secret-arn", "x", "secret.secret", "y"))
          .contains("secrets.k8s.aws/secret.secret is \"y\"", "of secrets.k8s.aws/secret-arn");
    }

    @Test
    @DisplayName("below another secret's file is refused, and both are named")
    void below() {
      assertThat(problem("secret.a", "x", "secret.b", "y", "file.b", "a/b"))
          .isEqualTo(
              "annotation secrets.k8s.aws/file.b is \"a/b\": its file \"a/b\" can't be below"
                  + " \"a\", which secrets.k8s.aws/secret.a fills; choose another path for one of"
                  + " them");
    }
  }

  @Nested
  @DisplayName("path.<n>")
  class Path {

    @ParameterizedTest
    @ValueSource(
        strings = {
          "password",
          "credentials.password",
          "\"tls.crt\"",
          "users[?name=='admin'].password | [0]",
          "join(':', [user, password])",
        })
    @DisplayName("is a JMESPath into a JSON secret")
    void jmesPath(String path) {
      assertThat(file("secret.db", "prod/db", "path.db", path).secret())
          .satisfies(
              secret -> {
                assertThat(secret.id()).isEqualTo("prod/db");
                assertThat(secret.selector()).isEqualTo(path);
              });
    }

    @ParameterizedTest
    @CsvSource({
      "a..b, position 3",
      "my-key, position 3",
      "users[, position 7",
      "nope(@), nope",
      "'', such as password",
      "$.password, position 1",
    })
    @DisplayName("that is no JMESPath is refused with the place of the mistake")
    void broken(String path, String contained) {
      assertThat(problem("secret.db", "prod/db", "path.db", path))
          .startsWith("annotation secrets.k8s.aws/path.db is \"" + path + "\": ")
          .contains(contained);
    }

    @Test
    @DisplayName("is bounded in length and depth")
    void bounded() {
      assertThat(problem("secret.db", "prod/db", "path.db", "a".repeat(513)))
          .contains("at most 512 characters");
      assertThat(problem("secret.db", "prod/db", "path.db", "(".repeat(50) + ")".repeat(50)))
          .contains("16 brackets or negations deep");
    }

    @Test
    @DisplayName("is checked behind # in a reference as well")
    void inReference() {
      assertThat(problem("secret.db", "prod/db#a..b")).contains("secret.db is \"prod/db#a..b\"");
    }

    @Test
    @DisplayName("and a selector in the reference contradict each other")
    void twice() {
      assertThat(problem("secret.db", "prod/db#user", "path.db", "password"))
          .contains("path.db is \"password\"", "has a selector behind #", "remove one of them");
    }
  }

  @Nested
  @DisplayName("version.<n>")
  class Version {

    @ParameterizedTest
    @ValueSource(strings = {"AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "blue", "v2.1"})
    @DisplayName("is a stage")
    void stage(String stage) {
      assertThat(file("secret.db", "prod/db", "version.db", stage).secret())
          .satisfies(
              secret -> {
                assertThat(secret.versionStage()).isEqualTo(stage);
                assertThat(secret.versionId()).isNull();
              });
    }

    @Test
    @DisplayName("or a version id, if it looks like a UUID")
    void versionId() {
      String id = "EXAMPLE1-90ab-cdef-fedc-ba987EXAMPLE";
      String uuid = "4c5f3f5e-8c5a-4c39-b0a6-0f5d8f1f7a11";
      assertThat(file("secret.db", "prod/db", "version.db", uuid).secret())
          .satisfies(
              secret -> {
                assertThat(secret.versionId()).isEqualTo(uuid);
                assertThat(secret.versionStage()).isNull();
              });
      assertThat(file("secret.db", "prod/db", "version.db", id).secret().versionStage())
          .isEqualTo(id);
    }

    @Test
    @DisplayName("or of a parameter its number or a label")
    void parameter() {
      assertThat(file("secret.db", "ssm:/prod/db", "version.db", "3").secret())
          .hasToString("ssm:/prod/db?version=3");
      assertThat(file("secret.db", "ssm:/prod/db", "version.db", "blue").secret())
          .hasToString("ssm:/prod/db?stage=blue");
    }

    @ParameterizedTest
    @CsvSource({"AWSCURENT, AWSCURRENT", "awsprevious, AWSPREVIOUS"})
    @DisplayName("that is nearly one of AWS's stages is a warning")
    void nearMiss(String stage, String meant) {
      assertThat(warnings("secret.db", "prod/db", "version.db", stage))
          .containsExactly(
              "secrets.k8s.aws/version.db is \""
                  + stage
                  + "\", which is taken for a stage of your own; did you mean "
                  + meant
                  + "?");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a b", "a\tb"})
    @DisplayName("that can't be a version is refused with what it can be")
    void invalid(String version) {
      assertThat(problem("secret.db", "prod/db", "version.db", version))
          .contains("version.db is ", "it must be AWSCURRENT, AWSPREVIOUS, another stage");
    }

    @Test
    @DisplayName("contradicts one in the reference, and means nothing for a sealed value")
    void contradictions() {
      assertThat(problem("secret.db", "prod/db?stage=blue", "version.db", "AWSPREVIOUS"))
          .contains("has a version behind ? already; remove one of them");
      assertThat(problem("secret.db", "kms:AQICAHh", "version.db", "AWSPREVIOUS"))
          .contains("a sealed value has no versions; remove this annotation");
    }
  }

  @Nested
  @DisplayName("format.<n>")
  class FormatOfFile {

    @ParameterizedTest
    @CsvSource({
      "raw, RAW",
      "json, JSON",
      "properties, PROPERTIES",
      "dotenv, DOTENV",
      "yaml, YAML",
      "pkcs12, PKCS12",
      "jks, JKS",
    })
    @DisplayName("is how the secret is written")
    void format(String value, Format format) {
      assertThat(file("secret.db", "prod/db", "format.db", value).content())
          .isEqualTo(new Formatted(format));
    }

    @Test
    @DisplayName("applies to what path.<n> selects")
    void ofSelection() {
      SecretFile file = file("secret.db", "prod/db", "path.db", "db", "format.db", "yaml");
      assertThat(file.secret()).hasToString("prod/db#db");
      assertThat(file.content()).isEqualTo(new Formatted(Format.YAML));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "JSON", "yml", "toml"})
    @DisplayName("that is unknown is refused with those that there are")
    void unknown(String value) {
      assertThat(problem("secret.db", "prod/db", "format.db", value))
          .isEqualTo(
              "annotation secrets.k8s.aws/format.db is \""
                  + value
                  + "\": it must be one of raw, json, properties, dotenv, yaml, pkcs12, jks");
    }
  }

  @Nested
  @DisplayName("template.<n>")
  class TemplateOfFile {

    @Test
    @DisplayName("is a text with all secrets of the pod in scope, and may stand alone")
    void alone() {
      String text = "url=jdbc:postgresql://{{db.host}}/\n";
      assertThat(files("secret.db", "prod/db", "template.conf", text, "file.conf", "app.conf"))
          .anySatisfy(
              file -> {
                assertThat(file.name()).isEqualTo("conf");
                assertThat(file.secret()).isNull();
                assertThat(file.path()).isEqualTo("app.conf");
                assertThat(file.content()).isEqualTo(new Template(text));
              });
    }

    @Test
    @DisplayName("takes the place of the secret's own bytes")
    void ofSecret() {
      assertThat(file("secret.db", "prod/db", "template.db", "{{db.user}}"))
          .satisfies(
              file -> {
                assertThat(file.secret()).hasToString("prod/db");
                assertThat(file.content()).isEqualTo(new Template("{{db.user}}"));
              });
    }

    @Test
    @DisplayName("that is empty is refused")
    void empty() {
      assertThat(problem("secret.db", "prod/db", "template.db", "")).contains("it is empty");
    }

    @Test
    @DisplayName("that could never be filled in is refused, with the place and what to do")
    void broken() {
      assertThat(problem("secret.db", "prod/db", "template.db", "a\n {{#db.list}}x"))
          .isEqualTo(
              "annotation secrets.k8s.aws/template.db is \"a? {{#db.list}}x\": line 2, column 2:"
                  + " {{#db.list}} is never closed; add {{/db.list}} where it ends");
      assertThat(problem("secret.db", "prod/db", "template.db", "{{db.user"))
          .contains("line 1, column 1: {{db.user is a tag that no }} closes");
    }

    @Test
    @DisplayName("that names no secret of the pod, and no helper, is refused")
    void unknown() {
      assertThat(problem("secret.db", "prod/db", "template.conf", "{{dbb.user}}"))
          .contains("line 1, column 1: no secret is called \"dbb\" (the names are db)");
      assertThat(problem("secret.db", "prod/db", "template.conf", "{{#bas64}}{{db}}{{/bas64}}"))
          .contains("no secret is called \"bas64\"");
      assertThat(problem("template.a", "{{b}}", "template.b", "b")).contains("(none has a name)");
    }

    @Test
    @DisplayName("can't use a secret with the name of a helper")
    void helper() {
      assertThat(problem("secret.url", "prod/url", "template.conf", "{{url.host}}"))
          .contains("annotation secrets.k8s.aws/template.conf", "rename the secret");
    }

    @ParameterizedTest
    @CsvSource({"path, user", "version, AWSCURRENT", "optional, true"})
    @DisplayName("without a secret has nothing that only a secret has")
    void notOfSecret(String kind, String value) {
      assertThat(problem("template.conf", "x", kind + ".conf", value))
          .isEqualTo(
              "annotation secrets.k8s.aws/"
                  + kind
                  + ".conf is \""
                  + value
                  + "\": it says something about a secret, but there is no"
                  + " secrets.k8s.aws/secret.conf; add it, or remove this annotation");
    }
  }

  @Nested
  @DisplayName("keys.<n>")
  class Keys {

    @Test
    @DisplayName("* makes a file of each key, in a directory")
    void all() {
      assertThat(file("secret.tls", "prod/tls", "keys.tls", "*"))
          .satisfies(
              file -> {
                assertThat(file.path()).isEqualTo("tls");
                assertThat(file.content()).isEqualTo(new KeyFiles(List.of()));
              });
    }

    @Test
    @DisplayName("lists those keys")
    void some() {
      assertThat(file("secret.tls", "prod/tls", "keys.tls", "tls.crt, tls.key").content())
          .isEqualTo(new KeyFiles(List.of("tls.crt", "tls.key")));
    }

    @ParameterizedTest
    @CsvSource({
      "'', has an empty entry",
      "'a,', has an empty entry",
      "'a,a', stands there twice",
      "'a,*', * means all keys",
      "a/b, has a /",
      "..a, name a key that can be a file's name",
    })
    @DisplayName("that can't be files are refused with the fix")
    void invalid(String keys, String reason) {
      assertThat(problem("secret.tls", "prod/tls", "keys.tls", keys))
          .startsWith("annotation secrets.k8s.aws/keys.tls is \"" + keys + "\": ")
          .contains(reason);
    }
  }

  @Nested
  @DisplayName("env.<n>")
  class Environment {

    @Test
    @DisplayName("makes environment variables of keys")
    void variables() {
      InjectionRequest request =
          request("secret.db", "prod/db", "env.db", "DB_USER=username, DB_PASSWORD=password");
      assertThat(request.plan().files().get(0))
          .satisfies(
              file -> {
                assertThat(file.path()).isEqualTo("env/db");
                assertThat(file.content())
                    .isEqualTo(
                        new EnvironmentFile(
                            Map.of("DB_USER", "username", "DB_PASSWORD", "password")));
              });
      assertThat(request.environment())
          .containsExactlyInAnyOrder(
              new AppVariable("secrets.k8s.aws/env.db", "DB_USER", "env/db", false),
              new AppVariable("secrets.k8s.aws/env.db", "DB_PASSWORD", "env/db", false));
    }

    @Test
    @DisplayName("can't have their file beside files that are replaced, and both are named")
    void besideOthers() {
      assertThat(problem("secret.db", "x", "env.db", "A=a", "secret.key", "y", "file.key", "env/k"))
          .isEqualTo(
              "annotation secrets.k8s.aws/secret.db is \"x\": its environment file \"env/db\" can't"
                  + " share the directory \"env\" with \"env/k\", which secrets.k8s.aws/file.key"
                  + " fills; choose a path in another directory for one of them");
    }

    @Test
    @DisplayName("of an optional secret are optional")
    void optional() {
      assertThat(
              request("secret.db", "prod/db", "env.db", "A=a", "optional.db", "true").environment())
          .containsExactly(new AppVariable("secrets.k8s.aws/env.db", "A", "env/db", true));
    }

    @Test
    @DisplayName("are in the file that file.<n> names")
    void file() {
      assertThat(
              request("secret.db", "prod/db", "env.db", "A=a", "file.db", "db.env").environment())
          .extracting(AppVariable::path)
          .containsExactly("db.env");
    }

    @ParameterizedTest
    @CsvSource({
      "'', has an empty entry",
      "DB_USER, names no key of the secret",
      "DB_USER=, names no key of the secret",
      "=user, is no name for a variable",
      "1USER=user, is no name for a variable",
      "DB USER=user, is no name for a variable",
      "..=user, is no name for a variable",
      "'A=a,A=b', it sets A twice",
    })
    @DisplayName("that can't be variables are refused with the fix")
    void invalid(String env, String reason) {
      assertThat(problem("secret.db", "prod/db", "env.db", env))
          .startsWith("annotation secrets.k8s.aws/env.db is \"" + env + "\": ")
          .contains(reason);
    }

    @Test
    @DisplayName("that two secrets set are refused, and both are named")
    void twice() {
      assertThat(problem("secret.a", "a", "env.a", "X=x", "secret.b", "b", "env.b", "X=y"))
          .contains("env.b is \"X=y\"", "X is set by secrets.k8s.aws/env.a as well");
    }
  }

  @Nested
  @DisplayName("mode.<n>")
  class Mode {

    @ParameterizedTest
    @CsvSource({"0400, 256", "440, 288", "0444, 292", "0640, 416"})
    @DisplayName("is the file's octal mode")
    void octal(String value, int mode) {
      assertThat(file("secret.db", "prod/db", "mode.db", value).mode()).isEqualTo(mode);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "rw-r--r--", "0888", "1777", "00444", "0o444", "0222", "0666"})
    @DisplayName("that is none, can't be read, or is writable by all is refused")
    void invalid(String value) {
      assertThat(problem("secret.db", "prod/db", "mode.db", value))
          .startsWith("annotation secrets.k8s.aws/mode.db is \"" + value + "\": ")
          .containsAnyOf("octal file mode, such as 0400", "must be 0400 to 0775");
    }
  }

  @Nested
  @DisplayName("optional.<n>")
  class Optional {

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    @DisplayName("says whether a missing secret is no error")
    void optional(boolean value) {
      assertThat(file("secret.db", "x", "optional.db", String.valueOf(value)).optional())
          .isEqualTo(value);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "yes", "True", "1"})
    @DisplayName("is true or false")
    void invalid(String value) {
      assertThat(problem("secret.db", "x", "optional.db", value))
          .isEqualTo(
              "annotation secrets.k8s.aws/optional.db is \""
                  + value
                  + "\": it must be true or false");
    }
  }

  @Nested
  @DisplayName("that doesn't fit the others")
  class Misfits {

    static Stream<List<String>> pairs() {
      List<String> contents = List.of("format=json", "template=x", "keys=*", "env=A=a");
      return contents.stream()
          .flatMap(
              first ->
                  contents.stream()
                      .skip(contents.indexOf(first) + 1L)
                      .map(second -> List.of(first, second)));
    }

    @ParameterizedTest
    @org.junit.jupiter.params.provider.MethodSource("pairs")
    @DisplayName("is a second content of one file")
    void twoContents(List<String> pair) {
      String[] first = pair.get(0).split("=", 2);
      String[] second = pair.get(1).split("=", 2);
      assertThat(problem("secret.x", "x", first[0] + ".x", first[1], second[0] + ".x", second[1]))
          .isEqualTo(
              "annotation secrets.k8s.aws/"
                  + second[0]
                  + ".x is \""
                  + second[1]
                  + "\": secrets.k8s.aws/"
                  + first[0]
                  + ".x is there as well, but a file has one content; remove one of them, or give"
                  + " the same secret a second short name");
    }

    @ParameterizedTest
    @CsvSource({"keys, *", "env, A=a"})
    @DisplayName("is a path besides the keys of the whole secret")
    void pathAndKeys(String kind, String value) {
      assertThat(problem("secret.x", "x", "path.x", "a", kind + ".x", value))
          .contains(
              "path.x is \"a\": it selects one value, and secrets.k8s.aws/" + kind + ".x takes");
    }

    @ParameterizedTest
    @ValueSource(strings = {"file", "path", "version", "format", "keys", "env", "mode", "optional"})
    @DisplayName("has no secret")
    void orphan(String kind) {
      assertThat(problem(kind + ".x", "v"))
          .isEqualTo(
              "annotation secrets.k8s.aws/"
                  + kind
                  + ".x is \"v\": there is no secrets.k8s.aws/secret.x; add it, or remove this"
                  + " annotation");
    }

    @Test
    @DisplayName("has no secret, but almost")
    void almost() {
      assertThat(problem("secret.database", "x", "file.databse", "v"))
          .endsWith("did you mean secrets.k8s.aws/file.database?");
    }

    @ParameterizedTest
    @CsvSource({
      "secert.db, secret.db",
      "formats.db, format.db",
      "Optional.db, optional.db",
      "refresh-intervall, refresh-interval",
      "failoverregion, failover-region",
      "resource.cpu, resources.cpu",
    })
    @DisplayName("is nearly a known one: a warning tells which")
    void nearMiss(String typed, String meant) {
      assertThat(warnings(typed, "x"))
          .containsExactly(
              "annotation secrets.k8s.aws/"
                  + typed
                  + " is unknown and ignored; did you mean secrets.k8s.aws/"
                  + meant
                  + "?");
    }

    @Test
    @DisplayName("is told together with all the others")
    void allAtOnce() {
      assertThat(
              problems(
                  "secret.a", "no secret!",
                  "file.a", "../x",
                  "mode.a", "999",
                  "optional.a", "maybe",
                  "format.a", "toml",
                  "path.a", "..",
                  "env.b", "X=x",
                  "mode", "daemon",
                  "on-change", "reboot"))
          .hasSize(9);
    }

    @Test
    @DisplayName("is told among the first twenty, or counted")
    void bounded() {
      String[] pairs = new String[2 * 1000];
      for (int i = 0; i < 1000; i++) {
        pairs[2 * i] = "file.x" + i;
        pairs[2 * i + 1] = "v";
      }
      assertThat(problems(pairs)).hasSize(21).last().isEqualTo("and 980 more");
    }

    @Test
    @DisplayName("is one of more than 256 files")
    void tooMany() {
      String[] pairs = new String[2 * 257];
      for (int i = 0; i < 257; i++) {
        pairs[2 * i] = "secret.x" + i;
        pairs[2 * i + 1] = "x";
      }
      assertThat(problem(pairs)).contains("a pod can have 256 files with secrets at most");
    }

    @Test
    @DisplayName("is longer than Kubernetes allows")
    void tooLong() {
      assertThat(problem("template.x", "x".repeat(256 * 1024)))
          .contains("Kubernetes allows 262144 for all annotations together");
    }
  }
}
