package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Keeps published files fresh. A look asks for versions only; what has a new one is read, the files
 * that are made of it are made anew, and all files are published together if any of them differs.
 * Whatever fails, what was published stays. Not thread-safe.
 */
final class Rotation {

  /** Where files are published. */
  interface Publisher {

    /** Whether a file of the plan is published exactly as these files. */
    boolean isPublished(SecretFile file, List<RenderedFile> rendered);

    /** Whether anything of a file of the plan is published. */
    boolean isPublished(SecretFile file);

    /**
     * Publishes.
     *
     * @param rendered what is new; the caller closes it
     * @param kept the paths of what stays
     * @return whether it did; not if the program is being stopped
     */
    boolean publish(List<RenderedFile> rendered, List<String> kept, List<FileStatus> statuses)
        throws FetchFailure;
  }

  private final InjectionPlan plan;
  private final Renderer renderer;
  private final SecretSource source;
  private final Publisher publisher;
  private final VersionQuestions questions;
  private final Clock clock;
  private final EventLog log;
  private final Counters counters;
  private final Watches watches;
  private final UnmadeFiles unmade;
  private final Map<String, String> errorByPath = new HashMap<>();
  private Map<SecretReference, Reading> readings;

  /**
   * A rotation of what was delivered.
   *
   * @param calls runs the questions of one look
   */
  Rotation(
      InjectionPlan plan,
      Renderer renderer,
      SecretSource source,
      Publisher publisher,
      Map<SecretReference, Reading> readings,
      Schedule schedule,
      Executor calls,
      Clock clock,
      EventLog log,
      Counters counters) {
    this.plan = plan;
    this.renderer = renderer;
    this.source = source;
    this.publisher = publisher;
    this.readings = Map.copyOf(readings);
    this.questions = new VersionQuestions(source, calls);
    this.clock = clock;
    this.log = log;
    this.counters = counters;
    this.watches = new Watches(changeable(), schedule, clock, log);
    this.unmade = new UnmadeFiles(schedule, clock);
  }

  /** When there is something to do, a look or a file that gets stale. */
  Instant nextDue() {
    Instant look = watches.nextDue();
    Instant stale = watches.nextStale(plan.refresh().staleness());
    Instant next = look.isBefore(stale) ? look : stale;
    return next.isBefore(unmade.nextDue()) ? next : unmade.nextDue();
  }

  /** Looks at what is due; returns whether files were published. */
  boolean round() {
    List<SecretReference> due = watches.due();
    if (due.isEmpty() && unmade.due().isEmpty()) {
      return false;
    }
    Map<SecretReference, VersionQuestions.Answer> answers = questions.ask(due);
    Set<SecretReference> changed = new LinkedHashSet<>();
    Set<SecretReference> failing = new LinkedHashSet<>();
    for (Map.Entry<SecretReference, VersionQuestions.Answer> answer : answers.entrySet()) {
      SecretReference secret = answer.getKey();
      SecretException failure = answer.getValue().failure();
      String known = known(secret);
      boolean awaited = known == null && failure instanceof SecretException.NotFound;
      if (failure != null && !awaited) {
        watches.failed(secret, failure);
        failing.add(secret);
      } else if (awaited || Objects.equals(answer.getValue().version(), known)) {
        watches.succeeded(secret);
      } else {
        changed.add(secret);
      }
    }
    Set<String> again = again(due, failing);
    Refresh refresh = failing.isEmpty() ? Refresh.UNCHANGED : Refresh.FAILED;
    if (!changed.isEmpty() || !again.isEmpty()) {
      refresh = refresh.and(change(changed, failing, again));
    }
    counters.count(refresh);
    return refresh.published();
  }

  /** How it stands with each file now. */
  List<FileStatus> statuses() {
    List<FileStatus> statuses = new ArrayList<>();
    for (SecretFile file : plan.files()) {
      statuses.add(status(file, readings, publisher.isPublished(file)));
    }
    return statuses;
  }

  /** What to try again: what is due by itself, and what was looked at if there is hope for it. */
  private Set<String> again(List<SecretReference> due, Set<SecretReference> failing) {
    Set<String> again = unmade.due();
    for (SecretFile file : plan.files()) {
      List<SecretReference> secrets = renderer.references(file);
      if (unmade.get(file.path()) != null
          && secrets.stream().anyMatch(s -> due.contains(s.whole()))
          && secrets.stream().noneMatch(s -> isAmong(s, failing))) {
        again.add(file.path());
      }
    }
    return again;
  }

  private Refresh change(
      Set<SecretReference> changed, Set<SecretReference> failing, Set<String> again) {
    List<SecretFile> affected = affected(changed, again);
    Set<SecretReference> needed = new LinkedHashSet<>();
    affected.forEach(file -> needed.addAll(renderer.references(file)));
    Map<SecretReference, SecretResult> results = source.fetchAll(needed);
    Changes changes = new Changes();
    changes.retried.addAll(changed);
    changes.retried.addAll(failing);
    try {
      affected.forEach(file -> make(file, results, changes));
      return carryOut(changed, results, changes);
    } finally {
      results.values().forEach(Delivery::wipe);
      changes.rendered.forEach(RenderedFile::close);
    }
  }

  /** What a round has made so far. */
  private static final class Changes {
    private final List<RenderedFile> rendered = new ArrayList<>();
    private final Set<String> paths = new LinkedHashSet<>();
    private final Set<String> made = new LinkedHashSet<>();
    private final List<SecretFile> unmade = new ArrayList<>();

    /** What is looked at again for as long as it can't be read. */
    private final Set<SecretReference> retried = new LinkedHashSet<>();
  }

  /**
   * What uses a changed secret or is to be tried again; also what somebody removed from the volume,
   * so that it returns.
   */
  private List<SecretFile> affected(Set<SecretReference> changed, Set<String> again) {
    List<SecretFile> affected = new ArrayList<>();
    for (SecretFile file : plan.files()) {
      boolean uses = renderer.references(file).stream().anyMatch(s -> isAmong(s, changed));
      if ((uses || again.contains(file.path()) || isLost(file))
          && !(file.content() instanceof EnvironmentFile)) {
        affected.add(file);
      }
    }
    return affected;
  }

  private boolean isLost(SecretFile file) {
    SecretReference secret = file.secret();
    return secret != null
        && known(secret.whole()) != null
        && !errorByPath.containsKey(file.path())
        && !publisher.isPublished(file);
  }

  private void make(SecretFile file, Map<SecretReference, SecretResult> results, Changes changes) {
    try {
      List<RenderedFile> made = renderer.render(file, results);
      errorByPath.remove(file.path());
      changes.made.add(file.path());
      boolean gone = made.isEmpty() && publisher.isPublished(file);
      if (gone || publisher.isPublished(file, made)) {
        made.forEach(RenderedFile::close);
      } else {
        changes.rendered.addAll(made);
        changes.paths.add(file.path());
      }
    } catch (FetchFailure e) {
      if (renderer.references(file).stream()
          .anyMatch(secret -> results.get(secret) instanceof SecretResult.Failed)) {
        changes.unmade.add(file);
      } else if (!e.oneSentence().equals(errorByPath.put(file.path(), e.oneSentence()))) {
        log.warn("keeping the last good version of " + e.oneSentence(), "file", file.path());
      }
    }
  }

  private Refresh carryOut(
      Set<SecretReference> changed, Map<SecretReference, SecretResult> results, Changes changes) {
    Instant now = clock.instant();
    Map<SecretReference, Reading> after = new HashMap<>(readings);
    results.forEach(
        (secret, result) -> {
          if (result instanceof SecretResult.Fetched && isAmong(secret, changed)) {
            after.put(secret, Reading.of(secret, result, now));
          }
        });
    Map<String, UnmadeFiles.Unmade> unmadeBefore = unmade.copy();
    changes.unmade.forEach(file -> leave(file, changes.retried, results));
    changes.made.forEach(unmade::made);
    try {
      if (!changes.rendered.isEmpty() && !publish(changes, after)) {
        return Refresh.UNCHANGED;
      }
    } catch (FetchFailure e) {
      counters.publicationFailures.incrementAndGet();
      log.warn("keeping what was published: " + e.oneSentence());
      changed.forEach(watches::retry);
      unmade.restore(unmadeBefore, changes.made);
      return Refresh.FAILED;
    }
    readings = after;
    boolean failed = settle(changed, results) || !changes.unmade.isEmpty();
    return new Refresh(true, !changes.rendered.isEmpty(), failed);
  }

  private boolean publish(Changes changes, Map<SecretReference, Reading> after)
      throws FetchFailure {
    List<String> kept = new ArrayList<>();
    List<FileStatus> statuses = new ArrayList<>();
    for (SecretFile file : plan.files()) {
      boolean made = changes.paths.contains(file.path());
      if (!made && publisher.isPublished(file)) {
        kept.add(file.path());
      }
      statuses.add(status(file, after, made || publisher.isPublished(file)));
    }
    if (!publisher.publish(changes.rendered, kept, statuses)) {
      return false;
    }
    counters.publications.incrementAndGet();
    for (String path : changes.paths) {
      log.info("published " + path + versions(path, after), "file", path);
    }
    return true;
  }

  /** Leaves a file as it is for now; called while what it was made of is still what is known. */
  private void leave(
      SecretFile file, Set<SecretReference> retried, Map<SecretReference, SecretResult> results) {
    SecretException failure = null;
    boolean byItself = true;
    for (SecretReference secret : renderer.references(file)) {
      if (results.get(secret) instanceof SecretResult.Failed failed) {
        failure = failed.failure();
        // Otherwise the next look at the secret leads to it.
        byItself &= !isAmong(secret, retried);
      }
    }
    if (failure != null) {
      FileStatus before = status(file, readings, publisher.isPublished(file));
      boolean news = unmade.failed(before, failure, byItself);
      if (news && byItself) {
        log.warn(
            "keeping the last good version of " + file.path() + ": " + failure.getMessage(),
            "file",
            file.path());
      }
    }
  }

  /** Tells the watches what became of each change; returns whether anything failed. */
  private boolean settle(Set<SecretReference> changed, Map<SecretReference, SecretResult> results) {
    boolean failed = false;
    for (SecretReference secret : changed) {
      SecretException failure = null;
      for (Map.Entry<SecretReference, SecretResult> result : results.entrySet()) {
        if (result.getKey().whole().equals(secret)
            && result.getValue() instanceof SecretResult.Failed f) {
          failure = f.failure();
        }
      }
      if (failure != null) {
        watches.failed(secret, failure);
        failed = true;
      } else {
        watches.succeeded(secret);
      }
    }
    return failed;
  }

  private FileStatus status(
      SecretFile file, Map<SecretReference, Reading> current, boolean published) {
    Instant now = clock.instant();
    Instant checkedAt = now;
    String error = errorByPath.get(file.path());
    List<Reading> own = new ArrayList<>();
    for (SecretReference reference : renderer.references(file)) {
      Reading reading = current.get(reference);
      if (reading != null) {
        own.add(reading);
      }
      Instant succeededAt = watches.succeededAt(reference.whole());
      if (succeededAt != null && succeededAt.isBefore(checkedAt)) {
        checkedAt = succeededAt;
      }
      SecretException failure = watches.failure(reference.whole());
      if (failure != null && error == null) {
        error = failure.getMessage();
      }
    }
    UnmadeFiles.Unmade left = unmade.get(file.path());
    if (left != null) {
      own = left.readings();
      checkedAt = left.since().isBefore(checkedAt) ? left.since() : checkedAt;
      error = error == null ? left.failure().getMessage() : error;
    }
    boolean stale = published && !checkedAt.plus(plan.refresh().staleness()).isAfter(now);
    return new FileStatus(file.path(), own, published, checkedAt, stale, error);
  }

  private String versions(String path, Map<SecretReference, Reading> current) {
    StringBuilder text = new StringBuilder();
    for (SecretFile file : plan.files()) {
      if (file.path().equals(path)) {
        for (SecretReference secret : renderer.references(file)) {
          Reading reading = current.get(secret);
          text.append(": ").append(secret.describe()).append(", version ");
          text.append(reading == null ? "unknown" : reading.versionId());
        }
      }
    }
    return text.toString();
  }

  private @Nullable String known(SecretReference whole) {
    for (Reading reading : readings.values()) {
      if (reading.secret().whole().equals(whole)) {
        return reading.versionId();
      }
    }
    return null;
  }

  /**
   * What is worth a look: not a version that was named by its id, nor what only environment files
   * are made of, since a process's environment never changes.
   */
  private Collection<SecretReference> changeable() {
    Set<SecretReference> changeable = new LinkedHashSet<>();
    for (SecretFile file : plan.files()) {
      if (!(file.content() instanceof EnvironmentFile)) {
        for (SecretReference secret : renderer.references(file)) {
          if (secret.versionId() == null || known(secret.whole()) == null) {
            changeable.add(secret.whole());
          }
        }
      }
    }
    return changeable;
  }

  private static boolean isAmong(SecretReference reference, Set<SecretReference> wholes) {
    return wholes.contains(reference.whole());
  }
}
