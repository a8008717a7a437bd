package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The jar that ships, running as a process of its own with nothing but its environment. The system
 * property {@code fetcher.java} names another Java runtime than the test's to run it on.
 */
final class Launched implements AutoCloseable {

  static final Duration PATIENCE = Duration.ofSeconds(60);

  private static final Pattern PORT = Pattern.compile("answering probes on port ([0-9]+)");

  final Process process;
  private final Path err;
  private final Path out;

  private Launched(Process process, Path out, Path err) {
    this.process = process;
    this.out = out;
    this.err = err;
  }

  /** What to start, and where. */
  static final class Launcher {

    private final Path directory;
    private final Map<String, String> environment = new HashMap<>();
    private final List<String> prefix = new ArrayList<>();

    /**
     * A launcher.
     *
     * @param directory for what the processes say
     */
    Launcher(Path directory) {
      this.directory = directory;
      environment.put("LC_ALL", "C.UTF-8");
      environment.put("SECRETS_HEALTH_PORT", "0");
      environment.put("SECRETS_TERMINATION_LOG", directory.resolve("termination-log").toString());
    }

    Launcher with(String variable, String value) {
      environment.put(variable, value);
      return this;
    }

    Launcher with(Map<String, String> variables) {
      environment.putAll(variables);
      return this;
    }

    /** Runs it below another program, such as one that gives it another user. */
    Launcher below(String... command) {
      prefix.addAll(List.of(command));
      return this;
    }

    Launched start(String... arguments) throws IOException {
      Path java =
          Path.of(
              System.getProperty(
                  "fetcher.java",
                  Path.of(System.getProperty("java.home"), "bin", "java").toString()));
      List<String> command = new ArrayList<>(prefix);
      command.add(java.toString());
      command.addAll(List.of("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"));
      command.addAll(List.of("-Xmx32m", "-Xss512k"));
      command.addAll(List.of("-jar", System.getProperty("fetcher.jar")));
      command.addAll(List.of(arguments));
      ProcessBuilder builder = new ProcessBuilder(command);
      builder.environment().clear();
      builder.environment().putAll(environment);
      Path out = Files.createTempFile(directory, "out", "");
      Path err = Files.createTempFile(directory, "err", "");
      return new Launched(
          builder.redirectOutput(out.toFile()).redirectError(err.toFile()).start(), out, err);
    }

    /** Starts it and waits for its end. */
    Launched run(String... arguments) throws Exception {
      Launched launched = start(arguments);
      launched.exitCode();
      return launched;
    }
  }

  int exitCode() throws Exception {
    if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("it didn't end; it said " + err());
    }
    return process.exitValue();
  }

  String out() throws IOException {
    return Files.readString(out);
  }

  String err() throws IOException {
    return Files.readString(err);
  }

  /** Waits until a sidecar has published for the first time. */
  Launched awaitStarted() throws Exception {
    await("its first publication", () -> status("/startup") == 200);
    return this;
  }

  /** Waits until it has said something. */
  Launched awaitSaid(String text) {
    await(text, () -> said(text));
    return this;
  }

  private boolean said(String text) {
    try {
      return err().contains(text);
    } catch (IOException e) {
      return false;
    }
  }

  /** The status that a probe gets; 0 if nobody answers yet. */
  int status(String path) {
    try {
      return get(path).statusCode();
    } catch (IOException | InterruptedException | IllegalStateException e) {
      return 0;
    }
  }

  HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path)).build(),
            HttpResponse.BodyHandlers.ofString());
  }

  int port() throws IOException {
    Matcher port = PORT.matcher(err());
    if (!port.find()) {
      throw new IllegalStateException("no port yet");
    }
    return Integer.parseInt(port.group(1));
  }

  /** Waits for something that another process does; fails if it doesn't come about. */
  void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end || !process.isAlive()) {
        String said;
        try {
          said = err();
        } catch (IOException e) {
          said = e.toString();
        }
        throw new AssertionError("waited in vain for " + what + "; it said:\n" + said);
      }
      // Another process can't be waited for in any other way.
      java.util.concurrent.locks.LockSupport.parkNanos(Duration.ofMillis(10).toNanos());
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Replaces a file that a {@code directory:} source reads, by one rename. */
  static void put(Path file, String value) throws IOException {
    Path fresh = Files.createTempFile(file.getParent(), ".", "");
    Files.writeString(fresh, value, StandardOpenOption.TRUNCATE_EXISTING);
    Files.move(fresh, file, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
  }
}
