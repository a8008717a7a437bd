package io.github.secretscontroller.admission;

/** A request to the Kubernetes API that didn't work, in one sentence. */
final class ClusterException extends RuntimeException {

  private static final long serialVersionUID = 1;

  private final int status;

  /**
   * @param status HTTP's, or 0 if there was no answer
   */
  ClusterException(int status, String message) {
    super(message);
    this.status = status;
  }

  int status() {
    return status;
  }
}
