package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkException;

/** Tells the failures of AWS apart, by error code, since not all of them are modelled. */
final class AwsFailures {

  private AwsFailures() {}

  static SecretException translate(SecretReference reference, SdkException e) {
    if (!(e instanceof AwsServiceException failure)) {
      return new SecretException.Unavailable(
          reference,
          "AWS could not be reached for " + reference.describe() + ": " + e.getMessage(),
          e);
    }
    String code = failure.awsErrorDetails() == null ? "" : failure.awsErrorDetails().errorCode();
    String where =
        reference.describe()
            + " (AWS says "
            + code
            + ": "
            + (failure.awsErrorDetails() == null ? "" : failure.awsErrorDetails().errorMessage())
            + "; request id "
            + failure.requestId()
            + ")";
    if (failure.isThrottlingException()) {
      return new SecretException.Unavailable(reference, "AWS throttles " + where, e, true);
    }
    return switch (code) {
      case "ResourceNotFoundException" ->
          new SecretException.NotFound(
              reference, "there is no such secret or version: " + where, e);
      case "AccessDeniedException",
          "UnrecognizedClientException",
          "InvalidSignatureException",
          "ExpiredTokenException",
          "IncompleteSignature",
          "InvalidClientTokenId" ->
          new SecretException.AccessDenied(
              reference,
              "the identity may not read "
                  + where
                  + "; allow secretsmanager:GetSecretValue on it, and kms:Decrypt on its key",
              e);
      case "DecryptionFailure" ->
          new SecretException.AccessDenied(reference, "KMS can't decrypt " + where, e);
      case "InvalidParameterException", "ValidationException" ->
          new SecretException.InvalidRequest(reference, "AWS refuses the request for " + where, e);
      case "InvalidRequestException" ->
          new SecretException.NotFound(
              reference, "scheduled for deletion, or unusable: " + where, e);
      default ->
          failure.statusCode() >= 500
              ? new SecretException.Unavailable(reference, "AWS failed on " + where, e)
              : new SecretException.InvalidRequest(reference, "AWS refuses " + where, e);
    };
  }
}
