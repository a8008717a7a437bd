package io.github.secretscontroller.benchmarks;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.CommandLineOptionException;
import org.openjdk.jmh.runner.options.CommandLineOptions;
import org.openjdk.jmh.runner.options.OptionsBuilder;

/** Runs {@link AdmissionHandling} and prints the README's table; takes JMH's own options. */
public final class AdmissionReport {

  private AdmissionReport() {}

  private record Cost(double micros, double bytes) {}

  /** Runs it. */
  public static void main(String[] args) throws RunnerException, CommandLineOptionException {
    Map<String, Map<String, Cost>> costs = new LinkedHashMap<>();
    for (RunResult result :
        new Runner(
                new OptionsBuilder()
                    .parent(new CommandLineOptions(args))
                    .include(AdmissionHandling.class.getSimpleName())
                    .addProfiler(GCProfiler.class)
                    .build())
            .run()) {
      costs
          .computeIfAbsent(result.getParams().getParam("pod"), pod -> new LinkedHashMap<>())
          .put(result.getPrimaryResult().getLabel(), cost(result));
    }
    System.out.println(
        "| pod | handler | tree (a) | model and diff (b) | of (a) | faster than (b) |");
    System.out.println("|---|---|---|---|---|---|");
    costs.forEach(
        (pod, of) -> {
          Cost ours = of.get("handler");
          Cost tree = of.get("tree");
          Cost model = of.get("typedModel");
          System.out.printf(
              Locale.ROOT,
              "| %s | %s | %s | %s | %.2f | %.1f times |%n",
              pod,
              text(ours),
              text(tree),
              text(model),
              ours.micros() / tree.micros(),
              model.micros() / ours.micros());
        });
  }

  private static Cost cost(RunResult result) {
    double bytes =
        result.getSecondaryResults().entrySet().stream()
            .filter(entry -> entry.getKey().endsWith("gc.alloc.rate.norm"))
            .mapToDouble(entry -> entry.getValue().getScore())
            .findFirst()
            .orElse(Double.NaN);
    return new Cost(result.getPrimaryResult().getScore(), bytes);
  }

  private static String text(Cost cost) {
    return String.format(Locale.ROOT, "%.1f us, %.1f KB", cost.micros(), cost.bytes() / 1024);
  }
}
