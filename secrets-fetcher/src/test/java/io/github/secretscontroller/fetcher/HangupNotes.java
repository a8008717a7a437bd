package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import org.junit.jupiter.api.Assumptions;

/**
 * A program by whatever name that notes each SIGHUP in a file. In Perl, which every Debian has: a
 * shell may lose a signal that comes just before it waits, or while it forks.
 */
final class HangupNotes {

  private static final Path PERL = Path.of("/usr/bin/perl");

  private static final String SCRIPT =
      """
      $SIG{HUP} = sub { open(my $notes, ">>", "$ARGV[0].hup"); print $notes "HUP\\n"; close($notes) };
      open(my $up, ">", "$ARGV[0].up");
      close($up);
      sleep(1) while 1;
      """;

  private final Path directory;
  private final Path script;

  HangupNotes(Path directory) throws IOException {
    Assumptions.assumeTrue(Files.isExecutable(PERL), "there is no " + PERL);
    this.directory = directory;
    this.script = Files.writeString(directory.resolve("hangups.pl"), SCRIPT);
  }

  /** The command of a process of that name; as its notes the files NOTES.up and NOTES.hup. */
  List<String> command(String name, String notes) throws IOException {
    Path program = directory.resolve(name);
    if (!Files.exists(program)) {
      Files.copy(PERL, program, StandardCopyOption.COPY_ATTRIBUTES);
    }
    return List.of(program.toString(), script.toString(), directory.resolve(notes).toString());
  }

  /** Whether the process notes from now on. */
  boolean isUp(String notes) {
    return Files.exists(directory.resolve(notes + ".up"));
  }

  /** How many it has noted. */
  long count(String notes) {
    try {
      return Files.readAllLines(directory.resolve(notes + ".hup")).size();
    } catch (IOException e) {
      return 0;
    }
  }
}
