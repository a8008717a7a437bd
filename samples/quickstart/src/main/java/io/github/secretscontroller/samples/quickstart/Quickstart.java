package io.github.secretscontroller.samples.quickstart;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The main job on one machine: an annotated Pod goes to the webhook, comes back patched, the
 * program of the container that was injected runs with exactly the environment that the Pod now
 * states, and the secret stands in a memory-backed file.
 *
 * <p>The API server and kubelet are played by this program, everything else is what runs in a
 * cluster. Exit code 0 if the file is there, 1 otherwise.
 */
public final class Quickstart {

  private final Path programs;
  private final Map<String, String> environment;
  private final PrintStream out;

  Quickstart(Path programs, Map<String, String> environment, PrintStream out) {
    this.programs = programs;
    this.environment = environment;
    this.out = out;
  }

  /** Needs the system property {@code quickstart.programs}: the folder with the two jars. */
  public static void main(String[] args) throws Exception {
    Path programs = Path.of(System.getProperty("quickstart.programs", "target/programs"));
    System.exit(new Quickstart(programs, System.getenv(), System.out).run());
  }

  int run() throws Exception {
    Path workspace = Files.createTempDirectory("secrets-quickstart-");
    Path volume = memoryVolume(workspace);
    try (Backend backend = Backend.choose(environment, workspace)) {
      Path config = writeConfig(workspace, volume, backend);
      byte[] request = backend.adapt(recordedReview());

      AdmittedPod pod;
      try (Webhook webhook =
          Webhook.start(programs.resolve("jdk-webhook.jar"), config, workspace)) {
        heading("1. An AdmissionReview, as an API server sent it, goes to " + webhook.address());
        pod = AdmittedPod.of(request, webhook.review(request));
      }
      heading("2. The webhook answers with a JSON Patch, and the Pod becomes");
      out.println(pod.diff());

      heading("3. The injected container's program runs with the environment of that Pod");
      int exitCode = runFetcher(pod, backend);
      if (exitCode != 0) {
        out.println("the fetcher ended with exit code " + exitCode);
        return 1;
      }

      heading("4. What the web server finds in " + pod.mountPath() + ", " + describe(volume));
      for (Path file : publishedFiles(volume)) {
        out.println(pod.mountPath() + "/" + volume.relativize(file) + ":");
        out.write(Files.readAllBytes(file));
        out.println();
      }
      return 0;
    } finally {
      delete(volume);
      delete(workspace);
    }
  }

  private int runFetcher(AdmittedPod pod, Backend backend)
      throws IOException, InterruptedException {
    ProcessBuilder builder =
        new ProcessBuilder(
            Java.command(), "-jar", programs.resolve("secrets-fetcher.jar").toString());
    builder.environment().clear();
    builder.environment().putAll(pod.fetcherEnvironment());
    builder.environment().putAll(backend.podIdentity());
    builder.redirectErrorStream(true);
    Process fetcher = builder.start();
    try (InputStream output = fetcher.getInputStream()) {
      out.write(output.readAllBytes());
    }
    return fetcher.waitFor();
  }

  /**
   * The operator's configuration. The container has no mount namespace here, so its volume is told
   * to it by SECRETS_ROOT.
   */
  private static Path writeConfig(Path workspace, Path volume, Backend backend) throws IOException {
    Map<String, String> variables = new LinkedHashMap<>(backend.operatorEnvironment());
    variables.put("SECRETS_ROOT", volume.toString());
    StringBuilder yaml = new StringBuilder("env:\n");
    variables.forEach(
        (name, value) -> yaml.append("  ").append(name).append(": '").append(value).append("'\n"));
    return Files.writeString(workspace.resolve("webhook.yaml"), yaml);
  }

  private static byte[] recordedReview() throws IOException {
    try (InputStream review =
        Quickstart.class.getResourceAsStream("/pod-of-deployment-create.json")) {
      if (review == null) {
        throw new IOException("the recorded AdmissionReview is missing from this jar");
      }
      return review.readAllBytes();
    }
  }

  /** On tmpfs where the system has one, as an emptyDir with medium Memory is. */
  private static Path memoryVolume(Path workspace) throws IOException {
    Path shared = Path.of("/dev/shm");
    return Files.isWritable(shared)
        ? Files.createTempDirectory(shared, "secret-vol-")
        : Files.createDirectory(workspace.resolve("secret-vol"));
  }

  private static String describe(Path volume) throws IOException {
    return volume + " (" + Files.getFileStore(volume).type() + ")";
  }

  private static List<Path> publishedFiles(Path volume) throws IOException {
    try (Stream<Path> all = Files.walk(volume, FileVisitOption.FOLLOW_LINKS)) {
      return all.filter(Files::isRegularFile)
          .filter(file -> !volume.relativize(file).toString().startsWith("."))
          .sorted()
          .toList();
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> all = Files.walk(directory)) {
      for (Path path : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(path);
      }
    }
  }

  private void heading(String text) {
    out.println();
    out.println(text);
    out.println("-".repeat(Math.min(text.length(), 100)));
  }
}
