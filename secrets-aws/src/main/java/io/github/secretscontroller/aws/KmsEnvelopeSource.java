package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Opens {@code kms:} references: values that are sealed by KMS envelope encryption and stand in the
 * reference itself. Nothing is stored in AWS; a value can be read by whoever has the reference and
 * may use the key for the owner that the value was sealed for.
 *
 * <p>One Decrypt for each fetch; {@link #currentVersion} makes no call, since a sealed value never
 * changes. Thread-safe.
 *
 * @see KmsEnvelopeWriter
 */
public final class KmsEnvelopeSource implements SecretSource {

  private final KmsOpener opener;
  private final String cluster;
  private final @Nullable String namespace;
  private final AwsResources resources;

  /**
   * A source for one cluster.
   *
   * @param environment names endpoint and credentials; the region is the key's
   * @param allowedKeyArns the only keys with which a value is opened, by ARN
   * @param cluster the operator's name for the cluster that values must be sealed for
   * @param namespace the namespace that they must be sealed for, or {@code null} for any: then only
   *     KMS's own policy keeps one namespace's values from another's
   */
  public KmsEnvelopeSource(
      AwsEnvironment environment,
      List<String> allowedKeyArns,
      String cluster,
      @Nullable String namespace) {
    AwsResources opened = environment.resources();
    try {
      this.opener = new KmsOpener(allowedKeyArns, KmsClients.regional(environment, opened));
    } catch (RuntimeException e) {
      opened.close();
      throw e;
    }
    this.resources = opened;
    this.cluster = cluster;
    this.namespace = namespace;
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    KmsEnvelope envelope = checked(reference);
    byte[] content = opener.open(reference, envelope);
    try {
      return new SecretValue(
          content,
          reference.withSelector(null).withVersionId(null).withVersionStage(null),
          envelope.header().versionId().toString(),
          Set.of(),
          null);
    } finally {
      Arrays.fill(content, (byte) 0);
    }
  }

  @Override
  public String currentVersion(SecretReference reference) {
    return checked(reference).header().versionId().toString();
  }

  @Override
  public void close() {
    opener.close();
    resources.close();
  }

  private KmsEnvelope checked(SecretReference reference) {
    KmsEnvelope envelope = KmsOpener.envelope(reference);
    KmsEnvelope.Header header = envelope.header();
    if (!header.cluster().equals(cluster)
        || (namespace != null && !header.namespace().equals(namespace))) {
      throw new SecretException.InvalidRequest(
          reference,
          reference.describe()
              + " is sealed for namespace "
              + header.namespace()
              + " of cluster "
              + header.cluster()
              + ", and can't be used in "
              + (namespace == null ? "" : "namespace " + namespace + " of ")
              + "cluster "
              + cluster,
          null);
    }
    String pinned = reference.versionId();
    if (reference.versionStage() != null
        || (pinned != null && !pinned.equals(header.versionId().toString()))) {
      throw new SecretException.NotFound(
          reference, reference.describe() + " holds one version only, and another is named", null);
    }
    return envelope;
  }
}
