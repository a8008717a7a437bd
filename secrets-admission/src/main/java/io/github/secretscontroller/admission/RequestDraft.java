package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.admission.InjectionRequest.AppVariable;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** What the annotations of all dialects ask for, together in one volume. */
final class RequestDraft {

  /** More than any pod needs: each is a call to AWS when the pod starts. */
  private static final int MOST_FILES = 256;

  private final Findings findings;
  private final List<PlannedFile> files = new ArrayList<>();
  private final List<AppMount> mounts = new ArrayList<>();
  private final Map<String, AppVariable> variables = new TreeMap<>();

  RequestDraft(Findings findings) {
    this.findings = findings;
  }

  /**
   * A file and who asked for it.
   *
   * @param subject the annotation that says where it goes, or else which secret it is
   * @param value what that is
   */
  private record PlannedFile(String subject, String value, SecretFile file) {}

  void addFile(String subject, String value, SecretFile file) {
    files.add(new PlannedFile(subject, value, file));
    if (files.size() == MOST_FILES + 1) {
      findings.problem(
          subject,
          value,
          "a pod can have " + MOST_FILES + " files with secrets at most; name fewer");
    }
  }

  void addMount(AppMount mount) {
    mounts.add(mount);
  }

  void addVariable(String value, AppVariable variable) {
    AppVariable other = variables.putIfAbsent(variable.name(), variable);
    if (other != null) {
      findings.problem(
          variable.annotation(),
          value,
          "the variable "
              + variable.name()
              + " is set by "
              + other.annotation()
              + " as well; remove one");
    }
  }

  boolean hasFiles() {
    return !files.isEmpty();
  }

  /** The request, for a draft that has files and no problems. */
  InjectionRequest build(PodWide podWide) {
    InjectionPlan plan =
        InjectionPlan.builder()
            .files(files.stream().map(PlannedFile::file).toList())
            .region(podWide.region())
            .failoverRegion(podWide.failoverRegion())
            .refresh(podWide.refresh())
            .onChange(podWide.onChange())
            .build();
    return new InjectionRequest(
        plan,
        mounts,
        podWide.mode(),
        podWide.containers(),
        podWide.resources(),
        List.copyOf(variables.values()));
  }

  /** Tells everything that is in the way of something else. */
  void checkCollisions() {
    checkFiles();
    checkEnvironmentFiles();
    checkMounts();
  }

  private void checkFiles() {
    Map<String, PlannedFile> byPath = new HashMap<>();
    for (PlannedFile planned : files) {
      PlannedFile other = byPath.putIfAbsent(planned.file().path(), planned);
      if (other != null) {
        findings.problem(
            planned.subject(),
            planned.value(),
            "its file "
                + Findings.quoted(planned.file().path())
                + " is the one of "
                + (other.subject().equals(planned.subject()) ? "another secret" : other.subject())
                + " as well; choose another path for one of them");
      }
    }
    for (PlannedFile planned : files) {
      String path = planned.file().path();
      for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
        PlannedFile above = byPath.get(path.substring(0, slash));
        if (above != null) {
          findings.problem(
              planned.subject(),
              planned.value(),
              "its file "
                  + Findings.quoted(path)
                  + " can't be below "
                  + Findings.quoted(above.file().path())
                  + ", which "
                  + above.subject()
                  + " fills; choose another path for one of them");
          break;
        }
      }
    }
  }

  /** They are regular files beside the links of the volume, which lead to all other files. */
  private void checkEnvironmentFiles() {
    Map<String, PlannedFile> linked = new HashMap<>();
    for (PlannedFile planned : files) {
      if (!(planned.file().content() instanceof EnvironmentFile)) {
        linked.putIfAbsent(topDirectory(planned), planned);
      }
    }
    for (PlannedFile planned : files) {
      PlannedFile other = linked.get(topDirectory(planned));
      if (planned.file().content() instanceof EnvironmentFile
          && other != null
          && planned.file().path().indexOf('/') > 0) {
        findings.problem(
            planned.subject(),
            planned.value(),
            "its environment file "
                + Findings.quoted(planned.file().path())
                + " can't share the directory "
                + Findings.quoted(topDirectory(planned))
                + " with "
                + Findings.quoted(other.file().path())
                + ", which "
                + other.subject()
                + " fills; choose a path in another directory for one of them");
      }
    }
  }

  private static String topDirectory(PlannedFile planned) {
    String path = planned.file().path();
    int slash = path.indexOf('/');
    return slash < 0 ? path : path.substring(0, slash);
  }

  /** A mount inside of a read-only one, or at the same place, would keep the pod from starting. */
  private void checkMounts() {
    for (AppMount whole : mounts) {
      if (whole.subPath() != null) {
        continue;
      }
      for (AppMount single : mounts) {
        if (single.subPath() != null
            && (PodTree.isWithin(whole.mountPath(), single.mountPath())
                || (whole.readOnly() && PodTree.isWithin(single.mountPath(), whole.mountPath())))) {
          findings.problem(
              whole.annotation(),
              whole.mountPath(),
              "the mount of "
                  + single.annotation()
                  + " at "
                  + single.mountPath()
                  + " is in its way; choose another directory");
        }
      }
    }
  }
}
