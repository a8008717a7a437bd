package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretSource;
import java.io.PrintStream;
import java.time.Clock;
import java.util.Map;
import java.util.Random;

/**
 * Reads the plan from the environment, fetches the secrets and publishes the files; as a sidecar it
 * stays, and publishes again whenever a secret gets a new version.
 *
 * <p>A program with another backend is a {@code main} of its own:
 *
 * <pre>{@code
 * public static void main(String[] arguments) {
 *   ExitCode code =
 *       Fetcher.run(
 *           arguments,
 *           System.getenv(),
 *           (plan, environment) ->
 *               SecretSource.routing(Map.of("vault", new VaultSource(environment))));
 *   System.exit(code.number());
 * }
 * }</pre>
 */
public final class Fetcher {

  /** Where secrets are read. */
  @FunctionalInterface
  public interface Backend {

    /**
     * Opens the source; called once, after the plan was found good. The source is closed at the
     * end.
     *
     * @param plan what is going to be read, and which region and keys it names for that
     * @param environment the variables of the process
     * @throws IllegalArgumentException if the two don't configure a source; the message is shown
     */
    SecretSource open(InjectionPlan plan, Map<String, String> environment);

    /**
     * Whose credentials are used, for the log and the status: a kind and a role, never a key or a
     * token.
     */
    default String identity(Map<String, String> environment) {
      return "the backend's own";
    }
  }

  private final Map<String, String> environment;
  private final Backend backend;
  private final PrintStream out;
  private final PrintStream err;
  private final Stopper stopper;

  Fetcher(
      Map<String, String> environment,
      Backend backend,
      PrintStream out,
      PrintStream err,
      Stopper stopper) {
    this.environment = Map.copyOf(environment);
    this.backend = backend;
    this.out = out;
    this.err = err;
    this.stopper = stopper;
  }

  /**
   * Runs the program, but for the exit of the process. What it does is told on standard error, and
   * the last line also in the container's termination message; none of it shows a value.
   *
   * <p>SIGTERM ends the process within a second, and never in the midst of a publication: a sidecar
   * that has published exits with 0, anything else with 143.
   *
   * @param arguments the command line; {@code --help} tells what there is
   * @param environment the variables of the process
   * @param backend where secrets are read
   * @return what to exit with; every failure has been told
   */
  public static ExitCode run(String[] arguments, Map<String, String> environment, Backend backend) {
    Stopper stopper = new Stopper();
    stopper.stopOnSignal();
    return new Fetcher(environment, backend, System.out, System.err, stopper).run(arguments);
  }

  ExitCode run(String[] arguments) {
    EventLog log = EventLog.plain(err);
    try {
      BuildId.requireSameJar(BuildId.ofCode(), System.getProperty("java.class.path", ""));
      CommandLine line = CommandLine.parse(arguments);
      switch (line.command()) {
        case HELP -> out.print(CommandLine.USAGE);
        case VERSION -> out.println("secrets-fetcher " + version());
        case VALIDATE -> {
          String file = line.planFile();
          Map<String, String> where =
              file == null ? environment : Map.of(FetcherEnvironment.PLAN_FILE, file);
          PlanCheck.check(FetcherEnvironment.read(where).plan());
          out.println("the plan is good");
        }
        case INIT -> {
          log = EventLog.of(environment, err, Clock.systemUTC());
          publish(log, false);
        }
        case SIDECAR -> {
          log = EventLog.of(environment, err, Clock.systemUTC());
          publish(log, true);
        }
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

  private void publish(EventLog log, boolean stay) throws FetchFailure {
    FetcherEnvironment settings = FetcherEnvironment.read(environment);
    InjectionPlan plan = settings.plan();
    Renderer renderer = PlanCheck.check(plan);
    String identity = backend.identity(environment);
    Clock clock = stay ? new SteadyClock() : Clock.systemUTC();
    SecretVolume volume = new SecretVolume(settings.root(), clock, warning -> log.warn(warning));
    log.info("credentials: " + identity, "credentials", identity);
    Counters counters = new Counters();
    ResolvedVolumes resolved =
        new ResolvedVolumes(
            plan,
            FetcherEnvironment.path(
                FetcherEnvironment.RESOLVE_ROOT, environment, InjectionPlan.RESOLVE_MOUNT_PATH),
            new Schedule(plan.refresh().interval(), new Random()),
            clock,
            stopper,
            log,
            counters);
    StatusFile status = new StatusFile(plan, identity, resolved::statuses);
    if (stay) {
      try (Sidecar sidecar = new Sidecar(plan, environment, clock, stopper, log, counters)) {
        sidecar.run(renderer, open(plan), volume, resolved, status);
      }
      return;
    }
    Delivery.Delivered delivered;
    try (SecretSource source = open(plan)) {
      resolved.deliver(source);
      delivered =
          new Delivery(plan, renderer, volume, status, clock, stopper, log).run(source, true);
    }
    TerminationLog.write(environment, delivered.sentence());
  }

  private SecretSource open(InjectionPlan plan) throws FetchFailure {
    try {
      SecretSource source = backend.open(plan, environment);
      return plan.allowed().isEmpty() ? source : new AllowedSource(source, plan.allowed());
    } catch (IllegalArgumentException e) {
      throw new FetchFailure(ExitCode.BAD_PLAN, String.valueOf(e.getMessage()));
    }
  }

  /** The message of an unforeseen exception may quote anything, so only type and place are told. */
  static String withoutMessages(Throwable e) {
    StackTraceElement[] trace = e.getStackTrace();
    return e.getClass().getName() + (trace.length == 0 ? "" : " at " + trace[0]);
  }

  private static String version() {
    String version = Fetcher.class.getPackage().getImplementationVersion();
    return version == null ? "(not run from its jar)" : version;
  }
}
