package io.github.secretscontroller.admission.cli;

import io.github.secretscontroller.admission.NativeSecretSweeper;
import io.github.secretscontroller.core.DirectorySecretStore;
import io.github.secretscontroller.core.StagingSecretWriter;
import io.github.secretscontroller.core.StagingSecretWriter.Written;
import io.kubernetes.client.openapi.ApiClient;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code explain orphans}: lists what the backend keeps for Secrets that the cluster doesn't have,
 * and schedules its deletion if told to.
 */
final class OrphansCommand {

  private static final int NONE_LEFT = 0;
  private static final int SOME_LEFT = 1;

  private final OrphansOptions options;
  private final PrintStream out;

  OrphansCommand(OrphansOptions options, PrintStream out) {
    this.options = options;
    this.out = out;
  }

  int run() throws UsageException {
    try (StagingSecretWriter backend = backend()) {
      NativeSecretSweeper sweeper = sweeper(backend);
      List<Written> orphans = sweeper.orphans();
      if (orphans.isEmpty() || !options.delete()) {
        orphans.forEach(orphan -> out.println(describe(orphan)));
        return orphans.isEmpty() ? NONE_LEFT : SOME_LEFT;
      }
      pause();
      for (Written orphan : orphans) {
        // Told one by one: a later one may fail.
        out.println(
            describe(orphan)
                + (sweeper.delete(orphan)
                    ? ": deletion scheduled"
                    : ": kept, it is stored by now"));
      }
      return NONE_LEFT;
    } catch (RuntimeException e) {
      // The backend's or the API server's answer, which says what is missing.
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }

  private static String describe(Written orphan) {
    return orphan.reference()
        + " of Secret "
        + orphan.owner().namespace()
        + "/"
        + orphan.owner().name();
  }

  /** A Secret may have been let through a moment ago, and not be stored yet. */
  private void pause() throws UsageException {
    try {
      Thread.sleep(options.pause().toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new UsageException("interrupted; nothing was deleted");
    }
  }

  private StagingSecretWriter backend() throws UsageException {
    String backend = options.backend();
    if (backend.equals("secretsmanager")) {
      return AwsBackend.secretsManager(options.environment());
    }
    if (backend.startsWith("directory:/")) {
      return new DirectorySecretStore(Path.of(backend.substring("directory:".length())));
    }
    throw new UsageException(
        "--backend must be secretsmanager or directory:/path, not \""
            + backend
            + "\"; sealed values (kms) are nowhere but in their Secrets, and leave no orphans");
  }

  private NativeSecretSweeper sweeper(StagingSecretWriter backend) throws UsageException {
    String server = options.server();
    if (server != null) {
      return NativeSecretSweeper.builder(client(server), backend, options.config()).build();
    }
    if (!options.environment().containsKey("KUBERNETES_SERVICE_HOST")) {
      throw new UsageException(
          "this is no pod, so name the API server: --server http://127.0.0.1:8001 while \"kubectl"
              + " proxy\" runs, or an https URL with --ca-file and --token-file");
    }
    return NativeSecretSweeper.inCluster(options.environment(), backend, options.config()).build();
  }

  private ApiClient client(String server) throws UsageException {
    ApiClient client = new ApiClient();
    client.setBasePath(server.endsWith("/") ? server.substring(0, server.length() - 1) : server);
    byte[] authority = read("--ca-file", options.caFile());
    if (authority != null) {
      client.setSslCaCert(new ByteArrayInputStream(authority));
    }
    byte[] token = read("--token-file", options.tokenFile());
    if (token != null) {
      client.setApiKeyPrefix("Bearer");
      client.setApiKey(new String(token, StandardCharsets.UTF_8).strip());
    }
    return client;
  }

  private static byte @Nullable [] read(String option, @Nullable String file)
      throws UsageException {
    try {
      return file == null ? null : Files.readAllBytes(Path.of(file));
    } catch (IOException e) {
      throw new UsageException(option + " " + file + " can't be read");
    }
  }
}
