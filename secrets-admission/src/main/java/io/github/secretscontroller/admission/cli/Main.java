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
             secrets-admission-cli explain orphans [OPTION...]

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

      explain orphans lists what native Secrets have left in AWS: secrets with our tags
      that no Secret of the cluster refers to. Credentials are those of the AWS variables.

        --config FILE      the webhook's configuration, which names the cluster
        --cluster NAME     the cluster's name in tags, without a configuration
        --server URL       the API server; http://127.0.0.1:8001 while "kubectl proxy" runs.
                           Without it, this is a pod, whose ServiceAccount may get Secrets
        --ca-file FILE     the API server's certificate authority
        --token-file FILE  a bearer token for the API server
        --region REGION    AWS region, without AWS_REGION
        --backend NAME     secretsmanager (without it), or directory:/path
        --delete           schedules their deletion, with the recovery window, if nothing
                           refers to them after a while either
        --wait SECONDS     that while; 60 without it

      exit code: 0 there are none, or the deletion of all is scheduled, 1 there are some,
                 2 the command line is wrong, or AWS or the API server can't be asked
      """;

  private Main() {}

  /** Runs the program and ends the JVM. */
  public static void main(String[] arguments) {
    PrintStream out =
        new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
    PrintStream err =
        new PrintStream(new FileOutputStream(FileDescriptor.err), true, StandardCharsets.UTF_8);
    // The libraries' logs go nowhere, and nobody needs to be told so.
    System.setProperty("slf4j.internal.verbosity", "ERROR");
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
      if (words.size() > 1 && words.get(0).equals("explain") && words.get(1).equals("orphans")) {
        List<String> options = words.subList(2, words.size());
        return new OrphansCommand(OrphansOptions.parse(options, System.getenv()), out).run();
      }
      return new ExplainCommand(ExplainOptions.parse(words), in, out).run();
    } catch (UsageException e) {
      err.println(e.reason());
      return USAGE;
    }
  }
}
