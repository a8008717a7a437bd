package io.github.secretscontroller.samples.quickstart;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Where the secret comes from: a directory, unless the environment names AWS. */
interface Backend extends AutoCloseable {

  /** The secret that the recorded Pod asks for. */
  String RECORDED_ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:database-password-hlRvvF";

  /** No secret at all, so that it may be printed. */
  String EXAMPLE_VALUE = "correct horse battery staple";

  /** Variables that the operator gives to every injected container. */
  Map<String, String> operatorEnvironment();

  /** Variables that stand for the Pod's identity, which the Pod's spec doesn't hold. */
  Map<String, String> podIdentity();

  /** Makes the recorded Pod ask for the secret of this backend. */
  byte[] adapt(byte[] admissionReview);

  @Override
  void close();

  static Backend choose(Map<String, String> environment, Path workspace) throws IOException {
    return AwsBackend.isConfigured(environment)
        ? AwsBackend.create(environment)
        : new Directory(workspace);
  }

  /** A directory with one secret in it. */
  final class Directory implements Backend {

    private final Path directory;

    Directory(Path workspace) throws IOException {
      directory = Files.createDirectory(workspace.resolve("secrets"));
      Files.writeString(directory.resolve("database-password"), EXAMPLE_VALUE);
    }

    @Override
    public Map<String, String> operatorEnvironment() {
      return Map.of("SECRETS_SOURCE", "directory:" + directory);
    }

    @Override
    public Map<String, String> podIdentity() {
      return Map.of();
    }

    @Override
    public byte[] adapt(byte[] admissionReview) {
      return admissionReview;
    }

    @Override
    public void close() {}
  }
}
