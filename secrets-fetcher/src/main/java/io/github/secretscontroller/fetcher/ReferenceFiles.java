package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.ResolvedVolume;
import io.github.secretscontroller.core.ResolvedVolume.Part;
import io.github.secretscontroller.core.SecretReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** What kubelet has written for one volume that is resolved. */
class ReferenceFiles {

  /** The size limit of a Kubernetes Secret, and so of one of its files. */
  private static final int LARGEST_FILE = 1024 * 1024;

  private final ResolvedVolume plan;
  private final Path root;
  private final ReferenceCheck check;

  /**
   * The files of a volume.
   *
   * @param root where it is mounted, or below it each of its parts
   */
  ReferenceFiles(ResolvedVolume plan, Path root, ReferenceCheck check) {
    this.plan = plan;
    this.root = root;
    this.check = check;
  }

  /** Kubelet changes all files of a part at once, by a link to another directory. */
  List<Path> state() {
    List<Path> state = new ArrayList<>();
    for (int i = 0; i < plan.parts().size(); i++) {
      Path part = part(i);
      try {
        state.add(Files.readSymbolicLink(part.resolve("..data")));
      } catch (IOException | UnsupportedOperationException e) {
        state.add(part);
      }
    }
    return state;
  }

  /**
   * Reads all files.
   *
   * @param files gets them, by path; to be wiped by the caller whatever happens
   * @throws FetchFailure with everything that is wrong with them
   */
  void read(Map<String, ReferenceFile> files) throws IOException, FetchFailure {
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < plan.parts().size(); i++) {
      read(part(i), plan.parts().get(i), files, problems);
    }
    if (!problems.isEmpty()) {
      throw new FetchFailure(ExitCode.BAD_PLAN, problems);
    }
  }

  private void read(Path part, Part kind, Map<String, ReferenceFile> files, List<String> problems)
      throws IOException {
    Path data = part.resolve("..data");
    Path directory = Files.isDirectory(data) ? data.toRealPath() : part;
    try (Stream<Path> walk = Files.walk(directory)) {
      for (Path file : walk.filter(Files::isRegularFile).toList()) {
        String path = directory.relativize(file).toString();
        if (path.startsWith("..")) {
          continue;
        }
        if (Files.size(file) > LARGEST_FILE) {
          problems.add(where(path) + " has more than " + LARGEST_FILE + " bytes");
          continue;
        }
        byte[] content = Files.readAllBytes(file);
        SecretReference reference =
            kind == Part.VERBATIM ? null : ReferenceCheck.reference(content);
        if (reference == null && kind == Part.REFERENCES) {
          problems.add(
              where(path)
                  + " holds no reference: its Secret isn't native; label it"
                  + " secrets.k8s.aws/native: enabled and store it again, or don't resolve it");
        } else if (reference != null) {
          check.problem(where(path), reference).ifPresent(problems::add);
        }
        ReferenceFile replaced =
            files.put(path, new ReferenceFile(ReferenceFile.mode(file), reference, content));
        if (replaced != null) {
          replaced.wipe();
        }
      }
    }
  }

  private Path part(int index) {
    return plan.parts().size() == 1 ? root : root.resolve(Integer.toString(index));
  }

  /** For messages: a file, or what its path stands for. */
  String where(String path) {
    int slash = path.indexOf('/');
    return plan.environment() && slash > 0
        ? "the variable from key "
            + path.substring(slash + 1)
            + " of Secret "
            + path.substring(0, slash)
        : path + " of volume " + plan.volume();
  }
}
