package io.github.secretscontroller.admission.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.Sealed;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@DisplayName("The least IAM policy of a pod")
class IamPolicyTest {

  private static final String ARN =
      "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-hlRvvF";
  private static final String KEY = "arn:aws:kms:eu-west-1:123456789012:key/1-2";

  private static SecretFile file(String secret) {
    String path = "f" + Integer.toHexString(secret.hashCode());
    return SecretFile.of(SecretReference.parse(secret), path);
  }

  private static InjectionPlan plan(String... secrets) {
    return InjectionPlan.of(List.of(secrets).stream().map(IamPolicyTest::file).toList());
  }

  private static List<String> texts(JsonNode array) {
    return array.valueStream().map(JsonNode::asText).toList();
  }

  private static JsonNode statement(IamPolicy policy, int index) {
    return policy.document().get("Statement").get(index);
  }

  private static List<String> resources(IamPolicy policy) {
    return texts(statement(policy, 0).get("Resource"));
  }

  @ParameterizedTest
  @CsvSource({
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-hlRvvF, arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-hlRvvF",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db, arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-??????",
    "prod/db?stage=AWSPREVIOUS#a.b, arn:aws:secretsmanager:us-east-1:210987654321:secret:prod/db-??????",
    "prod/db-hlRvvF, arn:aws:secretsmanager:us-east-1:210987654321:secret:prod/db-hlRvvF-??????",
    "ssm:/prod/db, arn:aws:ssm:us-east-1:210987654321:parameter/prod/db",
    "ssm:db, arn:aws:ssm:us-east-1:210987654321:parameter/db",
    "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/a/b, arn:aws-cn:ssm:cn-north-1:123456789012:parameter/a/b",
  })
  @DisplayName("names exactly the secrets of its plan")
  void exact(String secret, String resource) {
    IamPolicy policy = IamPolicy.of(plan(secret), false, "210987654321", "us-east-1");
    assertThat(resources(policy)).containsExactly(resource);
  }

  @ParameterizedTest
  @CsvSource({
    "eu-west-1, aws",
    "cn-north-1, aws-cn",
    "us-gov-west-1, aws-us-gov",
    "us-iso-east-1, aws-iso",
    "us-isob-east-1, aws-iso-b",
    "eu-isoe-west-1, aws-iso-e",
    "us-isof-south-1, aws-iso-f",
    "eusc-de-east-1, aws-eusc",
  })
  @DisplayName("has the partition of the region")
  void partitions(String region, String partition) {
    assertThat(resources(IamPolicy.of(plan("db"), false, "210987654321", region)))
        .containsExactly(
            "arn:" + partition + ":secretsmanager:" + region + ":210987654321:secret:db-??????");
  }

  @Test
  @DisplayName("lets a fetcher that stays look for new versions, and no other")
  void actions() {
    assertThat(texts(statement(IamPolicy.of(plan(ARN), false, null, null), 0).get("Action")))
        .containsExactly("secretsmanager:GetSecretValue");
    assertThat(texts(statement(IamPolicy.of(plan(ARN), true, null, null), 0).get("Action")))
        .containsExactly("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret");
    assertThat(texts(statement(IamPolicy.of(plan("ssm:a"), true, null, null), 0).get("Action")))
        .containsExactly("ssm:GetParameters");
  }

  @Test
  @DisplayName("names each secret once, and the pod's region before any other")
  void once() {
    InjectionPlan plan =
        InjectionPlan.builder()
            .files(plan(ARN, ARN + "#user", "db").files())
            .region("eu-central-1")
            .build();
    assertThat(resources(IamPolicy.of(plan, false, "210987654321", "us-east-1")))
        .containsExactly("arn:aws:secretsmanager:eu-central-1:210987654321:secret:db-??????", ARN);
  }

  @Test
  @DisplayName("covers the replicas in the failover region, by their own names if they have some")
  void failover() {
    InjectionPlan plan =
        InjectionPlan.builder()
            .file(file(ARN))
            .file(file("db").withFailover(SecretReference.parse("db-in-exile")))
            .region("eu-west-1")
            .failoverRegion("eu-central-1")
            .build();
    assertThat(resources(IamPolicy.of(plan, false, "123456789012", null)))
        .containsExactlyInAnyOrder(
            ARN,
            ARN.replace("eu-west-1", "eu-central-1"),
            "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-??????",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-in-exile-??????");
  }

  @Test
  @DisplayName("lets sealed values be opened for this cluster and namespace only")
  void sealed() {
    InjectionPlan plan =
        InjectionPlan.builder()
            .file(file("kms:AQID"))
            .sealed(new Sealed(List.of(KEY), "blue", "shop"))
            .build();
    IamPolicy policy = IamPolicy.of(plan, true, null, null);
    assertThat(policy.document().get("Statement")).hasSize(1);
    assertThat(statement(policy, 0).toString())
        .isEqualTo(
            "{\"Effect\":\"Allow\",\"Action\":[\"kms:Decrypt\"],\"Resource\":[\""
                + KEY
                + "\"],\"Condition\":{\"StringEquals\":{"
                + "\"kms:EncryptionContext:secrets-controller:cluster\":\"blue\","
                + "\"kms:EncryptionContext:secrets-controller:namespace\":\"shop\"}}}");
  }

  @Test
  @DisplayName("says what it can't know")
  void notes() {
    assertThat(IamPolicy.of(plan("db"), false, null, null).notes())
        .anyMatch(note -> note.contains("any region and account"))
        .anyMatch(note -> note.contains("kms:Decrypt"));
    assertThat(resources(IamPolicy.of(plan("db"), false, null, null)))
        .containsExactly("arn:aws:secretsmanager:*:*:secret:db-??????");
    assertThat(IamPolicy.of(plan(ARN), false, null, null).notes())
        .noneMatch(note -> note.contains("any "));
    assertThat(IamPolicy.of(plan(ARN.replace("db-hlRvvF", "db-secret")), false, null, null).notes())
        .anyMatch(note -> note.contains("if that is the secret's whole name, append -??????"));
    InjectionPlan optional = InjectionPlan.of(List.of(file("db").withOptional(true)));
    assertThat(IamPolicy.of(optional, false, null, null).notes())
        .anyMatch(note -> note.startsWith("db is optional"));
  }
}
