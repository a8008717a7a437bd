package io.github.secretscontroller.admission.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Gives tests a {@link LiveCluster} as a parameter, one for all tests of a JVM. It needs {@code
 * KUBEBUILDER_ASSETS}, a folder with {@code kube-apiserver}, {@code etcd} and {@code kubectl}, as
 * envtest does. Without it the tests are skipped, or fail if {@code LIVE_TESTS_REQUIRED} is {@code
 * true}.
 */
public final class LiveClusterExtension implements ExecutionCondition, ParameterResolver {

  private static final String ASSETS = "KUBEBUILDER_ASSETS";
  private static final String REQUIRED = "LIVE_TESTS_REQUIRED";
  private static final List<String> BINARIES = List.of("kube-apiserver", "etcd", "kubectl");

  @Override
  public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
    Optional<String> missing = missing(System.getenv(ASSETS));
    if (missing.isEmpty()) {
      return ConditionEvaluationResult.enabled("there is an API server to start");
    }
    if (Boolean.parseBoolean(System.getenv(REQUIRED))) {
      throw new IllegalStateException(missing.get() + ", and " + REQUIRED + " is true");
    }
    return ConditionEvaluationResult.disabled(missing.get());
  }

  /** What is missing to start a cluster, for whoever reads why tests were skipped. */
  static Optional<String> missing(String assets) {
    if (assets == null || assets.isEmpty()) {
      return Optional.of(ASSETS + " doesn't name a folder with " + String.join(", ", BINARIES));
    }
    return BINARIES.stream()
        .filter(binary -> !Files.isExecutable(Path.of(assets, binary)))
        .findFirst()
        .map(binary -> ASSETS + " is " + assets + ", where there is no " + binary);
  }

  @Override
  public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
    return parameter.getParameter().getType() == LiveCluster.class;
  }

  @Override
  public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
    return context
        .getRoot()
        .getStore(ExtensionContext.Namespace.create(LiveClusterExtension.class))
        .getOrComputeIfAbsent(Started.class, key -> Started.start(), Started.class)
        .cluster();
  }

  /** Closed by JUnit when all tests are done. */
  private record Started(LiveCluster cluster, Path workspace) implements AutoCloseable {

    static Started start() {
      try {
        Path workspace = Files.createTempDirectory("live-cluster");
        return new Started(LiveCluster.start(Path.of(System.getenv(ASSETS)), workspace), workspace);
      } catch (Exception e) {
        throw new IllegalStateException("the cluster can't be started", e);
      }
    }

    @Override
    public void close() throws Exception {
      cluster.close();
      try (Stream<Path> files = Files.walk(workspace)) {
        files.sorted(Comparator.reverseOrder()).forEach(Started::delete);
      }
    }

    private static void delete(Path file) {
      try {
        Files.delete(file);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
