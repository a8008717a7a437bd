package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.WriteContext;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.DataKeySpec;
import software.amazon.awssdk.services.kms.model.GenerateDataKeyResponse;

/**
 * Seals values by KMS envelope encryption: GenerateDataKey under a customer-managed key,
 * AES-256-GCM with that data key, and the result is the reference itself. For teams that want
 * encryption under a key of their own without storing the value in AWS.
 *
 * <p>Data key and value are bound to the owner, cluster, namespace and name, as KMS's encryption
 * context and as authenticated data; see docs/kms-envelope.md for the layout. A value has at most
 * {@link #MAX_VALUE_BYTES}.
 *
 * <p>Without a name in the backend, a value is compared with the one that {@link
 * WriteContext#previousReference} holds; if it is the same, that reference is returned. If the role
 * may not open it, or it is sealed under another key, the value is sealed anew.
 *
 * <p>Thread-safe.
 */
public final class KmsEnvelopeWriter implements StagingSecretWriter {

  /** The largest value, in bytes: a few references of that size fit into a pod's plan. */
  public static final int MAX_VALUE_BYTES = KmsEnvelope.MAX_VALUE_BYTES;

  private static final Logger LOG = LoggerFactory.getLogger(KmsEnvelopeWriter.class);

  private final AwsResources resources;
  private final KmsClient kms;
  private final String keyArn;
  private final KmsOpener opener;
  private final SecureRandom random = new SecureRandom();

  /**
   * A writer under one key, which DescribeKey checks first: that it exists, is enabled, and
   * encrypts symmetrically. A role that may not describe it is only warned.
   *
   * @param environment names endpoint and credentials; the region is the key's
   * @param keyArn the customer-managed key
   * @throws IllegalArgumentException if it is no key's ARN, or the key can't be used
   */
  public KmsEnvelopeWriter(AwsEnvironment environment, String keyArn) {
    AwsResources opened = environment.resources();
    try {
      this.opener = new KmsOpener(List.of(keyArn), KmsClients.regional(environment, opened));
      String region = keyArn.split(":", 6)[3];
      this.kms = KmsClients.inRegion(environment, region, opened);
      this.keyArn = KmsKeyCheck.check(kms, keyArn, region);
    } catch (RuntimeException e) {
      opened.close();
      throw e;
    }
    this.resources = opened;
  }

  /**
   * Seals a value; see the class for when the previous reference is returned instead.
   *
   * @param name is only checked and used in messages, since nothing is stored under it
   */
  @Override
  public SecretReference write(String name, byte[] value, WriteContext context) {
    SecretReference named = named(name, value);
    return unchanged(value, context).orElseGet(() -> seal(named, value, context));
  }

  /** As {@link #write}: a sealed value is where its reference is, and current nowhere. */
  @Override
  public SecretReference stage(String name, byte[] value, WriteContext context) {
    return write(name, value, context);
  }

  @Override
  public Optional<SecretReference> find(String name, byte[] value, WriteContext context) {
    named(name, value);
    return unchanged(value, context);
  }

  @Override
  public boolean owns(SecretReference reference, WriteContext owner) {
    if (!reference.scheme().equals(SecretReference.KMS)) {
      return false;
    }
    try {
      KmsEnvelope envelope = KmsOpener.envelope(reference);
      String version = reference.versionId();
      if (!isSealedFor(owner, envelope)
          || (version != null && !version.equals(envelope.header().versionId().toString()))) {
        return false;
      }
      // A header is only text; that it is true shows when it opens.
      Arrays.fill(opener.open(reference, envelope), (byte) 0);
      return true;
    } catch (SecretException.Corrupt | SecretException.InvalidRequest e) {
      return false;
    }
  }

  /** Does nothing, as {@link #delete}. */
  @Override
  public void promote(SecretReference reference, WriteContext owner) {}

  /** Does nothing, as {@link #delete}. */
  @Override
  public void markDeleted(SecretReference reference, WriteContext owner, Instant when) {}

  /** Does nothing, as {@link #delete}. */
  @Override
  public void restore(SecretReference reference, WriteContext owner) {}

  /** Empty: nothing is stored. */
  @Override
  public List<Written> inventory(String cluster) {
    return List.of();
  }

  @Override
  public int maxValueBytes() {
    return MAX_VALUE_BYTES;
  }

  /** Does nothing: a sealed value lives in its reference, and is gone with it. */
  @Override
  public void delete(SecretReference reference, WriteContext context) {}

  @Override
  public void close() {
    opener.close();
    kms.close();
    resources.close();
  }

  private static SecretReference named(String name, byte[] value) {
    SecretReference named =
        new SecretReference(SecretReference.SECRETS_MANAGER, name, null, null, null);
    if (value.length > MAX_VALUE_BYTES) {
      throw new SecretException.InvalidRequest(
          named,
          "the value for "
              + name
              + " has "
              + value.length
              + " bytes, more than the "
              + MAX_VALUE_BYTES
              + " that can be sealed into a reference; store it in Secrets Manager",
          null);
    }
    return named;
  }

  /** The previous reference, if it holds the value. */
  private Optional<SecretReference> unchanged(byte[] value, WriteContext context) {
    return context
        .previous()
        .filter(previous -> previous.scheme().equals(SecretReference.KMS))
        .filter(previous -> holds(previous, value, context))
        // As it is written here: a selector or a pinned version isn't part of it.
        .map(previous -> new SecretReference(SecretReference.KMS, previous.id(), null, null, null));
  }

  private static boolean isSealedFor(WriteContext owner, KmsEnvelope envelope) {
    return envelope.header().encryptionContext().equals(KmsEnvelope.encryptionContextOf(owner));
  }

  private boolean holds(SecretReference previous, byte[] value, WriteContext context) {
    try {
      KmsEnvelope envelope = KmsOpener.envelope(previous);
      if (!isSealedFor(context, envelope)) {
        return false;
      }
      byte[] present = opener.open(previous, envelope);
      try {
        return MessageDigest.isEqual(present, value);
      } finally {
        Arrays.fill(present, (byte) 0);
      }
    } catch (SecretException.Unavailable e) {
      // Sealing would fail as well, or make a version that nobody needs.
      throw e;
    } catch (SecretException e) {
      LOG.info(
          "the value is sealed anew, since the previous one can't be compared: {}", e.getMessage());
      return false;
    }
  }

  private SecretReference seal(SecretReference named, byte[] value, WriteContext context) {
    GenerateDataKeyResponse generated;
    try {
      generated =
          kms.generateDataKey(
              request ->
                  request
                      .keyId(keyArn)
                      .keySpec(DataKeySpec.AES_256)
                      .encryptionContext(KmsEnvelope.encryptionContextOf(context)));
    } catch (RuntimeException e) {
      throw KmsOpener.failure(named, keyArn, e);
    }
    if (generated.plaintext() == null || generated.ciphertextBlob() == null) {
      throw new SecretException.Corrupt(
          named, "KMS answered without a data key for " + named, null);
    }
    // The SDK's own buffer rather than a copy, so that there is one less to wipe.
    byte[] dataKey = generated.plaintext().asByteArrayUnsafe();
    try {
      byte[] iv = new byte[KmsEnvelope.IV_BYTES];
      random.nextBytes(iv);
      KmsEnvelope.Header header =
          new KmsEnvelope.Header(
              generated.keyId(),
              context.cluster(),
              context.namespace(),
              context.name(),
              UUID.randomUUID(),
              generated.ciphertextBlob().asByteArray(),
              iv);
      return new SecretReference(
          SecretReference.KMS, KmsEnvelope.seal(header, dataKey, value).toText(), null, null, null);
    } finally {
      Arrays.fill(dataKey, (byte) 0);
    }
  }
}
