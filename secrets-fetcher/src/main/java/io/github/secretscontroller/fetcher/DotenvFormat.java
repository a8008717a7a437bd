package io.github.secretscontroller.fetcher;

import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * {@code NAME='value'} lines that a POSIX shell can source: nothing between single quotes means
 * anything to it.
 */
final class DotenvFormat {

  private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  /** What sh or bash can't assign, or gives another value or an error. */
  private static final Set<String> OF_THE_SHELL =
      Set.of(
          "BASHOPTS",
          "BASHPID",
          "BASH_ALIASES",
          "BASH_ARGC",
          "BASH_ARGV",
          "BASH_ARGV0",
          "BASH_CMDS",
          "BASH_COMMAND",
          "BASH_COMPAT",
          "BASH_LINENO",
          "BASH_SOURCE",
          "BASH_SUBSHELL",
          "BASH_VERSINFO",
          "BASH_XTRACEFD",
          "COMP_WORDBREAKS",
          "DIRSTACK",
          "EPOCHREALTIME",
          "EPOCHSECONDS",
          "EUID",
          "FUNCNAME",
          "GROUPS",
          "HISTCMD",
          "LINENO",
          "OPTIND",
          "PIPESTATUS",
          "PPID",
          "RANDOM",
          "SECONDS",
          "SHELLOPTS",
          "SRANDOM",
          "UID",
          "_");

  private DotenvFormat() {}

  static byte[] render(SecretContent content) throws Unusable {
    try (SecretBuffer out = new SecretBuffer()) {
      for (Map.Entry<String, String> field : content.revealFields().entrySet()) {
        String name = field.getKey();
        String value = field.getValue();
        if (!NAME.matcher(name).matches()) {
          throw new Unusable(
              "has the key "
                  + SecretContent.quoted(name)
                  + ", which is no shell variable (letters, digits and _); rename it, or use the"
                  + " format properties, json or yaml");
        }
        if (OF_THE_SHELL.contains(name)) {
          throw new Unusable(
              "has the key " + name + ", a variable that shells keep for themselves; rename it");
        }
        if (value.indexOf('\0') >= 0) {
          throw new Unusable(
              "has a NUL in the value of "
                  + name
                  + ", which no shell variable can hold; store it"
                  + " in base64");
        }
        out.text(name).text("='").text(value.replace("'", "'\\''")).text("'\n");
      }
      return out.take();
    }
  }
}
