package io.github.secretscontroller.admission.cli;

/** The command line, the configuration or a file is wrong; the reason says how to put it right. */
final class UsageException extends Exception {

  private static final long serialVersionUID = 1;

  private final String reason;

  UsageException(String reason) {
    super(reason);
    this.reason = reason;
  }

  String reason() {
    return reason;
  }
}
