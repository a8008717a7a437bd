package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretException;

/**
 * How the fetcher ended. The numbers are a contract with scripts and never change.
 *
 * <p>If several secrets fail for different reasons, the code is the reason that comes first in this
 * order: {@link #BAD_PLAN}, {@link #DENIED}, {@link #NOT_FOUND}, {@link #UNUSABLE}, {@link
 * #UNAVAILABLE}. What a person must change comes before what time may heal, so {@link #UNAVAILABLE}
 * always means that the very same run may succeed later.
 */
public enum ExitCode {
  /** All files are published. */
  SUCCESS(0),

  /** A defect of the program, or of the Java runtime. */
  INTERNAL(1),

  /** The plan, or the environment around it, can't be carried out by anybody; nothing was read. */
  BAD_PLAN(2),

  /** A secret, or the version of it that was asked for, doesn't exist. */
  NOT_FOUND(3),

  /** The pod's identity may not read a secret or use its key, or there is no identity. */
  DENIED(4),

  /** The backend throttled, timed out, wasn't reachable, or failed on its side. */
  UNAVAILABLE(5),

  /** The volume is missing, read-only, full, or holds something else under a planned name. */
  WRITE_FAILED(6),

  /** A secret was read, but can't be made into the file that the plan asks for. */
  UNUSABLE(7);

  private final int number;

  ExitCode(int number) {
    this.number = number;
  }

  /** What the process exits with, 0 to 7. */
  public int number() {
    return number;
  }

  /** The code for one failed read. */
  static ExitCode of(SecretException failure) {
    if (failure instanceof SecretException.NotFound) {
      return NOT_FOUND;
    }
    if (failure instanceof SecretException.AccessDenied) {
      return DENIED;
    }
    if (failure instanceof SecretException.InvalidRequest) {
      return BAD_PLAN;
    }
    return failure instanceof SecretException.Corrupt ? UNUSABLE : UNAVAILABLE;
  }

  /** The one of two failures that decides about the exit, by the order above. */
  static ExitCode graver(ExitCode one, ExitCode other) {
    return rank(one) <= rank(other) ? one : other;
  }

  private static int rank(ExitCode code) {
    return switch (code) {
      case INTERNAL -> 0;
      case BAD_PLAN -> 1;
      case WRITE_FAILED -> 2;
      case DENIED -> 3;
      case NOT_FOUND -> 4;
      case UNUSABLE -> 5;
      case UNAVAILABLE -> 6;
      case SUCCESS -> 7;
    };
  }
}
