package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@DisplayName("A secret reference")
class SecretReferenceTest {

  private static final String ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-hlRvvF";

  @Nested
  @DisplayName("reads")
  class Reads {

    @Test
    @DisplayName("a full ARN, and knows its parts")
    void fullArn() {
      SecretReference reference = SecretReference.parse(ARN);
      assertThat(reference.scheme()).isEqualTo("secretsmanager");
      assertThat(reference.id()).isEqualTo(ARN);
      assertThat(reference.isArn()).isTrue();
      assertThat(reference.partition()).contains("aws");
      assertThat(reference.region()).contains("us-east-1");
      assertThat(reference.accountId()).contains("123456789012");
      assertThat(reference.name()).isEqualTo("prod/db-hlRvvF");
      assertThat(reference.versionStage()).isNull();
      assertThat(reference.versionId()).isNull();
      assertThat(reference.selector()).isNull();
    }

    @ParameterizedTest
    @ValueSource(
        strings = {
          "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:a",
          "arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:a-AbCdEf",
          "arn:aws-iso:secretsmanager:us-iso-east-1:123456789012:secret:a",
          "arn:aws-iso-b:secretsmanager:us-isob-east-1:123456789012:secret:a",
          "arn:aws-eusc:secretsmanager:eusc-de-east-1:123456789012:secret:a"
        })
    @DisplayName("ARNs of every partition")
    void partitions(String arn) {
      assertThat(SecretReference.parse(arn).toString()).isEqualTo(arn);
    }

    @Test
    @DisplayName("a plain name as one of Secrets Manager")
    void name() {
      SecretReference reference = SecretReference.parse("prod/db.password_1+=@x");
      assertThat(reference.scheme()).isEqualTo("secretsmanager");
      assertThat(reference.name()).isEqualTo("prod/db.password_1+=@x");
      assertThat(reference.region()).isEmpty();
      assertThat(SecretReference.parse("secretsmanager:prod/db"))
          .isEqualTo(SecretReference.parse("prod/db"));
    }

    @ParameterizedTest
    @CsvSource({
      "ssm:/prod/db,                                            ssm,   /prod/db",
      "ssm:flat,                                                ssm,   flat",
      "arn:aws:ssm:eu-west-1:123456789012:parameter/flat,       ssm,   flat",
      "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db,    ssm,   /prod/db",
      "kms:AQIDBAUG-_,                                          kms,   AQIDBAUG-_",
      "vault:kv/data/db:2,                                      vault, kv/data/db:2",
    })
    @DisplayName("other schemes")
    void schemes(String text, String scheme, String name) {
      SecretReference reference = SecretReference.parse(text);
      assertThat(reference.scheme()).isEqualTo(scheme);
      assertThat(reference.name()).isEqualTo(name);
      assertThat(reference.toString()).isEqualTo(text);
    }

    @Test
    @DisplayName("stage, version and selector behind the id")
    void suffixes() {
      SecretReference reference =
          SecretReference.parse(ARN + "?stage=AWSPREVIOUS&version=abc#a.\"b?c#d\"");
      assertThat(reference.id()).isEqualTo(ARN);
      assertThat(reference.versionStage()).isEqualTo("AWSPREVIOUS");
      assertThat(reference.versionId()).isEqualTo("abc");
      assertThat(reference.selector()).isEqualTo("a.\"b?c#d\"");
    }
  }

  @Nested
  @DisplayName("refuses, with position and reason,")
  class Refuses {

    @ParameterizedTest
    @CsvSource(
        delimiter = '|',
        value = {
          "''                          | 1  | it is empty",
          "my secret                   | 3  | a space isn't allowed in a secret's name",
          "caf\u00e9                   | 4  | the character U+00E9 isn't allowed",
          "a?b                         | 3  | expected stage=... or version=...",
          "a?stage=x&stage=y           | 11 | expected stage=... or version=...",
          "a#                          | 2  | nothing follows '#'",
          "ssm:                        | 5  | nothing follows the scheme",
          "ssm:/a b                    | 7  | a space isn't allowed in a parameter's name",
          "kms:a+b                     | 6  | '+' isn't allowed in a sealed value",
          "KMS:abc                     | 1  | the scheme before ':'",
          "a?stage=%zz                 | 3  | '%' must be followed by two hexadecimal digits",
          "arn:aws:secretsmanager      | 23 | the ARN ends too early",
          "arn:amazon:secretsmanager:us-east-1:123456789012:secret:a | 5 | the partition must be",
          "arn:aws:s3:us-east-1:123456789012:secret:a  | 9 | the service must be secretsmanager",
          "arn:aws:secretsmanager:useast:123456789012:secret:a | 24 | the region must look like",
          "arn:aws:secretsmanager:us-east-1:123:secret:a | 34 | the account must have twelve digits",
          "arn:aws:secretsmanager:us-east-1:123456789012:key:a | 47 | the resource must be secret:NAME",
          "arn:aws:secretsmanager:us-east-1:123456789012:secret: | 47 | the resource must be secret:NAME",
          "arn:aws:secretsmanager:us-east-1:123456789012:secret:a:/path | 55 | ':' isn't allowed in a secret's name",
          "arn:aws:secretsmanager:us-east-1:123456789012:secret:a b | 55 | a space isn't allowed",
        })
    void invalid(String text, int position, String reason) {
      assertThatThrownBy(() -> SecretReference.parse(text))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("not a secret reference: \"" + text + "\"")
          .hasMessageContaining("at character " + position + ": ")
          .hasMessageContaining(reason);
    }

    @Test
    @DisplayName("a name that is too long, without repeating all of it")
    void tooLong() {
      assertThatThrownBy(() -> SecretReference.parse("n".repeat(600)))
          .hasMessage(
              "not a secret reference: \""
                  + "n".repeat(200)
                  + "...\", at character 513: a secret's name has at most 512 characters, this one"
                  + " has 600");
    }
  }

  @Test
  @DisplayName("is shortened in messages, since a sealed value can have kilobytes")
  void describe() {
    SecretReference sealed = SecretReference.parse("kms:" + "A".repeat(4000));
    assertThat(sealed.describe()).hasSizeLessThan(200).endsWith("... (4004 characters)");
    assertThat(SecretReference.parse(ARN).describe()).isEqualTo(ARN);
  }

  @Test
  @DisplayName("has another region's ARN, while a name stays the same")
  void inRegion() {
    assertThat(SecretReference.parse(ARN + "?stage=blue#user").inRegion("us-gov-west-1"))
        .isEqualTo(
            SecretReference.parse(
                ARN.replaceAll("^(arn:aws:secretsmanager:)[^:]+", "$1us-gov-west-1")
                    + "?stage=blue#user"));
    assertThat(SecretReference.parse("db").inRegion("eu-west-1")).hasToString("db");
    assertThat(SecretReference.parse("kms:AAAA").inRegion("eu-west-1")).hasToString("kms:AAAA");
  }

  @Test
  @DisplayName("changes one part at a time")
  void with() {
    SecretReference reference = SecretReference.parse("db?stage=blue#user");
    assertThat(reference.withSelector(null).toString()).isEqualTo("db?stage=blue");
    assertThat(reference.withVersionStage("green").toString()).isEqualTo("db?stage=green#user");
    assertThat(reference.withVersionStage(null).withVersionId("v1").toString())
        .isEqualTo("db?version=v1#user");
  }
}
