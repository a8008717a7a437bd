package io.github.secretscontroller.admission.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Objects;

/** The bytes that a real API server sent to a webhook. */
public final class RecordedReviews {

  /** Reviews of Pods that were created. */
  public static final List<String> PODS =
      List.of(
          "pod-dry-run-create",
          "pod-irsa-already-injected-create",
          "pod-mount-path-and-filename-create",
          "pod-multi-secret-dialect-create",
          "pod-of-daemonset-hostnetwork-create",
          "pod-of-deployment-create",
          "pod-of-job-create",
          "pod-review-v1beta1-create",
          "pod-tmp-already-mounted-create",
          "pod-unannotated-create",
          "pod-with-init-containers-create",
          "pod-with-native-sidecar-create",
          "pod-without-volumes-create");

  private RecordedReviews() {}

  /** One review, by its name without {@code .json}. */
  public static byte[] bytes(String name) {
    try (InputStream in =
        RecordedReviews.class.getResourceAsStream("/admission-reviews/" + name + ".json")) {
      return Objects.requireNonNull(in, name).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
