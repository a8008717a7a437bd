package io.github.secretscontroller.aws;

import io.github.secretscontroller.aws.KmsEnvelope.MalformedEnvelopeException;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import java.util.Arrays;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.SdkBytes;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.DecryptResponse;
import software.amazon.awssdk.services.kms.model.DisabledException;
import software.amazon.awssdk.services.kms.model.IncorrectKeyException;
import software.amazon.awssdk.services.kms.model.InvalidCiphertextException;
import software.amazon.awssdk.services.kms.model.KmsInvalidStateException;
import software.amazon.awssdk.services.kms.model.NotFoundException;

/**
 * Opens envelopes, under keys that the operator allows. An envelope names its key itself, but that
 * is only looked up among the allowed ones: somebody else's key would open somebody else's envelope
 * just as well.
 *
 * <p>To KMS, a changed data key and a wrong context are the same error; so whatever can be compared
 * is compared before KMS is asked, which also costs nothing.
 */
final class KmsOpener implements AutoCloseable {

  private final Set<String> allowedKeyArns;
  private final RegionalClients<KmsClient> clients;

  KmsOpener(Collection<String> allowedKeyArns, RegionalClients<KmsClient> clients) {
    this.allowedKeyArns = new TreeSet<>(allowedKeyArns);
    this.clients = clients;
    for (String arn : allowedKeyArns) {
      if (!arn.matches("arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+")) {
        throw new IllegalArgumentException(
            "\""
                + arn
                + "\" is no ARN of a KMS key; it must look like"
                + " arn:aws:kms:REGION:ACCOUNT:key/ID, since an alias can be moved");
      }
    }
  }

  /** The envelope in a reference, whose key and content aren't looked at yet. */
  static KmsEnvelope envelope(SecretReference reference) {
    if (!reference.scheme().equals(SecretReference.KMS)) {
      throw new SecretException.InvalidRequest(
          reference, reference.describe() + " is no kms: reference", null);
    }
    try {
      return KmsEnvelope.parse(reference.id());
    } catch (MalformedEnvelopeException e) {
      throw new SecretException.Corrupt(
          reference, reference.describe() + " is no sealed value: " + e.getMessage(), null);
    }
  }

  /**
   * The value; the caller wipes it.
   *
   * @param reference for messages
   */
  byte[] open(SecretReference reference, KmsEnvelope envelope) {
    KmsEnvelope.Header header = envelope.header();
    if (!allowedKeyArns.contains(header.keyArn())) {
      throw new SecretException.InvalidRequest(reference, notAllowed(reference, header), null);
    }
    byte[] dataKey = dataKey(reference, header);
    try {
      return envelope.open(dataKey);
    } catch (MalformedEnvelopeException e) {
      throw new SecretException.Corrupt(
          reference, reference.describe() + " can't be opened: " + e.getMessage(), null);
    } finally {
      Arrays.fill(dataKey, (byte) 0);
    }
  }

  @Override
  public void close() {
    clients.close();
  }

  private byte[] dataKey(SecretReference reference, KmsEnvelope.Header header) {
    String keyArn = header.keyArn();
    DecryptResponse decrypted;
    try {
      KmsClient kms = clients.clientIn(header.region(), reference);
      decrypted =
          kms.decrypt(
              request ->
                  request
                      .keyId(keyArn)
                      .ciphertextBlob(SdkBytes.fromByteArrayUnsafe(header.encryptedDataKey()))
                      .encryptionContext(header.encryptionContext()));
    } catch (SecretException e) {
      throw e;
    } catch (RuntimeException e) {
      throw failure(reference, keyArn, e);
    }
    if (decrypted.plaintext() == null) {
      throw new SecretException.Corrupt(
          reference, "KMS answered without a data key for " + reference.describe(), null);
    }
    // The SDK's own buffer rather than a copy, so that there is one less to wipe.
    byte[] dataKey = decrypted.plaintext().asByteArrayUnsafe();
    if (!keyArn.equals(decrypted.keyId())) {
      Arrays.fill(dataKey, (byte) 0);
      throw new SecretException.Corrupt(
          reference,
          reference.describe() + " was opened with " + decrypted.keyId() + ", not with " + keyArn,
          null);
    }
    return dataKey;
  }

  private String notAllowed(SecretReference reference, KmsEnvelope.Header header) {
    String keyId = header.keyArn().substring(header.keyArn().lastIndexOf(':') + 1);
    for (String allowed : allowedKeyArns) {
      if (allowed.endsWith(":" + keyId)) {
        return reference.describe()
            + " is sealed in region "
            + header.region()
            + ", and the key of that id that is allowed is "
            + allowed
            + "; seal it anew there";
      }
    }
    return reference.describe()
        + " is sealed with "
        + header.keyArn()
        + ", which isn't among the allowed keys "
        + allowedKeyArns;
  }

  /** The failure of using a key, to open or to seal. */
  static SecretException failure(SecretReference reference, String keyArn, RuntimeException e) {
    String what = reference.describe();
    String told = e instanceof AwsServiceException answered ? AwsFailures.told(answered) : "";
    if (e instanceof InvalidCiphertextException || e instanceof IncorrectKeyException) {
      return new SecretException.Corrupt(
          reference,
          "KMS can't open the data key of "
              + what
              + ": it was changed, or sealed for another owner than its header says"
              + told,
          null);
    }
    if (e instanceof DisabledException) {
      return new SecretException.AccessDenied(
          reference,
          "the KMS key " + keyArn + " of " + what + " is disabled; enable it" + told,
          null);
    }
    if (e instanceof KmsInvalidStateException) {
      return new SecretException.AccessDenied(
          reference,
          "the KMS key "
              + keyArn
              + " of "
              + what
              + " is in a state in which it can't be used, such as pending deletion; cancel that,"
              + " and enable it"
              + told,
          null);
    }
    if (e instanceof NotFoundException) {
      return new SecretException.InvalidRequest(
          reference, "there is no KMS key " + keyArn + ", for " + what + told, null);
    }
    return AwsFailures.translate(
        reference,
        e,
        "using the KMS key "
            + keyArn
            + " for "
            + what
            + " is denied: the role needs kms:Decrypt (to seal, kms:GenerateDataKey) on it, with"
            + " this encryption context");
  }
}
