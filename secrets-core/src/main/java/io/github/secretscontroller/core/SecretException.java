package io.github.secretscontroller.core;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Why a secret couldn't be read or written, told apart by what a caller can do about it. Carries
 * the reference and never a value. An implementation must not attach a cause whose message, or
 * whose causes' messages, may show a value.
 */
public abstract sealed class SecretException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  // Transient, since exceptions are serialisable and a reference needn't be.
  private final transient SecretReference reference;

  private SecretException(SecretReference reference, String message, @Nullable Throwable cause) {
    super(message, cause);
    this.reference = Objects.requireNonNull(reference, "reference");
  }

  /** Which secret was asked for. */
  public SecretReference reference() {
    return reference;
  }

  /** Whether the same call may succeed later without anybody changing anything. */
  public boolean isRetryable() {
    return false;
  }

  /** There is no such secret, no such version, or it is scheduled for deletion. */
  public static final class NotFound extends SecretException {
    private static final long serialVersionUID = 1L;

    /** See {@link SecretException}. */
    public NotFound(SecretReference reference, String message, @Nullable Throwable cause) {
      super(reference, message, cause);
    }
  }

  /**
   * The identity may not read or write this secret, or use its encryption key, or there is no
   * identity at all. Some backends answer so for a secret that doesn't exist; never take it for
   * {@link NotFound}.
   */
  public static final class AccessDenied extends SecretException {
    private static final long serialVersionUID = 1L;

    /** See {@link SecretException}. */
    public AccessDenied(SecretReference reference, String message, @Nullable Throwable cause) {
      super(reference, message, cause);
    }
  }

  /** The request can't succeed as it is: the caller or the configuration must change. */
  public static final class InvalidRequest extends SecretException {
    private static final long serialVersionUID = 1L;

    /** See {@link SecretException}. */
    public InvalidRequest(SecretReference reference, String message, @Nullable Throwable cause) {
      super(reference, message, cause);
    }
  }

  /** Throttled, timed out, not reachable, or failing on its side: the one that is retryable. */
  public static final class Unavailable extends SecretException {
    private static final long serialVersionUID = 1L;

    private final boolean throttled;

    /** Not throttled; see {@link SecretException}. */
    public Unavailable(SecretReference reference, String message, @Nullable Throwable cause) {
      this(reference, message, cause, false);
    }

    /**
     * See {@link SecretException}.
     *
     * @param throttled whether the backend asked to slow down
     */
    public Unavailable(
        SecretReference reference, String message, @Nullable Throwable cause, boolean throttled) {
      super(reference, message, cause);
      this.throttled = throttled;
    }

    /** Whether the backend asked to slow down; a caller should then wait longer. */
    public boolean isThrottled() {
      return throttled;
    }

    @Override
    public boolean isRetryable() {
      return true;
    }
  }

  /** The backend answered, but what it answered can't be the secret: damaged or tampered with. */
  public static final class Corrupt extends SecretException {
    private static final long serialVersionUID = 1L;

    /** See {@link SecretException}. */
    public Corrupt(SecretReference reference, String message, @Nullable Throwable cause) {
      super(reference, message, cause);
    }
  }
}
