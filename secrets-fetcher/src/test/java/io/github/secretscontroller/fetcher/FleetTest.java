package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import io.github.secretscontroller.core.testkit.MovableClock;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Random;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The refresh of a whole fleet, each pod with the code that runs in one, in virtual time. With the
 * system property {@code fleet.report} it writes what stands in benchmarks/README.md to that
 * directory.
 *
 * <p>Quotas per account and region: <a
 * href="https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html">Secrets
 * Manager</a>, <a
 * href="https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html">KMS</a>
 * (the lowest that a region has; each read is a decryption too).
 */
@DisplayName("A fleet")
class FleetTest {

  private static final int DESCRIBE_QUOTA = 40_000;
  private static final int READ_QUOTA = 10_000;
  private static final int DECRYPT_QUOTA = 5_500;

  private static final int PODS = 100_000;
  private static final Duration INTERVAL = Duration.ofMinutes(5);
  private static final List<String> SECRETS = List.of("db", "key", "token");

  private static final InjectionPlan PLAN =
      InjectionPlan.of(
          SECRETS.stream().map(s -> SecretFile.of(SecretReference.parse(s), s)).toList());

  /** Counts the calls of each second, and throttles those above a limit. */
  private static final class Region implements SecretSource {

    private final Supplier<Instant> now;
    private final int limit;
    private final Map<Long, Integer> describes = new HashMap<>();
    private final Map<Long, Integer> reads = new HashMap<>();
    private int throttled;
    private String version = "v1";

    Region(Supplier<Instant> now, int limit) {
      this.now = now;
      this.limit = limit;
    }

    @Override
    public String currentVersion(SecretReference reference) {
      describes.merge(now.get().getEpochSecond(), 1, Integer::sum);
      return version;
    }

    @Override
    public SecretValue fetch(SecretReference reference) {
      long second = now.get().getEpochSecond();
      if (reads.getOrDefault(second, 0) >= limit) {
        throttled++;
        throw new SecretException.Unavailable(reference, "slow down", null, true);
      }
      reads.merge(second, 1, Integer::sum);
      return new SecretValue(version.getBytes(UTF_8), reference, version, Set.of(), null);
    }

    int peakOfDescribes() {
      return describes.values().stream().max(Comparator.naturalOrder()).orElse(0);
    }

    int peakOfReads() {
      return reads.values().stream().max(Comparator.naturalOrder()).orElse(0);
    }
  }

  /** Remembers only when it was published to. */
  private static final class Volume implements Rotation.Publisher {

    private final Supplier<Instant> now;
    private Instant publishedAt = Instant.MIN;

    Volume(Supplier<Instant> now) {
      this.now = now;
    }

    @Override
    public boolean isPublished(SecretFile file, List<RenderedFile> rendered) {
      return false;
    }

    @Override
    public boolean isPublished(SecretFile file) {
      return true;
    }

    @Override
    public boolean publish(
        List<RenderedFile> rendered, List<String> kept, List<FileStatus> statuses) {
      publishedAt = now.get();
      return true;
    }
  }

  private record Pod(Rotation rotation, Volume volume, Instant due) {

    Pod next() {
      return new Pod(rotation, volume, rotation.nextDue());
    }
  }

  private static EventLog silent() {
    return EventLog.plain(new PrintStream(OutputStream.nullOutputStream(), false, UTF_8));
  }

  @Test
  @DisplayName(
      "of 100,000 pods that start at once stays below a quarter of each quota, and all have a new"
          + " version within 1.1 intervals")
  void steadyState() throws Exception {
    MovableClock clock = new MovableClock();
    Region region = new Region(clock::instant, READ_QUOTA);
    Renderer renderer = Renderer.of(PLAN.files());
    Random random = new Random(1);
    Map<SecretReference, Reading> readings = new HashMap<>();
    for (SecretReference secret : renderer.references()) {
      readings.put(secret, new Reading(secret, "v1", null, clock.instant()));
    }
    EventLog log = silent();
    Counters counters = new Counters();
    Schedule schedule = new Schedule(INTERVAL, random);
    List<Volume> volumes = new ArrayList<>();
    PriorityQueue<Pod> pods = new PriorityQueue<>(Comparator.comparing(Pod::due));
    for (int i = 0; i < PODS; i++) {
      Volume volume = new Volume(clock::instant);
      volumes.add(volume);
      Rotation rotation =
          new Rotation(
              PLAN,
              renderer,
              region,
              volume,
              readings,
              schedule,
              Runnable::run,
              clock,
              log,
              counters);
      pods.add(new Pod(rotation, volume, rotation.nextDue()));
    }
    Instant rotatedAt = clock.instant().plus(INTERVAL.multipliedBy(3).dividedBy(2));
    Instant end = rotatedAt.plus(INTERVAL.multipliedBy(12).dividedBy(10));
    while (pods.peek().due().isBefore(end)) {
      Pod pod = pods.remove();
      clock.advance(Duration.between(clock.instant(), pod.due()));
      if (!clock.instant().isBefore(rotatedAt)) {
        region.version = "v2";
      }
      pod.rotation().round();
      pods.add(pod.next());
    }

    Instant last = volumes.stream().map(v -> v.publishedAt).max(Comparator.naturalOrder()).get();
    assertThat(volumes).noneMatch(volume -> volume.publishedAt.equals(Instant.MIN));
    Duration lag = Duration.between(rotatedAt, last);
    assertThat(lag).isLessThanOrEqualTo(INTERVAL.multipliedBy(11).dividedBy(10));
    assertThat(region.peakOfDescribes()).isLessThan(DESCRIBE_QUOTA / 4);
    assertThat(region.peakOfReads()).isLessThan(READ_QUOTA / 4).isLessThan(DECRYPT_QUOTA / 4);
    assertThat(counters.failedRefreshes).hasValue(0);
    report(
        "steady",
        """
        | what | peak of a second | quota | part |
        |---|---|---|---|
        | DescribeSecret | %d | 40,000 | %.1f %% |
        | GetSecretValue, while all three secrets rotate | %d | 10,000 | %.1f %% |
        | KMS Decrypt, likewise | %d | 5,500 | %.1f %% |

        The last pod had the new version %d seconds after the rotation, in %.2f intervals.
        """
            .formatted(
                region.peakOfDescribes(),
                100.0 * region.peakOfDescribes() / DESCRIBE_QUOTA,
                region.peakOfReads(),
                100.0 * region.peakOfReads() / READ_QUOTA,
                region.peakOfReads(),
                100.0 * region.peakOfReads() / DECRYPT_QUOTA,
                lag.toSeconds(),
                (double) lag.toMillis() / INTERVAL.toMillis()));
  }

  @Test
  @DisplayName("loses none of 10,000 pods that start in one minute, also where reads are throttled")
  void restart() throws Exception {
    int throttledByAws = startTenThousand(DECRYPT_QUOTA);
    int throttledByLittle = startTenThousand(450);
    assertThat(throttledByAws).isZero();
    assertThat(throttledByLittle).isPositive();
    report(
        "restart",
        """
        10,000 pods that start within a minute: none lost, %d calls throttled at the quota of 5,500 a
        second; none lost either with 450 a second left for them, where %d calls were throttled.
        """
            .formatted(throttledByAws, throttledByLittle));
  }

  /** Each pod has a time of its own, and all share the seconds in which calls are counted. */
  private static int startTenThousand(int readsPerSecond) throws FetchFailure {
    Instant[] now = {Instant.EPOCH};
    Region region = new Region(() -> now[0], readsPerSecond);
    Random random = new Random(2);
    List<SecretReference> references = Renderer.of(PLAN.files()).references();
    int lost = 0;
    for (int i = 0; i < 10_000; i++) {
      now[0] = Instant.EPOCH.plusMillis(i * 6L);
      PatientReader reader =
          new PatientReader(
              pause -> {
                now[0] = now[0].plus(pause);
                return false;
              },
              random,
              silent());
      for (SecretResult result : reader.fetchAll(region, references).values()) {
        lost += result instanceof SecretResult.Fetched ? 0 : 1;
      }
    }
    assertThat(lost).as("reads that were given up").isZero();
    return region.throttled;
  }

  private static void report(String name, String text) throws IOException {
    String directory = System.getProperty("fleet.report");
    if (directory != null) {
      Files.writeString(Path.of(directory, name + ".md"), text);
    }
  }
}
