package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.Sealed;
import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The check of a plan, before anything is read,")
class PlanCheckTest {

  private static SecretFile file(String secret, String path) {
    return SecretFile.of(SecretReference.parse(secret), path);
  }

  private static List<String> problems(InjectionPlan.Builder plan) {
    FetchFailure failure =
        catchThrowableOfType(FetchFailure.class, () -> PlanCheck.check(plan.build()));
    assertThat(failure).isNotNull();
    assertThat(failure.code()).isEqualTo(ExitCode.BAD_PLAN);
    return failure.sentences();
  }

  @Test
  @DisplayName("allows everything where the operator named no patterns, and what a pattern matches")
  void allowed() throws Exception {
    PlanCheck.check(InjectionPlan.of(List.of(file("any/thing", "a"))));
    PlanCheck.check(
        InjectionPlan.builder()
            .file(file("prod/db", "a"))
            .file(file("arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/k-AbCdEf", "b"))
            .allowed(List.of(new ReferencePattern("other"), new ReferencePattern("prod/*")))
            .build());
  }

  @Test
  @DisplayName("tells each secret that no pattern matches, the failover's names included")
  void notAllowed() {
    assertThat(
            problems(
                InjectionPlan.builder()
                    .file(file("dev/db", "a"))
                    .file(file("prod/db", "b").withFailover(SecretReference.parse("elsewhere/db")))
                    .allowed(List.of(new ReferencePattern("prod/*"), new ReferencePattern("x")))))
        .containsExactly(
            "a: the operator doesn't allow dev/db here; allowed are [prod/*, x]",
            "b: the operator doesn't allow elsewhere/db here; allowed are [prod/*, x]");
  }

  @Test
  @DisplayName("tells an ARN that no pattern matches in the failover region")
  void notAllowedAway() throws Exception {
    String arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf";
    String pattern = "arn:aws:secretsmanager:eu-west-1:*";
    InjectionPlan.Builder plan =
        InjectionPlan.builder()
            .file(file(arn, "a"))
            .failoverRegion("eu-central-1")
            .allowed(List.of(new ReferencePattern(pattern)));
    assertThat(problems(plan))
        .containsExactly(
            "a: the operator doesn't allow "
                + arn.replace("eu-west-1", "eu-central-1")
                + ", where the secret is read in the failover region; allowed are ["
                + pattern
                + "]");
    PlanCheck.check(
        plan.allowed(
                List.of(
                    new ReferencePattern(pattern),
                    new ReferencePattern("arn:aws:secretsmanager:eu-central-1:*")))
            .build());
  }

  @Test
  @DisplayName("refuses a sealed value where the plan doesn't tell how to open it")
  void sealed() throws Exception {
    InjectionPlan.Builder plan = InjectionPlan.builder().file(file("kms:AQIDBA", "a"));
    assertThat(problems(plan))
        .containsExactly(
            "a: kms:AQIDBA is sealed, and the plan's \"sealed\" must tell with which keys, for"
                + " which cluster and namespace");
    PlanCheck.check(
        plan.sealed(new Sealed(List.of("arn:aws:kms:us-east-1:123456789012:key/k"), "blue", "shop"))
            .build());
  }

  @Test
  @DisplayName("refuses a counterpart that another service keeps")
  void otherService() {
    assertThat(
            problems(
                InjectionPlan.builder()
                    .file(file("db", "a").withFailover(SecretReference.parse("ssm:/db")))))
        .containsExactly("a: ssm:/db can't stand in for db, which is kept by another service");
  }
}
