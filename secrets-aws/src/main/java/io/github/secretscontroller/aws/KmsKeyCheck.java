package io.github.secretscontroller.aws;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.KeyMetadata;
import software.amazon.awssdk.services.kms.model.KeySpec;
import software.amazon.awssdk.services.kms.model.KeyState;
import software.amazon.awssdk.services.kms.model.KeyUsageType;
import software.amazon.awssdk.services.kms.model.NotFoundException;

/**
 * Looks at a customer-managed key when a program starts, so that a wrong one is found before the
 * first secret needs it.
 *
 * @see <a
 *     href="https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html">DescribeKey</a>
 */
final class KmsKeyCheck {

  private static final Logger LOG = LoggerFactory.getLogger(KmsKeyCheck.class);

  private KmsKeyCheck() {}

  /**
   * Checks that the key exists in the region, is enabled, and encrypts symmetrically. A role that
   * may not describe the key is a warning only: it may use it all the same.
   *
   * @return the key's ARN, or {@code keyId} itself where the key can't be described
   * @throws IllegalArgumentException if the key can't be used; the message tells why, and the fix
   */
  static String check(KmsClient kms, String keyId, String region) {
    requireRegion(keyId, region);
    KeyMetadata key;
    try {
      key = kms.describeKey(request -> request.keyId(keyId)).keyMetadata();
    } catch (NotFoundException e) {
      throw unusable(keyId, "there is no such key in " + region + "; name one that is there");
    } catch (RuntimeException e) {
      if (AwsFailures.isDenied(e)) {
        LOG.warn(
            "the KMS key {} can't be checked, since kms:DescribeKey on it is denied; it is used"
                + " all the same",
            keyId);
        return keyId;
      }
      throw unusable(keyId, "it can't be described: " + e.getClass().getSimpleName());
    }
    if (key.keyUsage() != KeyUsageType.ENCRYPT_DECRYPT) {
      throw unusable(
          keyId, "its usage is " + key.keyUsageAsString() + "; it must be ENCRYPT_DECRYPT");
    }
    if (key.keySpec() != null && key.keySpec() != KeySpec.SYMMETRIC_DEFAULT) {
      throw unusable(
          keyId, "its spec is " + key.keySpecAsString() + "; it must be SYMMETRIC_DEFAULT");
    }
    if (key.keyState() != KeyState.ENABLED) {
      String fix =
          key.keyState() == KeyState.PENDING_DELETION
              ? "cancel its deletion, and enable it"
              : "enable it";
      throw unusable(keyId, "its state is " + key.keyStateAsString() + "; " + fix);
    }
    return key.arn();
  }

  private static void requireRegion(String keyId, String region) {
    if (keyId.startsWith("arn:")) {
      String[] fields = keyId.split(":", 6);
      if (fields.length == 6 && !fields[3].equals(region)) {
        throw unusable(
            keyId,
            "it is in "
                + fields[3]
                + ", and secrets are written in "
                + region
                + "; name a key of that region");
      }
    }
  }

  private static IllegalArgumentException unusable(String keyId, String reason) {
    return new IllegalArgumentException("the KMS key " + keyId + " can't be used: " + reason);
  }
}
