package io.github.secretscontroller.admission;

/**
 * A Secret can't be stored, because of itself; the message is for whoever sent it and never holds a
 * value. It is a bad request, whatever it is: of an invalid one (422) kubectl shows no message.
 */
final class NativeRefusal extends RuntimeException {
  private static final long serialVersionUID = 1L;

  NativeRefusal(String message) {
    super(message, null, false, false);
  }

  String reason() {
    return String.valueOf(getMessage());
  }
}
