package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Files that are regular files at their own path, because kubelet reads them itself and won't
 * follow a link out of their directory. Each is a second link to the file of that path in the
 * current generation: so it appears complete, and whether one that stands there is ours is told by
 * whether it is that very file.
 */
final class StandaloneFiles {

  private static final String NEW = "..file_tmp";

  private final Path root;

  StandaloneFiles(Path root) {
    this.root = root;
  }

  /** The paths of those among the files that are standalone; a modifiable set. */
  Set<String> paths(Collection<RenderedFile> files) {
    Set<String> paths = new TreeSet<>();
    for (RenderedFile file : files) {
      if (file.standalone()) {
        paths.add(file.path());
      }
    }
    return paths;
  }

  /** Those among the paths that were shown as standalone files by the publication before. */
  Set<String> visibleAmong(Path generation, Collection<String> paths) throws IOException {
    Set<String> visible = new TreeSet<>();
    for (String path : paths) {
      if (isShown(path, generation)) {
        visible.add(path);
      }
    }
    return visible;
  }

  /** Refuses a path that is taken by something that no publication has made. */
  void requireUsable(Set<String> paths, List<Path> generations) throws IOException, FetchFailure {
    for (String path : paths) {
      Path blocked = blockedParent(path);
      if (blocked != null) {
        throw SecretVolume.inTheWay(blocked);
      }
      Path visible = root.resolve(path);
      boolean ours = !VolumeFiles.exists(visible);
      for (Path generation : generations) {
        ours |= isShown(path, generation);
      }
      if (!ours) {
        throw SecretVolume.inTheWay(visible);
      }
    }
  }

  /**
   * Makes the directories in which files are going to be shown.
   *
   * @param added gets those that weren't there before, the innermost first
   */
  void prepare(Set<String> paths, List<Path> added) throws IOException {
    for (String path : paths) {
      Path parent = root;
      for (String segment : parents(path)) {
        parent = parent.resolve(segment);
        if (!VolumeFiles.exists(parent)) {
          added.add(0, VolumeFiles.createDirectory(parent));
          VolumeFiles.open(parent);
        }
      }
    }
  }

  /**
   * Shows the files of the current generation, each by one rename. The generation before is still
   * there then, so that a process that is killed here leaves nothing that isn't known as ours.
   */
  void show(Set<String> paths, Path generation) throws IOException {
    Path link = root.resolve(NEW);
    Files.deleteIfExists(link);
    for (String path : paths) {
      if (!isShown(path, generation)) {
        Files.createLink(link, generation.resolve(path));
        Files.move(link, root.resolve(path), StandardCopyOption.ATOMIC_MOVE);
      }
    }
  }

  /** Whether any file of a generation is what stands at its own path. */
  boolean showsAny(Path generation) throws IOException {
    for (Path file : Generation.filesIn(generation)) {
      if (isShown(generation.relativize(file).toString(), generation)) {
        return true;
      }
    }
    return false;
  }

  /** Removes what an earlier publication has shown, but for these paths. */
  void removeBut(Set<String> paths, Path earlier) throws IOException {
    for (Path file : Generation.filesIn(earlier)) {
      String path = earlier.relativize(file).toString();
      if (!paths.contains(path) && isShown(path, earlier)) {
        Files.delete(root.resolve(path));
        removeEmptyParents(path);
      }
    }
  }

  /** Whether the file of a generation is what stands at its own path. */
  boolean isShown(String path, Path generation) throws IOException {
    Path visible = root.resolve(path);
    Path published = generation.resolve(path);
    return blockedParent(path) == null
        && VolumeFiles.isRegularFile(visible)
        && VolumeFiles.isRegularFile(published)
        && Files.isSameFile(visible, published);
  }

  /** What stands where a directory of the path belongs, and is none. */
  private @Nullable Path blockedParent(String path) {
    Path parent = root;
    for (String segment : parents(path)) {
      parent = parent.resolve(segment);
      if (VolumeFiles.exists(parent) && !VolumeFiles.isDirectory(parent)) {
        return parent;
      }
    }
    return null;
  }

  private void removeEmptyParents(String path) throws IOException {
    List<String> parents = parents(path);
    for (int depth = parents.size(); depth > 0; depth--) {
      try {
        Files.delete(root.resolve(String.join("/", parents.subList(0, depth))));
      } catch (DirectoryNotEmptyException e) {
        return;
      }
    }
  }

  private static List<String> parents(String path) {
    List<String> segments = List.of(path.split("/", -1));
    return segments.subList(0, segments.size() - 1);
  }
}
