package io.github.secretscontroller.admission;

import java.nio.charset.StandardCharsets;

/**
 * What an HTTP server should answer: to a POST of the API server, or to a probe. A refused pod is
 * HTTP 200 with a refusal inside of the body; any other status means that the request was no
 * admission review.
 */
public final class AdmissionReply {

  private final int httpStatus;
  private final String contentType;
  private final byte[] body;

  private AdmissionReply(int httpStatus, String contentType, byte[] body) {
    this.httpStatus = httpStatus;
    this.contentType = contentType;
    this.body = body;
  }

  static AdmissionReply review(byte[] body) {
    return new AdmissionReply(200, "application/json", body);
  }

  static AdmissionReply text(int httpStatus, String message) {
    return new AdmissionReply(
        httpStatus, "text/plain; charset=utf-8", (message + "\n").getBytes(StandardCharsets.UTF_8));
  }

  /**
   * For a review 200 if it was answered, 400 for a body that is none, 413 for one that is too long;
   * for a probe 200 or 503.
   */
  public int httpStatus() {
    return httpStatus;
  }

  /** The value of the {@code Content-Type} header. */
  public String contentType() {
    return contentType;
  }

  /** The body's bytes; they belong to the caller. */
  public byte[] body() {
    return body;
  }

  /** Status and size; the body may quote the pod. */
  @Override
  public String toString() {
    return "AdmissionReply[" + httpStatus + ", " + body.length + " bytes]";
  }
}
