package io.github.secretscontroller.admission.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.Explanation;
import io.github.secretscontroller.admission.InjectorConfig;
import io.github.secretscontroller.admission.ManifestExplainer;
import java.io.InputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** {@code explain}: reads manifests, and tells for each what would become of its pods. */
final class ExplainCommand {

  private static final int ADMITTED = 0;
  private static final int REFUSED = 1;

  private final ExplainOptions options;
  private final InputStream in;
  private final PrintStream out;

  /** Prepares a run; only what {@code options} name is read. */
  ExplainCommand(ExplainOptions options, InputStream in, PrintStream out) {
    this.options = options;
    this.in = in;
    this.out = out;
  }

  /** Prints nothing if anything can't be read. */
  int run() throws UsageException {
    ManifestExplainer explainer = new ManifestExplainer(config());
    List<ObjectNode> objects = new ArrayList<>();
    for (String file : options.files()) {
      objects.addAll(Manifests.read(file, in));
    }
    List<Explained> explained = new ArrayList<>();
    List<ObjectNode> patched = new ArrayList<>();
    for (ObjectNode object : objects) {
      Optional<Explanation> explanation = explainer.explain(object, options.namespace());
      explanation.ifPresent(e -> explained.add(explained(object, e)));
      patched.add(explanation.map(Explanation::patched).orElse(object));
    }
    switch (options.output()) {
      case TEXT -> TextReport.print(explained, objects.size(), out);
      case JSON -> out.println(Manifests.json(JsonReport.of(explained)));
      case PATCHED -> patched.forEach(object -> out.print("---\n" + Manifests.yaml(object)));
    }
    out.flush();
    return explained.stream().anyMatch(e -> e.explanation().isRefused()) ? REFUSED : ADMITTED;
  }

  private Explained explained(ObjectNode object, Explanation explanation) {
    return new Explained(
        object,
        explanation,
        explanation.plan() == null
            ? null
            : IamPolicy.of(
                explanation.plan(), explanation.refreshes(), options.account(), options.region()));
  }

  private InjectorConfig config() throws UsageException {
    String file = options.config();
    try {
      return InjectorConfig.fromEnvironment(
          file == null ? Map.of() : Map.of("WEBHOOK_CONFIG", file));
    } catch (IllegalArgumentException e) {
      throw new UsageException(String.valueOf(e.getMessage()));
    } catch (UncheckedIOException e) {
      throw new UsageException("--config " + file + " can't be read");
    }
  }
}
