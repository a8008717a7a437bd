package io.github.secretscontroller.admission;

import static io.github.secretscontroller.admission.Reads.files;
import static io.github.secretscontroller.admission.Reads.problem;
import static io.github.secretscontroller.admission.Reads.problems;
import static io.github.secretscontroller.admission.Reads.request;
import static io.github.secretscontroller.admission.Reads.warnings;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.core.SecretFile;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("The CSI provider's objects: the field")
class CsiObjectsTest {

  private static final String ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:MySecret-hlRvvF";

  /** Each file as REFERENCE -> PATH. */
  private static List<String> read(String... keysAndValues) {
    return files(keysAndValues).stream().map(file -> file.secret() + " -> " + file.path()).toList();
  }

  @Nested
  @DisplayName("objectName and objectType")
  class Name {

    @Test
    @DisplayName("name a secret or a parameter; the file has the name, with _ for each slash")
    void names() {
      assertThat(
              read(
                  "objects",
                  """
                  - objectName: "My/Path/Secret"
                    objectType: "secretsmanager"
                  - objectName: /prod/db
                    objectType: ssmparameter
                  """))
          .containsExactly("My/Path/Secret -> My_Path_Secret", "ssm:/prod/db -> _prod_db");
    }

    @Test
    @DisplayName("needn't both be there for an ARN")
    void arn() {
      assertThat(read("objects", "- objectName: " + ARN)).containsExactly(ARN + " -> " + ARN);
      assertThat(
              read(
                  "objects",
                  "- {objectName: 'arn:aws:ssm:us-east-1:123456789012:parameter/a', objectAlias:"
                      + " a}"))
          .containsExactly("arn:aws:ssm:us-east-1:123456789012:parameter/a -> a");
    }

    @Test
    @DisplayName("are mounted read-only where mount-path says")
    void mount() {
      assertThat(request("objects", "- objectName: " + ARN, "mount-path", "/mnt/store").mounts())
          .containsExactly(new AppMount("secrets.k8s.aws/mount-path", "/mnt/store", null, true));
    }

    @Test
    @DisplayName("in another case are the same, as for that provider")
    void anyCase() {
      assertThat(read("objects", "- {objectname: a, ObjectType: secretsmanager}"))
          .containsExactly("a -> a");
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "- objectType: secretsmanager | object 1, objectName is \"\": it must be the name",
          "- objectName: db | object 1, objectType is \"\": it must be secretsmanager or ssm",
          "- {objectName: db, objectType: ssm} | objectType is \"ssm\": it must be",
          "- {objectName: d b, objectType: secretsmanager} | objectName is \"d b\": not a secret",
          "- {objectName: 'arn:aws:ssm:us-east-1:123456789012:parameter/a', objectType:"
              + " secretsmanager} | the ARN's service isn't the scheme",
          "- {objectName: [a], objectType: secretsmanager} | objectName is",
        })
    @DisplayName("that are missing, unknown or contradict each other are refused")
    void invalid(String objects, String reason) {
      assertThat(problems("objects", objects)).first().asString().contains(reason);
    }
  }

  @Nested
  @DisplayName("objectAlias")
  class Alias {

    @Test
    @DisplayName("is the file's name")
    void alias() {
      assertThat(read("objects", "- {objectName: " + ARN + ", objectAlias: db/pw}"))
          .containsExactly(ARN + " -> db_pw");
    }

    @Test
    @DisplayName("that another object has too is refused")
    void twice() {
      assertThat(
              problem(
                  "objects",
                  """
                  - {objectName: a, objectType: secretsmanager, objectAlias: x}
                  - {objectName: b, objectType: secretsmanager, objectAlias: x}
                  """))
          .isEqualTo(
              "annotation secrets.k8s.aws/objects, object 2, objectAlias is \"x\": its file \"x\""
                  + " is the one of secrets.k8s.aws/objects, object 1, objectAlias as well; choose"
                  + " another path for one of them");
    }
  }

  @Nested
  @DisplayName("objectVersion and objectVersionLabel")
  class Version {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "objectType: secretsmanager, objectVersionLabel: AWSPREVIOUS | a?stage=AWSPREVIOUS",
          "objectType: secretsmanager, objectVersion: 4c5f3f5e | a?version=4c5f3f5e",
          "objectType: secretsmanager, objectVersion: v, objectVersionLabel: s"
              + " | a?stage=s&version=v",
          "objectType: ssmparameter, objectVersion: 3 | ssm:a?version=3",
          "objectType: ssmparameter, objectVersionLabel: blue | ssm:a?stage=blue",
        })
    @DisplayName("are the version's id and stage, or a parameter's number and label")
    void version(String fields, String reference) {
      assertThat(read("objects", "- {objectName: a, " + fields + "}"))
          .containsExactly(reference + " -> a");
    }

    @Test
    @DisplayName("of a parameter exclude each other")
    void both() {
      assertThat(
              problem(
                  "objects",
                  "- {objectName: a, objectType: ssmparameter, objectVersion: 3,"
                      + " objectVersionLabel: x}"))
          .contains("a parameter has a version or a label, not both; remove one");
    }
  }

  @Nested
  @DisplayName("filePermission")
  class Permission {

    @ParameterizedTest
    @ValueSource(strings = {"\"0400\"", "0400", "'0400'"})
    @DisplayName("is the file's octal mode, in quotes or not")
    void mode(String value) {
      assertThat(files("objects", "- {objectName: " + ARN + ", filePermission: " + value + "}"))
          .extracting(SecretFile::mode)
          .containsExactly(0400);
    }

    @ParameterizedTest
    @ValueSource(strings = {"0999", "rw", "0666"})
    @DisplayName("that is none, or writable by all, is refused")
    void invalid(String value) {
      assertThat(problem("objects", "- {objectName: " + ARN + ", filePermission: " + value + "}"))
          .startsWith(
              "annotation secrets.k8s.aws/objects, object 1, filePermission is \""
                  + value
                  + "\": ");
    }
  }

  @Nested
  @DisplayName("jmesPath")
  class JmesPath {

    @Test
    @DisplayName("makes files of parts of the secret, besides the file of the whole")
    void parts() {
      assertThat(
              read(
                  "objects",
                  """
                  - objectName: MySecret
                    objectType: secretsmanager
                    jmesPath:
                      - path: username
                        objectAlias: dbusername
                      - path: '"hyphenated-path"'
                        objectAlias: other
                  """))
          .containsExactly(
              "MySecret -> MySecret",
              "MySecret#username -> dbusername",
              "MySecret#\"hyphenated-path\" -> other");
    }

    @Test
    @DisplayName("has permissions of its own, or those of the object")
    void permissions() {
      assertThat(
              files(
                  "objects",
                  """
                  - objectName: MySecret
                    objectType: secretsmanager
                    filePermission: "0440"
                    jmesPath:
                      - {path: a, objectAlias: a}
                      - {path: b, objectAlias: b, filePermission: "0400"}
                  """))
          .extracting(SecretFile::mode)
          .containsExactly(0440, 0440, 0400);
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "[{path: a..b, objectAlias: x}] | jmesPath 1, path is \"a..b\": it is no JMESPath",
          "[{objectAlias: x}] | jmesPath 1, path is \"\": it must be a JMESPath",
          "[{path: a}] | jmesPath 1, objectAlias is \"\": it must be the name of a file",
          "a | jmesPath is \"\"a\"\": it must be a list of path and objectAlias",
          "[a] | jmesPath 1 is \"a\": it must have the fields path, objectAlias",
        })
    @DisplayName("that is incomplete or no expression is refused")
    void invalid(String jmesPath, String reason) {
      assertThat(
              problems(
                  "objects",
                  "- {objectName: a, objectType: secretsmanager, jmesPath: " + jmesPath + "}"))
          .first()
          .asString()
          .contains(reason);
    }
  }

  @Nested
  @DisplayName("failoverObject")
  class Failover {

    @Test
    @DisplayName("is read in the failover region")
    void failover() {
      InjectionRequest request =
          request(
              "region",
              "us-east-1",
              "failover-region",
              "us-east-2",
              "objects",
              """
              - objectName: "arn:aws:secretsmanager:us-east-1:123456789012:secret:Primary-12345"
                failoverObject:
                  objectName: "arn:aws:secretsmanager:us-east-2:123456789012:secret:Failover-12345"
                objectAlias: testArn
                objectVersionLabel: blue
                jmesPath: [{path: a, objectAlias: a}]
              """);
      assertThat(request.plan().failoverRegion()).isEqualTo("us-east-2");
      assertThat(request.plan().files())
          .extracting(SecretFile::failover)
          .extracting(Object::toString)
          .containsExactly(
              "arn:aws:secretsmanager:us-east-2:123456789012:secret:Failover-12345?stage=blue",
              "arn:aws:secretsmanager:us-east-2:123456789012:secret:Failover-12345?stage=blue#a");
    }

    private static String object(String failoverFields, String more) {
      return "- {objectName: a, objectType: secretsmanager, failoverObject: {"
          + failoverFields
          + "}"
          + more
          + "}";
    }

    @Test
    @DisplayName("needs a failover region and an alias")
    void needs() {
      assertThat(problems("objects", object("objectName: b", "")))
          .satisfiesExactly(
              region ->
                  assertThat(region)
                      .startsWith(
                          "annotation secrets.k8s.aws/objects, object 1, failoverObject, objectName"
                              + " is \"b\": ")
                      .endsWith("set secrets.k8s.aws/failover-region"),
              alias -> assertThat(alias).endsWith("set the object's objectAlias"));
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "objectVersionLabel: x | objectName is \"\": it must be what is read",
          "objectName: b, objectVersion: v | objectVersion is \"v\": it must be the same",
          "objectName: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:x' | its region isn't"
              + " the one of secrets.k8s.aws/failover-region, us-east-2",
        })
    @DisplayName("that contradicts its object or the region is refused")
    void invalid(String fields, String reason) {
      assertThat(
              problem(
                  "failover-region", "us-east-2", "objects", object(fields, ", objectAlias: x")))
          .contains(reason);
    }
  }

  @Nested
  @DisplayName("path-translation (an annotation)")
  class PathTranslation {

    @ParameterizedTest
    @CsvSource({"-, -a-b", "False, a/b", "false, a/b", "'', _a_b"})
    @DisplayName("replaces the slash, or leaves it")
    void translation(String value, String path) {
      assertThat(
              read(
                  "path-translation",
                  value,
                  "objects",
                  "- {objectName: /a/b, objectType: ssmparameter}"))
          .containsExactly("ssm:/a/b -> " + path);
    }

    @ParameterizedTest
    @ValueSource(strings = {"__", "/", "no"})
    @DisplayName("is one character or False")
    void invalid(String value) {
      assertThat(problem("path-translation", value, "objects", "- objectName: " + ARN))
          .isEqualTo(
              "annotation secrets.k8s.aws/path-translation is \""
                  + value
                  + "\": it must be one character that replaces each /, or False");
    }

    @Test
    @DisplayName("that keeps the slash doesn't let a file out of the volume")
    void confined() {
      assertThat(
              problem(
                  "path-translation",
                  "False",
                  "objects",
                  "- {objectName: " + ARN + ", objectAlias: ../../x}"))
          .contains("objectAlias is \"../../x\"", "give a path inside the volume");
    }

    @Test
    @DisplayName("without objects is a warning")
    void stray() {
      assertThat(warnings("path-translation", "-", "secret.db", "x"))
          .containsExactly(
              "secrets.k8s.aws/path-translation is ignored, since there is no"
                  + " secrets.k8s.aws/objects");
    }
  }

  @Nested
  @DisplayName("that isn't known, or YAML that isn't what it should be")
  class Hostile {

    @Test
    @DisplayName("is a warning, and tells the known one that is near")
    void unknownField() {
      assertThat(warnings("objects", "- {objectName: " + ARN + ", objectTyp: secretsmanager}"))
          .containsExactly(
              "annotation secrets.k8s.aws/objects, object 1: the field \"objectTyp\" is unknown and"
                  + " ignored; did you mean objectType?");
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "",
          "{}",
          "[]",
          "~",
          "text",
          "objectName: a",
          "- a",
          "- [a]",
          "- ",
          "--- \n...\n",
        })
    @DisplayName("is refused if it is no list of objects")
    void noList(String objects) {
      assertThat(problems("objects", objects))
          .anySatisfy(problem -> assertThat(problem).contains("secrets.k8s.aws/objects"));
    }

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "- objectName: [ | line ",
          "- {objectName: a, objectName: b} | line 1 can't be read as YAML: Duplicate",
          "[[[[[[[[[[a]]]]]]]]]] | nested more than 8 levels deep",
          "- objectName: !!binary YQ== | has a value that is no text",
          "- &a {objectName: x} | must be secretsmanager",
          "[a] --- [b] | line 1",
          "'[*a, &a b]' | has the alias *a; write out what it stands for",
        })
    @DisplayName("is refused with line and reason if it is broken, doubled, deep or aliased")
    void broken(String objects, String reason) {
      assertThat(problems("objects", objects)).first().asString().contains(reason);
    }

    @Test
    @DisplayName("is refused if it laughs a billion times")
    void billionLaughs() {
      StringBuilder yaml = new StringBuilder("- &l0 lol\n");
      for (int i = 1; i < 30; i++) {
        yaml.append("- &l").append(i).append(" [");
        yaml.append(("*l" + (i - 1) + ", ").repeat(9)).append("x]\n");
      }
      assertThat(problem("objects", yaml.toString())).contains("line 2 has the alias *l0");
    }

    @Test
    @DisplayName("is refused if it has two documents or a huge scalar")
    void bounded() {
      assertThat(problem("objects", "- objectName: " + ARN + "\n---\n- objectName: b\n"))
          .contains("more than one document");
      assertThat(problem("objects", "- objectName: " + "x".repeat(70_000)))
          .contains("it is longer than 65536 characters");
    }
  }
}
