package io.github.secretscontroller.admission.cli;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.InjectionPlan.Sealed;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The least that a pod's role must be allowed so that its plan can be carried out.
 *
 * @param document an IAM policy
 * @param notes what it can't know
 */
record IamPolicy(ObjectNode document, List<String> notes) {

  /** What AWS appends to a secret's name in its ARN. */
  private static final String RANDOM_SUFFIX = "-??????";

  private static final Pattern SUFFIXED = Pattern.compile(".*-[A-Za-z0-9]{6}");

  /** Random characters are hardly ever all of one kind, while words are. */
  private static final Pattern LIKE_A_WORD = Pattern.compile(".*-([a-z]{6}|[0-9]{6})");

  /** By the start of a region's name; every other region is in the partition aws. */
  private static final Map<String, String> PARTITIONS =
      new TreeMap<>(
              Map.of(
                  "cn-", "aws-cn",
                  "us-gov-", "aws-us-gov",
                  "us-iso-", "aws-iso",
                  "us-isob-", "aws-iso-b",
                  "eu-isoe-", "aws-iso-e",
                  "us-isof-", "aws-iso-f",
                  "eusc-", "aws-eusc"))
          .descendingMap();

  /**
   * The policy for a plan.
   *
   * @param refreshes whether the fetcher looks for new versions
   * @param account of secrets that are named without one, or {@code null}
   * @param region of secrets for which neither they nor the plan name one, or {@code null}
   */
  static IamPolicy of(
      InjectionPlan plan, boolean refreshes, @Nullable String account, @Nullable String region) {
    return new Collector(account, plan.region() != null ? plan.region() : region)
        .collect(plan, refreshes);
  }

  private static final class Collector {

    private final String account;
    private final @Nullable String region;
    private final Set<String> secrets = new TreeSet<>();
    private final Set<String> parameters = new TreeSet<>();
    private final Set<String> notes = new LinkedHashSet<>();

    Collector(@Nullable String account, @Nullable String region) {
      this.account = account == null ? "*" : account;
      this.region = region;
    }

    IamPolicy collect(InjectionPlan plan, boolean refreshes) {
      for (SecretFile file : plan.files()) {
        SecretReference secret = file.secret();
        if (secret != null) {
          add(secret, region);
          String failoverRegion = plan.failoverRegion();
          if (failoverRegion != null) {
            SecretReference failover = file.failover();
            addReplica(failover == null ? secret : failover, failoverRegion);
          }
          if (file.optional()) {
            notes.add(
                secret.describe()
                    + " is optional: while it doesn't exist, AWS answers a role that is limited to"
                    + " names with a denial, which is an error");
          }
        }
      }
      ObjectNode document = JsonNodeFactory.instance.objectNode().put("Version", "2012-10-17");
      ArrayNode statements = document.putArray("Statement");
      if (!secrets.isEmpty()) {
        List<String> actions = new ArrayList<>(List.of("secretsmanager:GetSecretValue"));
        if (refreshes) {
          actions.add("secretsmanager:DescribeSecret");
        }
        statement(statements, actions, secrets);
        notes.add(
            "secrets that are encrypted with a key of your own need kms:Decrypt on that key too;"
                + " the manifest doesn't say which it is");
      }
      if (!parameters.isEmpty()) {
        statement(statements, List.of("ssm:GetParameters"), parameters);
        notes.add(
            "SecureString parameters that are encrypted with a key of your own need kms:Decrypt on"
                + " that key too");
      }
      addSealed(plan.sealed(), statements);
      return new IamPolicy(document, List.copyOf(notes));
    }

    private static void addSealed(@Nullable Sealed sealed, ArrayNode statements) {
      if (sealed != null) {
        statement(statements, List.of("kms:Decrypt"), sealed.keys())
            .putObject("Condition")
            .putObject("StringEquals")
            .put("kms:EncryptionContext:secrets-controller:cluster", sealed.cluster())
            .put("kms:EncryptionContext:secrets-controller:namespace", sealed.namespace());
      }
    }

    private static ObjectNode statement(
        ArrayNode statements, List<String> actions, Collection<String> resources) {
      ObjectNode statement = statements.addObject().put("Effect", "Allow");
      actions.forEach(statement.putArray("Action")::add);
      resources.forEach(statement.putArray("Resource")::add);
      return statement;
    }

    /** A replica has the ARN of its primary, suffix included, but for the region. */
    private void addReplica(SecretReference secret, String failoverRegion) {
      if (!secret.isArn()) {
        add(secret, failoverRegion);
        return;
      }
      String[] fields = secret.id().split(":", 6);
      fields[3] = failoverRegion;
      add(
          new SecretReference(secret.scheme(), String.join(":", fields), null, null, null),
          failoverRegion);
    }

    private void add(SecretReference secret, @Nullable String itsRegion) {
      switch (secret.scheme()) {
        case SecretReference.SECRETS_MANAGER -> secrets.add(secretArn(secret, itsRegion));
        case SecretReference.PARAMETER_STORE -> parameters.add(parameterArn(secret, itsRegion));
        default -> {
          // A sealed value brings its own statement; other backends aren't AWS's.
        }
      }
    }

    private String secretArn(SecretReference secret, @Nullable String itsRegion) {
      if (!secret.isArn()) {
        return arn("secretsmanager", itsRegion, "secret:" + secret.id() + RANDOM_SUFFIX);
      }
      if (!SUFFIXED.matcher(secret.id()).matches()) {
        return secret.id() + RANDOM_SUFFIX;
      }
      if (LIKE_A_WORD.matcher(secret.id()).matches()) {
        notes.add(
            secret.id()
                + " is taken to end in AWS's random characters; if that is the secret's whole name,"
                + " append "
                + RANDOM_SUFFIX);
      }
      return secret.id();
    }

    private String parameterArn(SecretReference secret, @Nullable String itsRegion) {
      if (secret.isArn()) {
        return secret.id();
      }
      String name = secret.id().startsWith("/") ? secret.id() : "/" + secret.id();
      return arn("ssm", itsRegion, "parameter" + name);
    }

    private String arn(String service, @Nullable String itsRegion, String resource) {
      if (itsRegion == null || account.equals("*")) {
        notes.add(
            "the policy covers any "
                + (itsRegion != null
                    ? "account"
                    : account.equals("*") ? "region and account" : "region")
                + " for secrets that are named without one; narrow it with --region and --account");
      }
      String partition =
          PARTITIONS.entrySet().stream()
              .filter(entry -> itsRegion != null && itsRegion.startsWith(entry.getKey()))
              .map(Map.Entry::getValue)
              .findFirst()
              .orElse("aws");
      return String.join(
          ":", "arn", partition, service, itsRegion == null ? "*" : itsRegion, account, resource);
    }
  }
}
