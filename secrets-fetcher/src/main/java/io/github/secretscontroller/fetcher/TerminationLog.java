package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Map;

/**
 * The container's termination message, which {@code kubectl describe pod} shows
 * (https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/).
 */
final class TerminationLog {

  static final String VARIABLE = "SECRETS_TERMINATION_LOG";

  private static final String DEFAULT = "/dev/termination-log";

  /** What Kubernetes keeps of it. */
  private static final int MAX_BYTES = 4096;

  private TerminationLog() {}

  /**
   * Replaces the message, if there is a place for one: kubelet makes the default file, outside of a
   * pod nobody does. Never fails, because the log tells the same.
   */
  static void write(Map<String, String> environment, String sentence) {
    boolean chosen = FetcherEnvironment.isSet(environment, VARIABLE);
    byte[] line = (EventLog.oneLine(sentence) + "\n").getBytes(StandardCharsets.UTF_8);
    OpenOption[] options =
        chosen
            ? new OpenOption[] {
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING
            }
            : new OpenOption[] {StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING};
    try {
      Path file = FetcherEnvironment.path(VARIABLE, environment, DEFAULT);
      Files.write(file, line.length <= MAX_BYTES ? line : Arrays.copyOf(line, MAX_BYTES), options);
    } catch (IOException | FetchFailure e) {
      // Said above: a program that did its work doesn't fail for want of a place to say so.
    }
  }
}
