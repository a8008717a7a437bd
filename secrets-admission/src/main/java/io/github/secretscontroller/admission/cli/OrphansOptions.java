package io.github.secretscontroller.admission.cli;

import io.github.secretscontroller.admission.NativeSecretsConfig;
import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The command line of {@code explain orphans}.
 *
 * @param environment the process's, with what the options overrule
 * @param backend {@code secretsmanager} or {@code directory:/path}
 * @param server the API server's URL, or {@code null} for the one of the pod that this is
 * @param caFile a certificate authority for {@code server}, or {@code null}
 * @param tokenFile a bearer token for {@code server}, or {@code null}
 * @param delete whether deletion is scheduled
 * @param pause between looking and deleting
 */
record OrphansOptions(
    Map<String, String> environment,
    NativeSecretsConfig config,
    String backend,
    @Nullable String server,
    @Nullable String caFile,
    @Nullable String tokenFile,
    boolean delete,
    Duration pause) {

  /** Longer than a request may take from the webhook's answer until its object is stored. */
  private static final Duration DEFAULT_PAUSE = Duration.ofMinutes(1);

  static OrphansOptions parse(List<String> words, Map<String, String> variables)
      throws UsageException {
    Iterator<String> rest = words.iterator();
    Map<String, String> environment = new HashMap<>(variables);
    Map<String, String> settings = new HashMap<>();
    String backend = "secretsmanager";
    String server = null;
    String caFile = null;
    String tokenFile = null;
    boolean delete = false;
    Duration pause = DEFAULT_PAUSE;
    while (rest.hasNext()) {
      String word = rest.next();
      switch (word) {
        case "--config" -> settings.put("WEBHOOK_CONFIG", ExplainOptions.value(word, rest));
        case "--cluster" -> settings.put("WEBHOOK_CLUSTER", ExplainOptions.value(word, rest));
        case "--region" -> environment.put("AWS_REGION", ExplainOptions.region(word, rest));
        case "--backend" -> backend = ExplainOptions.value(word, rest);
        case "--server" -> server = ExplainOptions.value(word, rest);
        case "--ca-file" -> caFile = ExplainOptions.value(word, rest);
        case "--token-file" -> tokenFile = ExplainOptions.value(word, rest);
        case "--delete" -> delete = true;
        case "--wait" ->
            pause =
                Duration.ofSeconds(
                    Long.parseLong(
                        ExplainOptions.matching(
                            word, ExplainOptions.value(word, rest), "[0-9]{1,5}", "seconds")));
        default -> throw new UsageException("explain orphans takes no " + word + "; try --help");
      }
    }
    // A guess would make orphans of what another cluster has.
    if (settings.isEmpty()) {
      throw new UsageException(
          "whose orphans? name the webhook's configuration with --config, or the cluster, as"
              + " nativeSecrets.cluster there does, with --cluster");
    }
    if (server == null && (caFile != null || tokenFile != null)) {
      throw new UsageException("--ca-file and --token-file need --server");
    }
    return new OrphansOptions(
        Map.copyOf(environment),
        config(settings),
        backend,
        server,
        caFile,
        tokenFile,
        delete,
        pause);
  }

  private static NativeSecretsConfig config(Map<String, String> settings) throws UsageException {
    try {
      return NativeSecretsConfig.fromEnvironment(settings);
    } catch (RuntimeException e) {
      // A file that can't be read, or that says what isn't allowed.
      throw new UsageException(String.valueOf(e.getMessage()));
    }
  }
}
