package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import java.io.IOException;
import java.util.Locale;
import java.util.Set;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import software.amazon.awssdk.awscore.exception.AwsErrorDetails;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.AbortedException;
import software.amazon.awssdk.core.exception.ApiCallAttemptTimeoutException;
import software.amazon.awssdk.core.exception.ApiCallTimeoutException;
import software.amazon.awssdk.services.sts.model.StsException;

/**
 * Tells the failures of AWS apart, by error code: access denied and throttling, among others, are
 * no exception types of their own. See the <a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html">common
 * errors</a> and those of each call.
 *
 * <p>AWS's own words are kept, with the request id, where they name resources and actions only.
 * What the SDK says about a body that it couldn't read may quote the body, so that is never kept,
 * neither as a message nor as a cause.
 */
final class AwsFailures {

  private static final Set<String> NOT_FOUND =
      Set.of("ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound");

  private static final Set<String> DENIED =
      Set.of(
          "AccessDenied",
          "AccessDeniedException",
          "NotAuthorized",
          "OptInRequired",
          "DecryptionFailure",
          "EncryptionFailure",
          "InvalidKeyId");

  private static final Set<String> BAD_CREDENTIALS =
      Set.of(
          "ExpiredToken",
          "ExpiredTokenException",
          "IDPRejectedClaim",
          "IncompleteSignature",
          "IncompleteSignatureException",
          "InvalidClientTokenId",
          "InvalidIdentityToken",
          "InvalidIdentityTokenException",
          "InvalidSignatureException",
          "MissingAuthenticationToken",
          "MissingAuthenticationTokenException",
          "SignatureDoesNotMatch",
          "UnrecognizedClientException");

  private static final Set<String> CLOCK =
      Set.of("RequestExpired", "RequestTimeTooSkewed", "RequestInTheFuture");

  private static final Set<String> THROTTLED =
      Set.of(
          "PriorRequestNotComplete",
          "ProvisionedThroughputExceededException",
          "RequestLimitExceeded",
          "SlowDown",
          "Throttling",
          "ThrottlingException",
          "ThrottledException",
          "TooManyRequestsException",
          "TooManyUpdates");

  /** Their messages quote the parameter that is wrong, which may be a value. */
  private static final Set<String> QUOTING = Set.of("ValidationException", "ValidationError");

  private static final Set<String> UNAVAILABLE =
      Set.of(
          "IDPCommunicationError",
          "InternalFailure",
          "InternalServerError",
          "InternalServiceError",
          "RequestAbortedException",
          "RequestTimeout",
          "RequestTimeoutException",
          "ServiceUnavailable",
          "ServiceUnavailableException");

  private AwsFailures() {}

  /**
   * The failure of reading {@code reference}.
   *
   * @param e what the SDK, or the credentials that it asked for, threw
   */
  static SecretException reading(SecretReference reference, RuntimeException e) {
    return translate(
        reference,
        e,
        "reading "
            + reference.describe()
            + " is denied: the role needs secretsmanager:GetSecretValue (ssm:GetParameters for a"
            + " parameter) on it and kms:Decrypt on its key; or it doesn't exist, which a policy"
            + " limited to names looks like as well");
  }

  /** The failure of writing {@code reference}. */
  static SecretException writing(SecretReference reference, RuntimeException e) {
    return translate(
        reference,
        e,
        "writing "
            + reference.describe()
            + " is denied: the role needs secretsmanager:CreateSecret, DescribeSecret,"
            + " GetSecretValue, PutSecretValue, UpdateSecretVersionStage, RestoreSecret,"
            + " DeleteSecret and TagResource on it, and kms:GenerateDataKey and kms:Decrypt on its key");
  }

  /** As {@link #reading}, with words of its own for a denial. */
  static SecretException translate(SecretReference reference, RuntimeException e, String denied) {
    String what = reference.describe();
    if (e instanceof AwaitedToken.MissingTokenException) {
      return new SecretException.AccessDenied(
          reference, "no access to " + what + ": " + e.getMessage(), null);
    }
    if (e instanceof AwsServiceException answered) {
      return answered(reference, what, answered, denied);
    }
    if (e instanceof ApiCallTimeoutException || e instanceof ApiCallAttemptTimeoutException) {
      return new SecretException.Unavailable(
          reference, "AWS gave no answer for " + what + " before the deadline", null);
    }
    if (e instanceof AbortedException) {
      return new SecretException.Unavailable(
          reference,
          "the call for " + what + " was cut short, by its deadline or by an interruption",
          null);
    }
    Throwable root = root(e);
    if (root instanceof IOException && isUnreadableBody(root)) {
      return new SecretException.Corrupt(
          reference, "AWS's answer for " + what + " is no valid JSON", null);
    }
    if (root instanceof SSLException) {
      return new SecretException.Unavailable(
          reference, "no secure connection to AWS for " + what + ": " + root.getMessage(), null);
    }
    if (root instanceof IOException) {
      return new SecretException.Unavailable(
          reference, "AWS can't be reached for " + what + ": " + describe(root), null);
    }
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      // Such as a certificate that isn't trusted.
      if (cause instanceof SSLException) {
        return new SecretException.Unavailable(
            reference, "no secure connection to AWS for " + what + ": " + cause.getMessage(), null);
      }
    }
    if (isAboutCredentials(e)) {
      return new SecretException.AccessDenied(
          reference,
          "no access to " + what + ": no credentials could be had; check the pod's identity",
          null);
    }
    return new SecretException.Unavailable(
        reference, "the AWS SDK failed on " + what + ": " + e.getClass().getName(), null);
  }

  /** Whether the caller may not use the call at all, or not on this resource. */
  static boolean isDenied(RuntimeException e) {
    return e instanceof AwsServiceException answered && DENIED.contains(code(answered));
  }

  private static SecretException answered(
      SecretReference reference, String what, AwsServiceException e, String denied) {
    String code = code(e);
    String told = told(e);
    boolean throttled = THROTTLED.contains(code) || e.isThrottlingException();
    if (throttled) {
      return new SecretException.Unavailable(
          reference, "AWS throttles calls, and so the one for " + what + told, null, true);
    }
    if (NOT_FOUND.contains(code)) {
      return new SecretException.NotFound(
          reference,
          "the region and account that were asked have no " + what + ", or no such version" + told,
          null);
    }
    if (code.equals("InvalidRequestException") && isScheduledForDeletion(e)) {
      return new SecretException.NotFound(
          reference,
          what + " is scheduled for deletion; restore it, or refer to another" + told,
          null);
    }
    if (e instanceof StsException && (DENIED.contains(code) || BAD_CREDENTIALS.contains(code))) {
      return new SecretException.AccessDenied(
          reference,
          "the pod's role can't be assumed, for "
              + what
              + "; check the role's trust policy and the ServiceAccount's annotation"
              + told,
          null);
    }
    if (DENIED.contains(code)) {
      return new SecretException.AccessDenied(reference, denied + told, null);
    }
    if (BAD_CREDENTIALS.contains(code)) {
      return new SecretException.AccessDenied(
          reference, "AWS doesn't accept the credentials, for " + what + told, null);
    }
    if (CLOCK.contains(code)) {
      return new SecretException.AccessDenied(
          reference,
          "AWS doesn't accept the time of the request for " + what + "; set the clock" + told,
          null);
    }
    if (UNAVAILABLE.contains(code) || e.statusCode() >= 500) {
      return new SecretException.Unavailable(reference, "AWS failed on " + what + told, null);
    }
    return new SecretException.InvalidRequest(
        reference, "AWS refuses the request for " + what + told, null);
  }

  /** AWS's own words in brackets: code, message and request id. */
  static String told(AwsServiceException e) {
    String code = code(e);
    AwsErrorDetails details = e.awsErrorDetails();
    String message = details == null || QUOTING.contains(code) ? null : details.errorMessage();
    return " ("
        + (code.isEmpty() ? "HTTP " + e.statusCode() : code)
        + (message == null || message.isBlank() ? "" : ": " + message)
        + (e.requestId() == null ? "" : "; request id " + e.requestId())
        + ")";
  }

  private static String code(AwsServiceException e) {
    AwsErrorDetails details = e.awsErrorDetails();
    return details == null || details.errorCode() == null ? "" : details.errorCode();
  }

  /** AWS uses InvalidRequestException for several things; only the words tell which. */
  private static boolean isScheduledForDeletion(AwsServiceException e) {
    AwsErrorDetails details = e.awsErrorDetails();
    String message = details == null ? null : details.errorMessage();
    String lower = message == null ? "" : message.toLowerCase(Locale.ROOT);
    return lower.contains("deletion") || lower.contains("deleted");
  }

  private static boolean isUnreadableBody(Throwable root) {
    // The SDK's JSON parser is its own copy of Jackson, whose exceptions are IOExceptions.
    return root.getClass().getName().contains(".jackson.core.");
  }

  private static boolean isAboutCredentials(RuntimeException e) {
    String message = e.getMessage();
    return message != null && message.contains("credentials");
  }

  private static String describe(Throwable root) {
    return root.getClass().getSimpleName()
        + (root.getMessage() == null ? "" : ", " + root.getMessage());
  }

  private static Throwable root(Throwable e) {
    Throwable root = e;
    @Nullable Throwable cause = e.getCause();
    while (cause != null && cause != root) {
      root = cause;
      cause = root.getCause();
    }
    return root;
  }
}
