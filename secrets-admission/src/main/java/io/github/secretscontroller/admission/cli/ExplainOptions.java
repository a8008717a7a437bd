package io.github.secretscontroller.admission.cli;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The command line of {@code explain}.
 *
 * @param config the file with the webhook's configuration, or {@code null} for its defaults
 * @param namespace of objects that don't name theirs
 * @param account AWS account of secrets that are named without one, or {@code null}
 * @param region AWS region of secrets that are named without one, or {@code null}
 * @param output how the result is printed
 * @param files at least one; {@code -} is standard input
 */
record ExplainOptions(
    @Nullable String config,
    String namespace,
    @Nullable String account,
    @Nullable String region,
    Output output,
    List<String> files) {

  /** How the result is printed. */
  enum Output {
    TEXT,
    JSON,
    PATCHED
  }

  static ExplainOptions parse(List<String> words) throws UsageException {
    Iterator<String> rest = words.iterator();
    if (!rest.hasNext()) {
      throw new UsageException("a command is missing; try --help");
    }
    String command = rest.next();
    if (!command.equals("explain")) {
      throw new UsageException(
          "there is no command \"" + command + "\"; there are explain, and explain orphans");
    }
    String config = null;
    String namespace = "default";
    String account = null;
    String region = null;
    Output output = Output.TEXT;
    List<String> files = new ArrayList<>();
    while (rest.hasNext()) {
      String word = rest.next();
      switch (word) {
        case "--config" -> config = value(word, rest);
        case "--namespace", "-n" -> namespace = value(word, rest);
        case "--account" -> account = matching(word, value(word, rest), "[0-9]{12}", "12 digits");
        case "--region" -> region = region(word, rest);
        case "--output", "-o" -> output = output(value(word, rest));
        default -> {
          if (word.startsWith("-") && !word.equals("-")) {
            throw new UsageException("the option " + word + " is unknown; try --help");
          }
          files.add(word);
        }
      }
    }
    if (files.isEmpty()) {
      throw new UsageException("a file is missing; name manifests, or - for standard input");
    }
    return new ExplainOptions(config, namespace, account, region, output, List.copyOf(files));
  }

  static String region(String option, Iterator<String> rest) throws UsageException {
    return matching(option, value(option, rest), "[a-z]+(-[a-z]+)+-[0-9]+", "like eu-west-1");
  }

  static String value(String option, Iterator<String> rest) throws UsageException {
    if (!rest.hasNext()) {
      throw new UsageException(option + " needs a value");
    }
    return rest.next();
  }

  static String matching(String option, String value, String pattern, String what)
      throws UsageException {
    if (!value.matches(pattern)) {
      throw new UsageException(option + " must be " + what + ", not \"" + value + "\"");
    }
    return value;
  }

  private static Output output(String value) throws UsageException {
    return switch (value) {
      case "text" -> Output.TEXT;
      case "json" -> Output.JSON;
      case "patched" -> Output.PATCHED;
      default ->
          throw new UsageException("--output must be text, json or patched, not \"" + value + "\"");
    };
  }
}
