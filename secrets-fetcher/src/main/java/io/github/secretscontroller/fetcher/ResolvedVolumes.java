package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * Resolves the volumes of native Secrets: once, and as a sidecar whenever kubelet has changed the
 * references or a secret that is followed has another version.
 */
final class ResolvedVolumes {

  /** How often it is looked whether kubelet has changed something, which costs one system call. */
  private static final Duration LOOK = Duration.ofSeconds(5);

  private final List<VolumeResolution> volumes = new ArrayList<>();
  private final InjectionPlan plan;
  private final Schedule schedule;
  private final Watches watches;
  private final Clock clock;
  private final Stopper stopper;
  private final EventLog log;
  private final Counters counters;
  private Instant nextLook = Instant.MAX;

  /**
   * The volumes of a plan.
   *
   * @param root has {@code references} and {@code resolved}
   * @param schedule when to look at the versions of secrets
   */
  ResolvedVolumes(
      InjectionPlan plan,
      Path root,
      Schedule schedule,
      Clock clock,
      Stopper stopper,
      EventLog log,
      Counters counters) {
    this.plan = plan;
    this.schedule = schedule;
    this.watches = new Watches(List.of(), schedule, clock, log);
    this.clock = clock;
    this.stopper = stopper;
    this.log = log;
    this.counters = counters;
    for (ResolvedVolume volume : plan.resolve()) {
      Path references = root.resolve("references").resolve(volume.volume());
      volumes.add(
          new VolumeResolution(
              volume,
              references,
              new SecretVolume(
                  root.resolve("resolved").resolve(volume.volume()),
                  clock,
                  warning -> log.warn(warning)),
              new ReferenceFiles(volume, references, new ReferenceCheck(plan)),
              stopper,
              clock));
    }
  }

  /**
   * Resolves all of them, and waits for a backend that is too busy.
   *
   * @return whether other files were published before, which somebody may have read
   * @throws FetchFailure with everything that is wrong; what was there stays
   */
  boolean deliver(SecretSource source) throws FetchFailure {
    if (volumes.isEmpty()) {
      return false;
    }
    boolean replaced = false;
    List<String> problems = new ArrayList<>();
    ExitCode code = ExitCode.SUCCESS;
    VolumeResolution.Reader patient =
        secrets -> new PatientReader(stopper::await, new Random(), log).fetchAll(source, secrets);
    for (VolumeResolution volume : volumes) {
      try {
        VolumeResolution.Resolved resolved = volume.resolve(patient);
        replaced |= resolved.replaced();
        log.info(volume + ": " + resolved.files() + " files resolved");
      } catch (FetchFailure e) {
        code = ExitCode.graver(code, e.code());
        problems.addAll(e.sentences());
      }
    }
    if (!problems.isEmpty()) {
      throw new FetchFailure(code, problems);
    }
    nextLook = clock.instant().plus(LOOK);
    watches.watch(followed());
    return replaced;
  }

  /** Resolves again what has changed. */
  Refresh round(SecretSource source, VersionQuestions questions) {
    if (volumes.isEmpty()) {
      return Refresh.NONE;
    }
    Instant now = clock.instant();
    boolean look = !now.isBefore(nextLook);
    if (look) {
      nextLook = now.plus(LOOK);
    }
    Refresh refresh = Refresh.NONE;
    Map<SecretReference, String> versions = new HashMap<>();
    for (var answer : questions.ask(watches.due()).entrySet()) {
      SecretException failure = answer.getValue().failure();
      String version = answer.getValue().version();
      if (version != null) {
        versions.put(answer.getKey(), version);
        refresh = refresh.and(Refresh.UNCHANGED);
      } else if (failure != null) {
        watches.failed(answer.getKey(), failure);
        refresh = refresh.and(Refresh.FAILED);
      }
    }
    Map<SecretReference, SecretException> unread = new HashMap<>();
    for (VolumeResolution volume : volumes) {
      boolean outdated = false;
      for (Map.Entry<SecretReference, String> version : versions.entrySet()) {
        outdated |= volume.published().seen(version.getKey(), version.getValue());
      }
      if (outdated || (look && volume.isDue())) {
        refresh = refresh.and(resolve(volume, source, unread));
      }
    }
    Set<SecretReference> followed = followed();
    unread.keySet().retainAll(followed);
    unread.forEach(watches::failed);
    for (SecretReference secret : versions.keySet()) {
      // One that is outdated still hasn't been read, for another reason than its own.
      if (!unread.containsKey(secret) && !isOutdated(secret)) {
        watches.succeeded(secret);
      }
    }
    watches.watch(followed);
    counters.count(refresh);
    return refresh;
  }

  private Refresh resolve(
      VolumeResolution volume, SecretSource source, Map<SecretReference, SecretException> unread) {
    try {
      VolumeResolution.Resolved resolved = volume.resolve(source::fetchAll);
      if (resolved.published()) {
        counters.publications.incrementAndGet();
        log.info(volume + ": " + resolved.files() + " files resolved again");
      }
      for (String sentence : resolved.refused()) {
        log.warn("keeping the last good version of " + sentence);
      }
      unread.putAll(resolved.unread());
      boolean failed = !resolved.refused().isEmpty() || !resolved.unread().isEmpty();
      return new Refresh(true, resolved.published(), failed);
    } catch (FetchFailure e) {
      if (e.code() == ExitCode.WRITE_FAILED) {
        counters.publicationFailures.incrementAndGet();
      }
      String sentence = volume + " stays as it was: " + e.oneSentence();
      if (volume.failed(e, schedule)) {
        log.warn(sentence);
      } else {
        log.debug(sentence);
      }
      return Refresh.FAILED;
    }
  }

  private boolean isOutdated(SecretReference secret) {
    return volumes.stream().anyMatch(volume -> volume.published().isOutdated(secret));
  }

  private Set<SecretReference> followed() {
    Set<SecretReference> followed = new LinkedHashSet<>();
    volumes.forEach(volume -> followed.addAll(volume.published().followed()));
    return followed;
  }

  /** How it stands with each file that is made of a secret. */
  List<FileStatus> statuses() {
    if (volumes.isEmpty()) {
      // To multiply a Duration takes 12 ms the first time, and this is on every pod's way to its
      // start.
      return List.of();
    }
    Duration staleness = plan.refresh().staleness();
    List<FileStatus> statuses = new ArrayList<>();
    volumes.forEach(volume -> statuses.addAll(volume.statuses(watches, staleness)));
    return statuses;
  }

  /** When there is something to look at next, which is before a file can get stale unseen. */
  Instant nextDue() {
    if (volumes.isEmpty()) {
      return Instant.MAX;
    }
    Instant versions = watches.nextDue();
    return versions.isBefore(nextLook) ? versions : nextLook;
  }
}
