package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** A directory with all files of one publication, while it is being filled; nobody sees it yet. */
final class Generation {

  private final Path directory;
  private final @Nullable Ownership ownership;
  private final Set<Path> directories = new TreeSet<>();

  /**
   * Fills an empty directory.
   *
   * @param ownership whom its files are given to, if that is permitted
   */
  Generation(Path directory, @Nullable Ownership ownership) {
    this.directory = directory;
    this.ownership = ownership;
  }

  /** Writes new files. */
  void write(Collection<RenderedFile> files) throws IOException {
    for (RenderedFile file : files) {
      Path path = directory.resolve(file.path());
      createParents(path);
      VolumeFiles.write(path, file.revealContent(), file.mode());
      if (ownership != null) {
        ownership.give(path);
      }
    }
  }

  /**
   * Takes over files of the generation before by a second link to each, so that they cost neither
   * memory nor a look at their content.
   *
   * @param paths files, or directories with all that is in them
   */
  void keep(Path before, Collection<String> paths) throws IOException {
    for (String kept : paths) {
      for (Path file : filesIn(before.resolve(kept))) {
        Path path = directory.resolve(before.relativize(file));
        createParents(path);
        Files.createLink(path, file);
      }
    }
  }

  /** Lets readers in, as soon as something leads them here. */
  void open() throws IOException {
    directories.add(directory);
    for (Path created : directories) {
      VolumeFiles.open(created);
    }
  }

  /** The file, or all files below the directory; none if there is neither. */
  static List<Path> filesIn(Path path) throws IOException {
    List<Path> files = new ArrayList<>();
    if (VolumeFiles.exists(path)) {
      Files.walkFileTree(
          path,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
              if (attributes.isRegularFile()) {
                files.add(file);
              }
              return FileVisitResult.CONTINUE;
            }
          });
    }
    return files;
  }

  private void createParents(Path file) throws IOException {
    Path parent = directory;
    Path below = directory.relativize(file);
    for (int i = 0; i < below.getNameCount() - 1; i++) {
      parent = parent.resolve(below.getName(i));
      if (directories.add(parent)) {
        VolumeFiles.createDirectory(parent);
      }
    }
  }

  /**
   * The user and the group of the volume's directory. A fetcher that runs as root, as in older
   * pods, gives its files to them, so that a mode such as 0400 is of use to the application.
   */
  record Ownership(int user, int group) {

    private static final String USER = "unix:uid";
    private static final String GROUP = "unix:gid";

    static Ownership of(Path path) throws IOException {
      return new Ownership(id(path, USER), id(path, GROUP));
    }

    void give(Path file) {
      try {
        // Not equals, since a record's is put together at run time, which takes 5 ms.
        Ownership present = of(file);
        if (present.user != user || present.group != group) {
          Files.setAttribute(file, GROUP, group, LinkOption.NOFOLLOW_LINKS);
          Files.setAttribute(file, USER, user, LinkOption.NOFOLLOW_LINKS);
        }
      } catch (IOException e) {
        // Not permitted to whoever isn't root, as no fetcher should be.
      }
    }

    private static int id(Path path, String attribute) throws IOException {
      return (Integer) Files.getAttribute(path, attribute, LinkOption.NOFOLLOW_LINKS);
    }
  }
}
