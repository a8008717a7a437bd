package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.ReferencePattern;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which secrets a pod may name: what the operator's rules add up to. */
final class SecretPolicy {

  private record CompiledRule(
      List<Pattern> namespaces, List<Pattern> serviceAccounts, List<ReferencePattern> secrets) {}

  private final List<CompiledRule> rules;

  SecretPolicy(List<PolicyRule> rules) {
    this.rules =
        rules.stream()
            .map(
                rule ->
                    new CompiledRule(
                        compile(rule.namespaces()),
                        compile(rule.serviceAccounts()),
                        rule.secrets()))
            .toList();
  }

  /** What pods of this ServiceAccount may name; nothing if no rule is for them. */
  List<ReferencePattern> allowed(String namespace, String serviceAccount) {
    Set<ReferencePattern> allowed = new LinkedHashSet<>();
    for (CompiledRule rule : rules) {
      if (matchesAny(rule.namespaces(), namespace)
          && matchesAny(rule.serviceAccounts(), serviceAccount)) {
        allowed.addAll(rule.secrets());
      }
    }
    return List.copyOf(allowed);
  }

  /** The secrets of a plan's files that no pattern allows, those of a failover included. */
  static List<SecretReference> outside(List<ReferencePattern> allowed, List<SecretFile> files) {
    Set<SecretReference> named = new LinkedHashSet<>();
    for (SecretFile file : files) {
      if (file.secret() != null) {
        named.add(file.secret().withSelector(null));
      }
      if (file.failover() != null) {
        named.add(file.failover().withSelector(null));
      }
    }
    return named.stream().filter(secret -> !isAllowed(allowed, secret)).toList();
  }

  /**
   * The ARNs that no pattern allows, and that allowed ARNs become in the failover region; a pattern
   * may name a region.
   */
  static List<SecretReference> outsideAway(
      List<ReferencePattern> allowed, List<SecretFile> files, @Nullable String failoverRegion) {
    Set<SecretReference> away = new LinkedHashSet<>();
    for (SecretFile file : files) {
      SecretReference secret = file.secret();
      if (failoverRegion != null
          && secret != null
          && file.failover() == null
          && isAllowed(allowed, secret)) {
        away.add(secret.withSelector(null).inRegion(failoverRegion));
      }
    }
    return away.stream().filter(secret -> !isAllowed(allowed, secret)).toList();
  }

  private static boolean isAllowed(List<ReferencePattern> allowed, SecretReference secret) {
    return allowed.stream().anyMatch(pattern -> pattern.matches(secret));
  }

  /** The names that a glob stands for: {@code *} is any run of characters, {@code ?} is one. */
  static Pattern glob(String glob) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      switch (c) {
        case '*' -> regex.append(".*");
        case '?' -> regex.append('.');
        default -> regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString());
  }

  static boolean matchesAny(List<Pattern> patterns, String text) {
    return patterns.stream().anyMatch(pattern -> pattern.matcher(text).matches());
  }

  private static List<Pattern> compile(List<String> globs) {
    List<Pattern> patterns = new ArrayList<>();
    globs.forEach(glob -> patterns.add(glob(glob)));
    return patterns;
  }
}
