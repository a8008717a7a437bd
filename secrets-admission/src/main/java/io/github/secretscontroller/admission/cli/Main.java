package io.github.secretscontroller.admission.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** The program {@code secrets-admission-cli}: what platform teams run in their own pipelines. */
public final class Main {

  private static final int SUCCESS = 0;
  private static final int USAGE = 2;

  private static final String HELP =
      """
      usage: secrets-admission-cli explain [OPTION...] FILE...

      Tells what the webhook would inject into the pods of manifests, without a cluster.
      FILE is YAML (any number of documents) or JSON; - is standard input.

        --config FILE      the webhook's configuration; its defaults without it
        --namespace NAME   where objects go that don't say; "default" without it
        --account ID       AWS account of secrets that are named without one
        --region REGION    AWS region of secrets that are named without one
        --output FORMAT    text, json, or patched (the manifests with what is injected)
        --help, --version

      exit code: 0 all pods would be admitted, 1 some would be refused,
                 2 the command line, the configuration or a file is wrong
      """;

  private Main() {}

  /** Runs the program and ends the JVM. */
  public static void main(String[] arguments) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    int code = run(arguments, System.in, out, err);
    out.flush();
    System.exit(code);
  }

  static int run(String[] arguments, InputStream in, PrintStream out, PrintStream err) {
    List<String> words = Arrays.asList(arguments);
    if (words.contains("--help") || words.contains("-h")) {
      out.print(HELP);
      return SUCCESS;
    }
    if (words.contains("--version")) {
      String version = Main.class.getPackage().getImplementationVersion();
      out.println("secrets-admission-cli " + (version == null ? "(unreleased)" : version));
      return SUCCESS;
    }
    try {
      return new ExplainCommand(ExplainOptions.parse(words), in, out).run();
    } catch (UsageException e) {
      err.println(e.reason());
      return USAGE;
    }
  }
}
