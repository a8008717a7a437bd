package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import io.github.secretscontroller.core.InjectionPlan.Signal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@DisplayName("A signal on a change")
class SignalNoticeTest {

  /** No process ever has such an id, so nobody is hit if a test fails. */
  private static final int NOBODY = 99_000_000;

  @TempDir Path directory;

  /** A proc file system as a fetcher would see it, in files. */
  @Nested
  @DisplayName("among the processes that a pod can see")
  class Seen {

    private Path proc;

    @BeforeEach
    void ownNamespace() throws IOException {
      proc = Files.createDirectory(directory.resolve("proc"));
      process("1", 1, 0, 0, "pause", "0::/../pause");
      process("self", NOBODY, 0, 1000, "java", "0::/");
      process(String.valueOf(NOBODY), NOBODY, 0, 1000, "java", "0::/");
    }

    private Path process(
        String entry, int pid, int parent, int user, String name, String controlGroup)
        throws IOException {
      Path process = Files.createDirectory(proc.resolve(entry));
      Files.writeString(
          process.resolve("status"),
          "Name:\t%s\nPid:\t%d\nPPid:\t%d\nUid:\t%d\t%d\t%d\t%d\n"
              .formatted(name, pid, parent, user, user, user, user));
      Files.writeString(process.resolve("comm"), name + "\n");
      Files.writeString(process.resolve("cgroup"), controlGroup + "\n");
      return process;
    }

    private Path process(int pid, int parent, int user, String name) throws IOException {
      return process(String.valueOf(pid), pid, parent, user, name, "0::/../other");
    }

    private String attempt(String name) {
      ChangeNotice.Attempt attempt =
          new SignalNotice(new Signal("HUP", name), new ProcessTable(proc), new Kill()).attempt();
      assertThat(attempt.delivered()).isFalse();
      return attempt.sentence();
    }

    @Test
    @DisplayName("goes to nobody if none has the name, and says what the pod needs")
    void none() {
      assertThat(attempt("nginx"))
          .isEqualTo(
              "no process is named \"nginx\", neither in /proc/PID/comm nor as a program; the pod"
                  + " needs shareProcessNamespace: true");
    }

    @Test
    @DisplayName("never goes to the fetcher itself, nor to the pause process")
    void itself() {
      assertThat(attempt("java")).startsWith("no process is named");
      assertThat(attempt("pause")).startsWith("no process is named");
    }

    @Test
    @DisplayName("is refused for another user's process, with the reason and the fix")
    void otherUser() throws IOException {
      process(NOBODY + 1, 1, 101, "nginx");
      assertThat(attempt("nginx"))
          .isEqualTo(
              "process 99000001 (nginx) runs as user 101 and the fetcher as user 1000; the kernel"
                  + " allows a signal between processes of one user only, so give both containers"
                  + " the same runAsUser");
    }

    @Test
    @DisplayName("goes to the one that is named so, or whose program is")
    void found() throws IOException {
      process(NOBODY + 1, 1, 1000, "nginx");
      Path worker = process(NOBODY + 2, 1, 1000, "renamed");
      Files.createSymbolicLink(worker.resolve("exe"), Path.of("/usr/bin/envoy (deleted)"));
      assertThat(attempt("nginx"))
          .startsWith("SIGHUP couldn't be sent to process 99000001 (nginx)");
      assertThat(attempt("envoy"))
          .startsWith("SIGHUP couldn't be sent to process 99000002 (envoy)");
      assertThat(attempt("ngin")).startsWith("no process is named");
    }

    @Test
    @DisplayName("goes to a server, and not to its workers of the same name")
    void topmost() throws IOException {
      process(NOBODY + 1, 1, 1000, "nginx");
      process(NOBODY + 2, NOBODY + 1, 1000, "nginx");
      process(NOBODY + 3, NOBODY + 1, 1000, "nginx");
      assertThat(attempt("nginx")).contains("99000001").doesNotContain("99000002", "99000003");
    }

    @Test
    @DisplayName("never goes to another pod's process, where the node's are visible")
    void stranger() throws IOException {
      Files.writeString(proc.resolve("1/comm"), "systemd\n");
      process(String.valueOf(NOBODY + 1), NOBODY + 1, 1, 1000, "nginx", "0::/../../pod7/x");
      assertThat(attempt("nginx")).contains("isn't of this pod", "shareProcessNamespace");
      process(String.valueOf(NOBODY + 2), NOBODY + 2, 1, 1000, "envoy", "0::/../sibling");
      assertThat(attempt("envoy")).startsWith("SIGHUP couldn't be sent to process 99000002");
    }

    @Test
    @DisplayName("fails with a sentence where there is no /proc")
    void noProc() {
      proc = directory.resolve("nothing");
      assertThat(attempt("nginx")).isEqualTo("no process can be signalled: /proc can't be read");
    }
  }

  /** Real processes, found in the real proc file system. */
  @Nested
  @DisplayName("to a real process")
  class Real {

    @Test
    @DisplayName("arrives at the parent, and not at its child of the same name")
    void delivered() throws Exception {
      String name = "sig-test-" + ProcessHandle.current().pid() % 100_000;
      Path program = directory.resolve(name);
      Files.copy(Path.of("/bin/sh"), program, StandardCopyOption.COPY_ATTRIBUTES);
      Path child =
          Files.writeString(
              directory.resolve("child.sh"),
              "trap 'echo child > child.hup' USR1; echo > child.up; while :; do sleep 0.05; done\n");
      Process parent =
          new ProcessBuilder(
                  program.toString(),
                  "-c",
                  "trap 'echo parent > parent.hup; kill $c; exit 7' USR1; "
                      + program
                      + " "
                      + child
                      // Forks no more once it is up: dash loses a signal that comes while it forks.
                      + " & c=$!; echo > parent.up; while kill -0 $c; do wait $c; done")
              .directory(directory.toFile())
              .start();
      try {
        awaitFile("child.up");
        awaitFile("parent.up");
        ChangeNotice.Attempt attempt =
            new SignalNotice(
                    new Signal("USR1", name), new ProcessTable(Path.of("/proc")), new Kill())
                .attempt();

        assertThat(attempt.delivered()).as(attempt.sentence()).isTrue();
        assertThat(attempt.sentence())
            .isEqualTo("sent SIGUSR1 to " + name + ", process " + parent.pid());
        assertThat(parent.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(parent.exitValue()).isEqualTo(7);
        assertThat(directory.resolve("parent.hup")).exists();
        assertThat(directory.resolve("child.hup")).doesNotExist();
      } finally {
        parent.descendants().forEach(ProcessHandle::destroyForcibly);
        parent.destroyForcibly();
      }
    }

    private void awaitFile(String name) {
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
      while (!Files.exists(directory.resolve(name)) && System.nanoTime() < end) {
        Thread.onSpinWait();
      }
      assertThat(directory.resolve(name)).exists();
    }

    @Test
    @DisplayName("that has ended is told as such")
    void ended() throws Exception {
      Process process = new ProcessBuilder("true").start();
      process.waitFor();
      assertThat(new Kill().send(process.pid(), "HUP")).contains("ended");
    }
  }
}
