package io.github.secretscontroller.fetcher;

import org.jspecify.annotations.Nullable;

/** What the arguments ask for. */
enum CommandLine {
  INIT,
  HELP,
  VERSION;

  static final String USAGE =
      """
      Usage: java -jar secrets-fetcher.jar [init | --help | --version]

      Reads secrets as the plan says and publishes them as files, all together or not at all.

        init        fetch, publish, exit (the default)
        --help      this text
        --version   the version of this program

      The plan is exactly one of
        SECRETS_PLAN        the plan's JSON
        SECRETS_PLAN_FILE   a file with the plan's JSON
        SECRET_ARN          one secret, written to the file SECRET_FILENAME (default: secret)

      Further variables
        SECRETS_ROOT             the volume's directory; default /secrets-controller/volume,
                                 with SECRET_ARN /tmp
        SECRETS_SOURCE           directory:/path reads files below /path instead of AWS
        SECRETS_TERMINATION_LOG  where the last line also goes; default /dev/termination-log
        AWS_REGION, AWS_ENDPOINT_URL, AWS_ROLE_ARN, ...   as in every AWS SDK

      Exit codes
        0 success       1 internal error   2 bad plan       3 secret not found
        4 denied        5 unavailable      6 write failed   7 value can't be used
      """;

  /**
   * Reads the arguments.
   *
   * @throws FetchFailure with {@link ExitCode#BAD_PLAN} for any that aren't known
   */
  static CommandLine parse(String[] arguments) throws FetchFailure {
    CommandLine command = arguments.length > 1 ? null : named(arguments);
    if (command == null) {
      throw new FetchFailure(
          ExitCode.BAD_PLAN,
          "the arguments \"" + String.join(" ", arguments) + "\" aren't understood; see --help");
    }
    return command;
  }

  private static @Nullable CommandLine named(String[] arguments) {
    String name = arguments.length == 0 ? "init" : arguments[0];
    return switch (name) {
      case "init" -> INIT;
      case "--help", "-h", "help" -> HELP;
      case "--version", "version" -> VERSION;
      default -> null;
    };
  }
}
