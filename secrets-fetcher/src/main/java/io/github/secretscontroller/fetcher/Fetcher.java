package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan.SecretFile;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.io.PrintStream;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/**
 * Reads the plan from the environment, fetches the secrets and publishes the files.
 *
 * <p>A program with another backend is a {@code main} of its own:
 *
 * <pre>{@code
 * public static void main(String[] arguments) {
 *   ExitCode code =
 *       Fetcher.run(
 *           arguments,
 *           System.getenv(),
 *           environment -> SecretSource.routing(Map.of("vault", new VaultSource(environment))));
 *   System.exit(code.number());
 * }
 * }</pre>
 */
public final class Fetcher {

  private final Map<String, String> environment;
  private final Function<Map<String, String>, SecretSource> sources;
  private final PrintStream out;
  private final EventLog log;

  Fetcher(
      Map<String, String> environment,
      Function<Map<String, String>, SecretSource> sources,
      PrintStream out,
      PrintStream err) {
    this.environment = Map.copyOf(environment);
    this.sources = sources;
    this.out = out;
    this.log = new EventLog(err);
  }

  /**
   * Runs the program, but for the exit of the process. What it does is told on standard error, and
   * the last line also in the container's termination message; none of it shows a value.
   *
   * @param arguments the command line; {@code --help} tells what there is
   * @param environment the variables of the process
   * @param sources opens the source to read from, and is called once, with {@code environment},
   *     after the plan was found good; an {@link IllegalArgumentException} means that the
   *     environment doesn't configure it, and its message is shown. The source is closed at the
   *     end.
   * @return what to exit with; every failure has been told
   */
  public static ExitCode run(
      String[] arguments,
      Map<String, String> environment,
      Function<Map<String, String>, SecretSource> sources) {
    return new Fetcher(environment, sources, System.out, System.err).run(arguments);
  }

  ExitCode run(String[] arguments) {
    try {
      switch (CommandLine.parse(arguments)) {
        case HELP -> out.print(CommandLine.USAGE);
        case VERSION -> out.println("secrets-fetcher " + version());
        case INIT -> init();
      }
      return ExitCode.SUCCESS;
    } catch (FetchFailure e) {
      e.sentences().forEach(log::error);
      TerminationLog.write(environment, e.oneSentence());
      return e.code();
    } catch (RuntimeException | Error e) {
      String sentence = "internal error: " + withoutMessages(e);
      log.error(sentence);
      TerminationLog.write(environment, sentence);
      return ExitCode.INTERNAL;
    }
  }

  private void init() throws FetchFailure {
    FetcherEnvironment settings = FetcherEnvironment.read(environment);
    List<SecretFile> files = settings.plan().files();
    Renderer renderer = Renderer.of(files);
    List<RenderedFile> rendered = List.of();
    try {
      try (SecretSource source = openSource()) {
        rendered = fetch(source, files, renderer);
      }
      new SecretVolume(settings.root(), Clock.systemUTC()).publish(rendered);
    } finally {
      rendered.forEach(RenderedFile::close);
    }
    String sentence =
        "published " + rendered.size() + " of " + files.size() + " files in " + settings.root();
    log.info(sentence);
    TerminationLog.write(environment, sentence);
  }

  private SecretSource openSource() throws FetchFailure {
    try {
      return sources.apply(environment);
    } catch (IllegalArgumentException e) {
      throw new FetchFailure(ExitCode.BAD_PLAN, String.valueOf(e.getMessage()));
    }
  }

  private List<RenderedFile> fetch(SecretSource source, List<SecretFile> files, Renderer renderer)
      throws FetchFailure {
    Map<SecretReference, SecretResult> results = source.fetchAll(renderer.references());
    try {
      files.forEach(file -> tell(file, results));
      return renderer.render(results);
    } finally {
      results.values().forEach(Fetcher::wipe);
    }
  }

  /** What was read for a file, or why it is left out; failures are told at the end. */
  private void tell(SecretFile file, Map<SecretReference, SecretResult> results) {
    SecretReference secret = file.secret();
    SecretResult result = secret == null ? null : results.get(secret.withSelector(null));
    if (result instanceof SecretResult.Fetched fetched) {
      SecretValue value = fetched.value();
      log.info(file.path() + ": " + value.origin().describe() + ", version " + value.versionId());
    } else if (result instanceof SecretResult.Failed failed
        && file.optional()
        && failed.failure() instanceof SecretException.NotFound) {
      log.info(file.path() + ": left out, as it is optional: " + failed.failure().getMessage());
    }
  }

  private static void wipe(SecretResult result) {
    if (result instanceof SecretResult.Fetched fetched) {
      fetched.value().close();
    }
  }

  /** The message of an unforeseen exception may quote anything, so only type and place are told. */
  private static String withoutMessages(Throwable e) {
    StackTraceElement[] trace = e.getStackTrace();
    return e.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
  }

  private static String version() {
    String version = Fetcher.class.getPackage().getImplementationVersion();
    return version == null ? "(not run from its jar)" : version;
  }
}
