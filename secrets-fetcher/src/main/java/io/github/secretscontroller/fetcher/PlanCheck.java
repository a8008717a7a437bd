package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What can be said against a plan before anything is read. */
final class PlanCheck {

  private PlanCheck() {}

  /**
   * Checks that nothing is named that the operator doesn't allow or that can't be opened, and that
   * each file can be made.
   *
   * @return what makes the files
   * @throws FetchFailure with {@link ExitCode#BAD_PLAN} and everything that is wrong
   */
  static Renderer check(InjectionPlan plan) throws FetchFailure {
    List<String> problems = new ArrayList<>();
    for (SecretFile file : plan.files()) {
      checkReference(plan, file, file.secret(), problems);
      checkReference(plan, file, file.failover(), problems);
      checkAway(plan, file, problems);
      checkFailover(file, problems);
    }
    Renderer renderer = null;
    try {
      renderer = Renderer.of(plan.files());
    } catch (FetchFailure e) {
      problems.addAll(e.sentences());
    }
    if (renderer == null || !problems.isEmpty()) {
      throw new FetchFailure(ExitCode.BAD_PLAN, problems);
    }
    return renderer;
  }

  private static void checkReference(
      InjectionPlan plan,
      SecretFile file,
      @Nullable SecretReference reference,
      List<String> problems) {
    if (reference == null) {
      return;
    }
    List<ReferencePattern> allowed = plan.allowed();
    if (!allowed.isEmpty() && !isAllowed(allowed, reference)) {
      problems.add(
          file.path()
              + ": the operator doesn't allow "
              + reference.describe()
              + " here; allowed are "
              + allowed);
    }
    if (reference.scheme().equals(SecretReference.KMS) && plan.sealed() == null) {
      problems.add(
          file.path()
              + ": "
              + reference.describe()
              + " is sealed, and the plan's \"sealed\" must tell with which keys, for which cluster"
              + " and namespace");
    }
  }

  /** Away, an ARN is another one, which a pattern with a region may not match. */
  private static void checkAway(InjectionPlan plan, SecretFile file, List<String> problems) {
    SecretReference secret = file.secret();
    String region = plan.failoverRegion();
    if (secret == null || region == null || file.failover() != null || plan.allowed().isEmpty()) {
      return;
    }
    SecretReference away = secret.inRegion(region);
    if (isAllowed(plan.allowed(), secret) && !isAllowed(plan.allowed(), away)) {
      problems.add(
          file.path()
              + ": the operator doesn't allow "
              + away.describe()
              + ", where the secret is read in the failover region; allowed are "
              + plan.allowed());
    }
  }

  private static void checkFailover(SecretFile file, List<String> problems) {
    SecretReference secret = file.secret();
    SecretReference failover = file.failover();
    if (secret != null && failover != null && !secret.scheme().equals(failover.scheme())) {
      problems.add(
          file.path()
              + ": "
              + failover.describe()
              + " can't stand in for "
              + secret.describe()
              + ", which is kept by another service");
    }
  }

  private static boolean isAllowed(List<ReferencePattern> allowed, SecretReference reference) {
    for (ReferencePattern pattern : allowed) {
      if (pattern.matches(reference)) {
        return true;
      }
    }
    return false;
  }
}
