package io.github.secretscontroller.fetcher;

import org.jspecify.annotations.Nullable;

/**
 * What the arguments ask for.
 *
 * @param command what to do
 * @param planFile the file with the plan, if an argument names one
 */
record CommandLine(Command command, @Nullable String planFile) {

  enum Command {
    INIT,
    SIDECAR,
    VALIDATE,
    HELP,
    VERSION
  }

  static final String USAGE =
      """
      Usage: java -jar secrets-fetcher.jar [init | sidecar | validate [FILE] | --help | --version]

      Reads secrets as the plan says and publishes them as files, all together or not at all.

        init             fetch, publish, exit (the default)
        sidecar          fetch, publish, stay, and publish again whenever a secret gets a new version
        validate [FILE]  check the plan, or the one in FILE, without reading any secret
        --help           this text
        --version        the version of this program

      The plan is exactly one of
        SECRETS_PLAN        the plan's JSON
        SECRETS_PLAN_FILE   a file with the plan's JSON
        SECRET_ARN          one secret, written to the file SECRET_FILENAME (default: secret)

      Further variables
        SECRETS_ROOT             the volume's directory; default /secrets-controller/volume,
                                 with SECRET_ARN /tmp
        SECRETS_SOURCE           directory:/path reads files below /path instead of AWS
        SECRETS_HEALTH_PORT      where a sidecar answers /startup, /ready, /live and /metrics;
                                 default 18321
        SECRETS_LOG_FORMAT       text (default) or json
        SECRETS_LOG_LEVEL        info (default) or debug
        SECRETS_TERMINATION_LOG  where the last line also goes; default /dev/termination-log
        SECRETS_AWS_CREDENTIALS  instance-metadata lets the program use the node's role
        AWS_REGION, AWS_ENDPOINT_URL, AWS_ROLE_ARN, ...   as in every AWS SDK

      Exit codes
        0 success       1 internal error   2 bad plan       3 secret not found
        4 denied        5 unavailable      6 write failed   7 value can't be used
        143 ended by SIGTERM before anything was published
      """;

  /**
   * Reads the arguments.
   *
   * @throws FetchFailure with {@link ExitCode#BAD_PLAN} for any that aren't known
   */
  static CommandLine parse(String[] arguments) throws FetchFailure {
    Command command = named(arguments.length == 0 ? "init" : arguments[0]);
    int most = command == Command.VALIDATE ? 2 : 1;
    if (command == null || arguments.length > most) {
      throw new FetchFailure(
          ExitCode.BAD_PLAN,
          "the arguments \"" + String.join(" ", arguments) + "\" aren't understood; see --help");
    }
    return new CommandLine(command, arguments.length == 2 ? arguments[1] : null);
  }

  private static @Nullable Command named(String name) {
    return switch (name) {
      case "init" -> Command.INIT;
      case "sidecar" -> Command.SIDECAR;
      case "validate" -> Command.VALIDATE;
      case "--help", "-h", "help" -> Command.HELP;
      case "--version", "version" -> Command.VERSION;
      default -> null;
    };
  }
}
