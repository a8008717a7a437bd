package io.github.secretscontroller.fetcher;

/**
 * Why a value can't be made into a file. The message goes on behind the name of the secret, as in
 * "isn't valid JSON; store JSON", says how to mend it, and never quotes the value.
 */
final class Unusable extends Exception {

  private static final long serialVersionUID = 1L;

  Unusable(String reason) {
    // No cause: the exceptions of parsers quote what they read.
    super(reason);
  }

  String reason() {
    return String.valueOf(getMessage());
  }
}
