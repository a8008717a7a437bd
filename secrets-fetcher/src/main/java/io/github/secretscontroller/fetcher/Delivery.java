package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

/** Reads all secrets of a plan and publishes all of its files: what every mode begins with. */
final class Delivery {

  /**
   * What was delivered.
   *
   * @param readings what was read, by {@link Renderer#references()}
   * @param publishedAt when the files were published, which may have been by an earlier process
   * @param replaced whether other files were published before, which somebody may have read
   * @param sentence the same for a log
   */
  record Delivered(
      Map<SecretReference, Reading> readings,
      Instant publishedAt,
      boolean replaced,
      String sentence) {}

  private final InjectionPlan plan;
  private final Renderer renderer;
  private final SecretVolume volume;
  private final StatusFile status;
  private final Clock clock;
  private final Stopper stopper;
  private final EventLog log;

  Delivery(
      InjectionPlan plan,
      Renderer renderer,
      SecretVolume volume,
      StatusFile status,
      Clock clock,
      Stopper stopper,
      EventLog log) {
    this.plan = plan;
    this.renderer = renderer;
    this.volume = volume;
    this.status = status;
    this.clock = clock;
    this.stopper = stopper;
    this.log = log;
  }

  /**
   * Delivers.
   *
   * @param always whether to publish even if exactly these files are published already, as by an
   *     init container or by a sidecar that was started anew
   * @throws FetchFailure if anything that isn't optional fails; the volume is as before then
   */
  Delivered run(SecretSource source, boolean always) throws FetchFailure {
    Map<SecretReference, SecretResult> results =
        new PatientReader(stopper::await, new Random(), log)
            .fetchAll(source, renderer.references());
    List<RenderedFile> rendered = new ArrayList<>();
    try {
      Instant now = clock.instant();
      Map<SecretReference, Reading> readings = new HashMap<>();
      results.forEach((secret, result) -> readings.put(secret, Reading.of(secret, result, now)));
      plan.files().forEach(file -> tell(file, results));
      rendered.addAll(renderer.render(results));
      results.values().forEach(Delivery::wipe);
      List<FileStatus> statuses = statuses(readings, rendered, now);
      boolean earlier = volume.isPublished();
      boolean needed = always || !earlier || !isPublished(rendered) || volume.hasLeftovers();
      if (!stopper.publish(() -> publish(rendered, status.render(now, statuses), needed))) {
        throw new FetchFailure(ExitCode.UNAVAILABLE, "ended before anything was published");
      }
      String sentence =
          (needed ? "published " : "found published ")
              + count(statuses)
              + " of "
              + statuses.size()
              + " files in "
              + volume;
      log.info(sentence);
      return new Delivered(readings, now, earlier && needed, sentence);
    } finally {
      results.values().forEach(Delivery::wipe);
      rendered.forEach(RenderedFile::close);
    }
  }

  private void publish(List<RenderedFile> rendered, RenderedFile state, boolean needed)
      throws FetchFailure {
    if (needed) {
      List<RenderedFile> all = new ArrayList<>(rendered);
      all.add(state);
      volume.publish(all);
    } else {
      volume.replace(state);
    }
  }

  private boolean isPublished(List<RenderedFile> rendered) {
    for (SecretFile file : plan.files()) {
      if (!volume.isPublished(file.path(), rendered.stream().filter(f -> f.isFor(file)).toList())) {
        return false;
      }
    }
    return true;
  }

  private List<FileStatus> statuses(
      Map<SecretReference, Reading> readings, List<RenderedFile> rendered, Instant now) {
    List<FileStatus> statuses = new ArrayList<>();
    for (SecretFile file : plan.files()) {
      List<Reading> own = new ArrayList<>();
      boolean published = rendered.stream().anyMatch(made -> made.isFor(file));
      for (SecretReference secret : renderer.references(file)) {
        own.add(Objects.requireNonNull(readings.get(secret)));
      }
      statuses.add(new FileStatus(file.path(), own, published, now, false, null));
    }
    return statuses;
  }

  private static long count(List<FileStatus> statuses) {
    return statuses.stream().filter(FileStatus::published).count();
  }

  /** What was read for a file, or why it is left out; failures are told at the end. */
  private void tell(SecretFile file, Map<SecretReference, SecretResult> results) {
    for (SecretReference secret : renderer.references(file)) {
      SecretResult result = results.get(secret);
      if (result instanceof SecretResult.Fetched fetched) {
        SecretValue value = fetched.value();
        String origin = value.origin().describe();
        log.info(
            file.path() + ": " + origin + ", version " + value.versionId(),
            "file",
            file.path(),
            "secret",
            origin,
            "versionId",
            value.versionId());
      } else if (result instanceof SecretResult.Failed failed
          && file.optional()
          && failed.failure() instanceof SecretException.NotFound) {
        log.info(
            file.path() + ": left out, as it is optional: " + failed.failure().getMessage(),
            "file",
            file.path(),
            "secret",
            secret.describe());
      }
    }
  }

  static void wipe(SecretResult result) {
    if (result instanceof SecretResult.Fetched fetched) {
      fetched.value().close();
    }
  }
}
