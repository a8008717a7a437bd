package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan.Signal;
import io.github.secretscontroller.fetcher.ProcessTable.Entry;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * A signal to the named process of the pod's shared process namespace: never to the fetcher itself,
 * to PID 1 (which is the pod's pause process there), to another user's process, or to one of
 * another pod, which a pod in the node's process namespace sees too.
 *
 * <p>Where several have the name, those get it whose parent hasn't: a server's workers have the
 * name of the process that is told to reload.
 */
final class SignalNotice implements ChangeNotice {

  /** What PID 1 calls itself in a namespace that is the pod's own, for the usual runtimes. */
  private static final Set<String> PAUSE = Set.of("pause", "catatonit");

  private final Signal signal;
  private final ProcessTable processes;
  private final Kill kill;

  SignalNotice(Signal signal, ProcessTable processes, Kill kill) {
    this.signal = signal;
    this.processes = processes;
    this.kill = kill;
  }

  @Override
  public Attempt attempt() {
    Entry self = processes.self();
    if (self == null) {
      return Attempt.failed("no process can be signalled: /proc can't be read");
    }
    List<Entry> all = processes.all();
    boolean own = all.stream().anyMatch(p -> p.pid() == 1 && PAUSE.contains(p.name()));
    List<Entry> named = new ArrayList<>();
    List<String> refused = new ArrayList<>();
    for (Entry process : all) {
      if (process.isNamed(signal.process()) && process.pid() != self.pid() && process.pid() != 1) {
        String why = whyNot(process, self, own);
        if (why == null) {
          named.add(process);
        } else {
          refused.add("process " + process.pid() + " (" + signal.process() + ") " + why);
        }
      }
    }
    if (named.isEmpty()) {
      return Attempt.failed(refused.isEmpty() ? nobody() : String.join("; ", refused));
    }
    return send(named);
  }

  private @Nullable String whyNot(Entry process, Entry self, boolean ownNamespace) {
    if (process.user() != self.user()) {
      return "runs as user "
          + process.user()
          + " and the fetcher as user "
          + self.user()
          + "; the kernel allows a signal between processes of one user only, so give both"
          + " containers the same runAsUser";
    }
    if (!ownNamespace && !Objects.equals(process.group(), self.group())) {
      return "isn't of this pod, whose processes can't be told from the node's; use"
          + " shareProcessNamespace instead of hostPID";
    }
    return null;
  }

  private String nobody() {
    return "no process is named \""
        + signal.process()
        + "\", neither in /proc/PID/comm nor as a program; the pod needs"
        + " shareProcessNamespace: true";
  }

  private Attempt send(List<Entry> named) {
    Set<Long> pids = new TreeSet<>();
    named.forEach(process -> pids.add(process.pid()));
    List<String> told = new ArrayList<>();
    List<String> failed = new ArrayList<>();
    for (Entry process : named) {
      if (!pids.contains(process.parent())) {
        String why = kill.send(process.pid(), signal.signal());
        if (why == null) {
          told.add(String.valueOf(process.pid()));
        } else {
          failed.add("process " + process.pid() + " (" + signal.process() + "): " + why);
        }
      }
    }
    if (!failed.isEmpty()) {
      return Attempt.failed(
          "SIG" + signal.signal() + " couldn't be sent to " + String.join("; ", failed));
    }
    return Attempt.delivered(
        "sent SIG"
            + signal.signal()
            + " to "
            + signal.process()
            + ", process "
            + String.join(", ", told));
  }
}
