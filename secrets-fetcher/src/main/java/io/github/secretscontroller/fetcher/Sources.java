package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.aws.AwsEnvironment;
import io.github.secretscontroller.aws.KmsEnvelopeSource;
import io.github.secretscontroller.aws.ParameterStoreSource;
import io.github.secretscontroller.aws.SecretsManagerSource;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.Sealed;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Where the program as it ships reads secrets. */
final class Sources implements Fetcher.Backend {

  static final String VARIABLE = "SECRETS_SOURCE";

  private static final String DIRECTORY = "directory:";

  @Override
  public SecretSource open(InjectionPlan plan, Map<String, String> environment) {
    String name = environment.getOrDefault(VARIABLE, "");
    if (name.isEmpty()) {
      NamedAuthorities.useWherePrepared(System.getProperties());
      return aws(plan, AwsEnvironment.of(environment));
    }
    return new DirectorySecretStore(directory(name));
  }

  @Override
  public String identity(Map<String, String> environment) {
    String name = environment.getOrDefault(VARIABLE, "");
    if (!name.isEmpty()) {
      return "none, for files on disk";
    }
    try {
      return AwsEnvironment.of(environment).identity().describe();
    } catch (IllegalArgumentException e) {
      // What is wrong is told by the read that fails for it.
      return "none";
    }
  }

  /**
   * A source of which the plan names nothing costs nothing, not even the loading of its classes.
   */
  private static SecretSource aws(InjectionPlan plan, AwsEnvironment environment) {
    String region = plan.region();
    AwsEnvironment aws = region == null ? environment : environment.withRegion(region);
    Map<String, SecretSource> sources = new HashMap<>();
    for (String scheme : schemes(plan)) {
      SecretSource source = aws(scheme, plan, aws);
      if (source != null) {
        sources.put(scheme, source);
      }
    }
    return SecretSource.routing(sources);
  }

  private static Set<String> schemes(InjectionPlan plan) {
    Set<String> schemes = new TreeSet<>();
    for (SecretFile file : plan.files()) {
      SecretReference secret = file.secret();
      if (secret != null) {
        schemes.add(secret.scheme());
      }
    }
    if (!plan.resolve().isEmpty()) {
      // Which of the two a native Secret's values are in shows only when it is read.
      schemes.add(SecretReference.SECRETS_MANAGER);
      schemes.add(SecretReference.KMS);
    }
    return schemes;
  }

  private static @Nullable SecretSource aws(String scheme, InjectionPlan plan, AwsEnvironment aws) {
    String away = plan.failoverRegion();
    return switch (scheme) {
      case SecretReference.SECRETS_MANAGER ->
          away == null
              ? SecretsManagerSource.of(aws)
              : SecretsManagerSource.withFailover(aws, away, counterparts(plan));
      case SecretReference.PARAMETER_STORE ->
          away == null
              ? ParameterStoreSource.of(aws)
              : ParameterStoreSource.withFailover(aws, away, counterparts(plan));
      case SecretReference.KMS -> sealed(plan.sealed(), aws);
      default -> null;
    };
  }

  private static @Nullable SecretSource sealed(@Nullable Sealed sealed, AwsEnvironment aws) {
    return sealed == null
        ? null
        : new KmsEnvelopeSource(aws, sealed.keys(), sealed.cluster(), sealed.namespace());
  }

  private static Map<SecretReference, SecretReference> counterparts(InjectionPlan plan) {
    Map<SecretReference, SecretReference> counterparts = new HashMap<>();
    for (SecretFile file : plan.files()) {
      SecretReference secret = file.secret();
      SecretReference failover = file.failover();
      if (secret != null && failover != null) {
        counterparts.put(secret, failover);
      }
    }
    return counterparts;
  }

  private static Path directory(String name) {
    if (!name.startsWith(DIRECTORY) || name.length() == DIRECTORY.length()) {
      throw new IllegalArgumentException(
          VARIABLE
              + " must be directory:/path, or not set for AWS Secrets Manager, not \""
              + name
              + "\"");
    }
    try {
      return Path.of(name.substring(DIRECTORY.length()));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          VARIABLE + ": \"" + name + "\" names no path: " + e.getReason(), e);
    }
  }
}
