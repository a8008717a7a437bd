package io.github.secretscontroller.fetcher;

/** The program in the pod. */
public final class Main {

  private Main() {}

  /**
   * Runs the fetcher on the process's environment, and exits with an {@link ExitCode}.
   *
   * @param arguments see {@code --help}
   */
  public static void main(String[] arguments) {
    System.exit(Fetcher.run(arguments, System.getenv(), new Sources()).number());
  }
}
