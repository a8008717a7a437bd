package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.secretscontroller.admission.InjectionRequest.Mode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.Refresh;
import io.github.secretscontroller.core.InjectionPlan.Sealed;
import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Adds to a pod's plan what the operator decides: what is allowed, and defaults. */
final class PlanCompletion {

  private final InjectorConfig config;
  private final String namespace;
  private final String serviceAccount;
  private final Map<String, String> annotations;

  PlanCompletion(
      InjectorConfig config, String namespace, JsonNode spec, Map<String, String> annotations) {
    this.config = config;
    this.namespace = namespace;
    this.serviceAccount = PodTree.serviceAccount(spec);
    this.annotations = annotations;
  }

  /** The plan as the fetcher gets it; what the pod may not have becomes a problem. */
  InjectionPlan complete(
      InjectionPlan plan, List<ResolvedVolume> volumes, Mode mode, Problems problems) {
    return InjectionPlan.builder()
        .files(plan.files())
        .region(plan.region() == null ? config.defaultRegion() : plan.region())
        .failoverRegion(plan.failoverRegion())
        .refresh(mode == Mode.INIT ? Refresh.DEFAULT : refresh(plan.refresh()))
        .onChange(plan.onChange())
        .allowed(allowed(plan, !volumes.isEmpty(), problems))
        .sealed(sealed(plan.files(), !volumes.isEmpty(), problems))
        .resolve(volumes)
        .build();
  }

  /** What the pod says, and else what the operator does. */
  private Refresh refresh(Refresh pods) {
    Refresh operators = config.refresh();
    Duration interval = says(PodWide.REFRESH_INTERVAL) ? pods.interval() : operators.interval();
    Duration staleAfter = says(PodWide.STALE_AFTER) ? pods.staleAfter() : operators.staleAfter();
    boolean unready =
        says(PodWide.UNREADY_WHEN_STALE) ? pods.unreadyWhenStale() : operators.unreadyWhenStale();
    // The one's bound can be too short for the other's interval.
    boolean tooSoon = staleAfter != null && staleAfter.compareTo(interval) < 0;
    return new Refresh(interval, tooSoon ? null : staleAfter, unready);
  }

  private boolean says(String annotation) {
    return annotations.containsKey(annotation);
  }

  private List<ReferencePattern> allowed(InjectionPlan plan, boolean resolves, Problems problems) {
    SecretPolicy policy = config.policy();
    if (policy == null) {
      return List.of();
    }
    List<ReferencePattern> allowed = policy.allowed(namespace, serviceAccount);
    for (SecretReference secret : SecretPolicy.outside(allowed, plan.files())) {
      problems.forbidden(
          "annotation "
              + annotationOf(secret)
              + " names "
              + secret.describe()
              + ", which the operator's policy doesn't allow to "
              + who()
              + "; it allows "
              + told(allowed));
    }
    for (SecretReference secret :
        SecretPolicy.outsideAway(allowed, plan.files(), plan.failoverRegion())) {
      problems.forbidden(
          "annotation "
              + PodWide.FAILOVER_REGION
              + " lets "
              + secret.describe()
              + " be read, which the operator's policy doesn't allow to "
              + who()
              + "; it allows "
              + told(allowed));
    }
    // In a plan, no pattern at all means that everything is allowed.
    if (allowed.isEmpty() && resolves) {
      problems.forbidden(
          "annotation "
              + PodWide.RESOLVE
              + " asks for the values of native Secrets, and the operator's policy allows no secret"
              + " to "
              + who()
              + "; ask for a rule");
    }
    return allowed;
  }

  private static String told(List<ReferencePattern> allowed) {
    return allowed.isEmpty()
        ? "no secret there, so ask for a rule"
        : allowed.stream().map(ReferencePattern::text).collect(Collectors.joining(", "));
  }

  private String who() {
    return "ServiceAccount " + serviceAccount + " in namespace " + namespace;
  }

  private @Nullable Sealed sealed(List<SecretFile> files, boolean resolves, Problems problems) {
    for (SecretFile file : files) {
      SecretReference secret = file.secret();
      if (secret != null && secret.scheme().equals(SecretReference.KMS)) {
        KmsSettings kms = config.kms();
        if (kms == null) {
          problems.forbidden(
              "annotation "
                  + annotationOf(secret)
                  + " has a value that is sealed by KMS, and the operator named no keys to open it"
                  + " with; ask for the option kms, or store the secret in Secrets Manager");
          return null;
        }
        return new Sealed(kms.keys(), kms.cluster(), namespace);
      }
    }
    // What is resolved may be sealed; that shows only in the pod.
    KmsSettings kms = resolves ? config.kms() : null;
    return kms == null ? null : new Sealed(kms.keys(), kms.cluster(), namespace);
  }

  /** The annotation in whose value the secret's id stands. */
  private String annotationOf(SecretReference secret) {
    for (Map.Entry<String, String> annotation : new TreeMap<>(annotations).entrySet()) {
      if (annotation.getKey().startsWith(Annotations.PREFIX)
          && annotation.getValue().contains(secret.id())) {
        return annotation.getKey();
      }
    }
    return Annotations.SECRET_ARN;
  }
}
