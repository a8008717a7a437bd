package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.ReferencePattern;
import java.util.List;

/**
 * Which secrets some pods may name. In the patterns of namespaces and ServiceAccounts {@code *}
 * stands for any run of characters, and {@code ?} for one.
 *
 * @param namespaces patterns of the namespaces for whose pods the rule is
 * @param serviceAccounts patterns of these pods' ServiceAccounts
 * @param secrets what they may name
 * @see InjectorConfig.Builder#policy
 */
public record PolicyRule(
    List<String> namespaces, List<String> serviceAccounts, List<ReferencePattern> secrets) {

  /** Copies the lists; none of them may be empty. */
  public PolicyRule {
    if (namespaces.isEmpty() || serviceAccounts.isEmpty() || secrets.isEmpty()) {
      throw new IllegalArgumentException(
          "a rule needs namespaces and secrets, each with one pattern at least (\"*\" is all);"
              + " serviceAccounts can be left out, but not empty");
    }
    namespaces = List.copyOf(namespaces);
    serviceAccounts = List.copyOf(serviceAccounts);
    secrets = List.copyOf(secrets);
  }
}
