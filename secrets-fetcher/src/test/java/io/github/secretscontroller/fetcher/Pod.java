package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Executor;

/** A sidecar's refresh over a real volume, in a time that only the test moves. */
final class Pod {

  final MovableClock clock = new MovableClock();
  final Counters counters = new Counters();
  final Path root;
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final Rotation rotation;
  private final VolumePublisher publisher;

  Pod(Path root, InjectionPlan plan, SecretSource source) throws FetchFailure {
    this(root, plan, source, Runnable::run);
  }

  Pod(Path root, InjectionPlan plan, SecretSource source, Executor calls) throws FetchFailure {
    this.root = root;
    EventLog log =
        EventLog.of(Map.of("SECRETS_LOG_LEVEL", "debug"), new PrintStream(err, true, UTF_8), clock);
    Renderer renderer = PlanCheck.check(plan);
    SecretVolume volume = new SecretVolume(root, clock);
    Stopper stopper = new Stopper();
    StatusFile status = new StatusFile(plan, "test keys", List::of);
    Delivery.Delivered delivered =
        new Delivery(plan, renderer, volume, status, clock, stopper, log).run(source, true);
    publisher = new VolumePublisher(volume, status, stopper, clock, delivered.publishedAt());
    rotation =
        new Rotation(
            plan,
            renderer,
            source,
            publisher,
            delivered.readings(),
            new Schedule(plan.refresh().interval(), new Random(7)),
            calls,
            clock,
            log,
            counters);
  }

  /** Moves on to what is due next; returns whether that published anything. */
  boolean next() throws FetchFailure {
    Duration wait = Duration.between(clock.instant(), rotation.nextDue());
    clock.advance(wait);
    return round();
  }

  /** Moves on for a while, doing whatever is due; returns how often something was published. */
  int pass(Duration duration) throws FetchFailure {
    Instant end = clock.instant().plus(duration);
    int publications = 0;
    while (!rotation.nextDue().isAfter(end)) {
      publications += next() ? 1 : 0;
    }
    clock.advance(Duration.between(clock.instant(), end));
    return publications;
  }

  private boolean round() throws FetchFailure {
    boolean published = rotation.round();
    publisher.update(rotation.statuses());
    return published;
  }

  FileStatus status(String path) {
    return rotation.statuses().stream()
        .filter(s -> s.path().equals(path))
        .findFirst()
        .orElseThrow();
  }

  JsonNode statusFile() throws IOException {
    return new ObjectMapper().readTree(root.resolve(".status.json").toFile());
  }

  String generation() throws IOException {
    return Files.readSymbolicLink(root.resolve("..data")).toString();
  }

  /** What was logged at a level. */
  List<String> logged(String level) {
    return err.toString(UTF_8).lines().filter(line -> line.startsWith(level + " ")).toList();
  }
}
