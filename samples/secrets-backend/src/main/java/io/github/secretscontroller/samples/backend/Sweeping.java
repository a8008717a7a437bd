package io.github.secretscontroller.samples.backend;

import io.github.secretscontroller.admission.NativeSecretSweeper;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the backend of native Secrets in line with the cluster, if {@code WEBHOOK_SWEEP_LEASE}
 * names the Lease ({@code namespace/name}) by which one replica leads.
 */
public final class Sweeping {

  private static final Logger LOG = LoggerFactory.getLogger(Sweeping.class);

  private Sweeping() {}

  /** Sweeps every minute, in a thread that ends with the process. */
  public static void start(Map<String, String> env, SecretsBackend backend) {
    String lease = env.get("WEBHOOK_SWEEP_LEASE");
    if (lease == null) {
      return;
    }
    String[] parts = lease.split("/", -1);
    if (parts.length != 2) {
      throw new IllegalArgumentException(
          "WEBHOOK_SWEEP_LEASE must be namespace/name, not \"" + lease + "\"");
    }
    NativeSecretSweeper sweeper =
        NativeSecretSweeper.inCluster(env, backend.writer(), backend.config())
            .lease(parts[0], parts[1], env.getOrDefault("HOSTNAME", "webhook"))
            .build();
    ScheduledExecutorService scheduler =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "sweeper");
              thread.setDaemon(true);
              return thread;
            });
    var unused = scheduler.scheduleWithFixedDelay(() -> sweep(sweeper), 0, 60, TimeUnit.SECONDS);
  }

  private static void sweep(NativeSecretSweeper sweeper) {
    try {
      sweeper.sweep().ifPresent(sweep -> sweep.problems().forEach(LOG::warn));
    } catch (RuntimeException e) {
      // The next sweep tries again.
      LOG.warn("the sweep failed: {}", e.toString());
    }
  }
}
