package io.github.secretscontroller.aws;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import software.amazon.awssdk.auth.credentials.AwsCredentials;
import software.amazon.awssdk.auth.credentials.AwsCredentialsProvider;
import software.amazon.awssdk.core.exception.AbortedException;

/** Waits a little for a token's file, which kubelet may mount just after the container started. */
final class AwaitedToken implements AwsCredentialsProvider {

  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final Duration POLL = Duration.ofMillis(50);

  private final Path file;
  private final AwsCredentialsProvider delegate;

  AwaitedToken(Path file, AwsCredentialsProvider delegate) {
    this.file = file;
    this.delegate = delegate;
  }

  @Override
  public AwsCredentials resolveCredentials() {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!Files.isReadable(file)) {
      if (System.nanoTime() > deadline) {
        throw new MissingTokenException(
            "the token file "
                + file
                + " of AWS_WEB_IDENTITY_TOKEN_FILE didn't appear within "
                + PATIENCE.toSeconds()
                + " seconds; is its volume mounted into this container?");
      }
      LockSupport.parkNanos(POLL.toNanos());
      // The SDK ends a call that is past its deadline by interrupting it.
      if (Thread.currentThread().isInterrupted()) {
        throw AbortedException.create("interrupted while waiting for " + file);
      }
    }
    return delegate.resolveCredentials();
  }

  /** There is no identity to ask AWS with. */
  static final class MissingTokenException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MissingTokenException(String message) {
      super(message);
    }
  }
}
