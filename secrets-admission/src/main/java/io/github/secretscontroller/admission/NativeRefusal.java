package io.github.secretscontroller.admission;

/** A Secret can't be stored; the message is for whoever sent it and never holds a value. */
final class NativeRefusal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;

  /** A refusal because of the Secret itself. */
  NativeRefusal(String message) {
    this(400, message);
  }

  /**
   * A refusal.
   *
   * @param status as an HTTP status
   */
  NativeRefusal(int status, String message) {
    super(message, null, false, false);
    this.status = status;
  }

  int status() {
    return status;
  }

  String reason() {
    return String.valueOf(getMessage());
  }
}
