package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.SecretSource;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Resolves the volumes of native Secrets: once, and as a sidecar whenever kubelet has changed the
 * references or a secret that is followed has another version.
 */
final class ResolvedVolumes {

  /** How often it is looked whether kubelet has changed something, which costs one system call. */
  private static final Duration LOOK = Duration.ofSeconds(5);

  private final List<VolumeResolution> volumes = new ArrayList<>();
  private final Clock clock;
  private final Duration interval;
  private final Schedule schedule;
  private final Stopper stopper;
  private final EventLog log;
  private Instant nextLook = Instant.MAX;
  private Instant nextVersions = Instant.MAX;

  /**
   * The volumes of a plan.
   *
   * @param root has {@code references} and {@code resolved}
   */
  ResolvedVolumes(InjectionPlan plan, Path root, Clock clock, Stopper stopper, EventLog log) {
    this.clock = clock;
    this.interval = plan.refresh().interval();
    this.schedule = new Schedule(interval, new Random());
    this.stopper = stopper;
    this.log = log;
    for (ResolvedVolume volume : plan.resolve()) {
      Path references = root.resolve("references").resolve(volume.volume());
      volumes.add(
          new VolumeResolution(
              volume,
              references,
              new SecretVolume(root.resolve("resolved").resolve(volume.volume()), clock),
              new ReferenceFiles(volume, references, new ReferenceCheck(plan)),
              stopper));
    }
  }

  /**
   * Resolves all of them, and waits for a backend that is too busy.
   *
   * @throws FetchFailure with everything that is wrong; what was there stays
   */
  void deliver(SecretSource source) throws FetchFailure {
    if (volumes.isEmpty()) {
      return;
    }
    List<String> problems = new ArrayList<>();
    ExitCode code = ExitCode.SUCCESS;
    VolumeResolution.Reader patient =
        secrets -> new PatientReader(stopper::await, new Random(), log).fetchAll(source, secrets);
    for (VolumeResolution volume : volumes) {
      try {
        log.info(volume + ": " + volume.resolve(patient) + " files resolved");
      } catch (FetchFailure e) {
        code = ExitCode.graver(code, e.code());
        problems.addAll(e.sentences());
      }
    }
    if (!problems.isEmpty()) {
      throw new FetchFailure(code, problems);
    }
    nextLook = clock.instant().plus(LOOK);
    nextVersions = clock.instant().plus(interval);
  }

  /** Resolves again what has changed; returns whether anything was published. */
  boolean round(SecretSource source) {
    Instant now = clock.instant();
    if (now.isBefore(nextLook)) {
      return false;
    }
    nextLook = now.plus(LOOK);
    boolean versions = !now.isBefore(nextVersions);
    if (versions) {
      nextVersions = now.plus(interval);
    }
    boolean published = false;
    for (VolumeResolution volume : volumes) {
      try {
        if (volume.hasChanged(now) || (versions && volume.hasNewVersions(source))) {
          log.info(volume + ": " + volume.resolve(source::fetchAll) + " files resolved again");
          published = true;
        }
      } catch (FetchFailure e) {
        volume.failed(now, schedule);
        log.warn(volume + " stays as it was: " + e.oneSentence());
      }
    }
    return published;
  }

  /** When there is something to look at next. */
  Instant nextDue() {
    return nextLook;
  }
}
