package io.github.secretscontroller.core;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link DirectorySecretStore} knows about its files besides their content, below {@code
 * .versions}: staged versions, the owner, and whether it was marked as deleted. All names start
 * with a dot, which no secret's name does. Not synchronised; the store holds its lock.
 */
final class DirectoryVersions {

  private static final String VERSION = ".v-";
  private static final String OWNER = ".owner";
  private static final String MARK = ".marked";

  private final Path root;
  private final Path versions;

  DirectoryVersions(Path root) {
    this.root = root;
    this.versions = root.resolve(".versions");
  }

  /** Where a version is kept, whether it is there or not. */
  Path file(Path current, String version) {
    return home(current).resolve(VERSION + UUID.fromString(version));
  }

  /** The version that was staged last. */
  Optional<Path> latest(Path current) throws IOException {
    Path home = home(current);
    if (!Files.isDirectory(home)) {
      return Optional.empty();
    }
    try (Stream<Path> files = Files.list(home)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith(VERSION))
          .max(Comparator.comparing(DirectoryVersions::modified));
    }
  }

  /**
   * Makes a version the current file. It is the same file by another name, so it has the same
   * version id.
   */
  void link(Path existing, Path link) throws IOException {
    Path fresh = root.resolve(".new-" + UUID.randomUUID());
    Files.createLink(fresh, existing);
    try {
      Files.move(fresh, link, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      // Renaming one of two links to the same file to the other leaves both.
      Files.deleteIfExists(fresh);
    }
  }

  @Nullable WriteContext owner(Path current) throws IOException {
    Path file = home(current).resolve(OWNER);
    return Files.isRegularFile(file) ? parse(Files.readAllLines(file)) : null;
  }

  void own(Path current, WriteContext owner) throws IOException {
    String text = owner.cluster() + "\n" + owner.namespace() + "\n" + owner.name() + "\n";
    Files.writeString(home(current).resolve(OWNER), text);
  }

  @Nullable Instant marked(Path current) throws IOException {
    Path file = home(current).resolve(MARK);
    try {
      return Files.isRegularFile(file) ? Instant.parse(Files.readString(file)) : null;
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  void mark(Path current, Instant when) throws IOException {
    Files.writeString(home(current).resolve(MARK), when.toString());
  }

  void unmark(Path current) throws IOException {
    Files.deleteIfExists(home(current).resolve(MARK));
  }

  /** Where the secrets are or were that have an owner. */
  List<Path> owned() throws IOException {
    List<Path> owned = new ArrayList<>();
    if (Files.isDirectory(versions)) {
      try (Stream<Path> files = Files.walk(versions)) {
        files
            .filter(file -> file.getFileName().toString().equals(OWNER))
            .map(file -> root.resolve(versions.relativize(file).getParent()))
            .sorted()
            .forEach(owned::add);
      }
    }
    return owned;
  }

  /** Where everything about one secret is kept. */
  Path home(Path current) {
    return versions.resolve(root.relativize(current));
  }

  private static @Nullable WriteContext parse(List<String> lines) {
    return lines.size() == 3 ? WriteContext.of(lines.get(0), lines.get(1), lines.get(2)) : null;
  }

  /** What is promoted is told by the time, and two files may be written within one tick of it. */
  static void makeNewer(Path fresh, Path current) throws IOException {
    if (Files.exists(current)) {
      FileTime before = Files.getLastModifiedTime(current);
      if (Files.getLastModifiedTime(fresh).compareTo(before) <= 0) {
        Files.setLastModifiedTime(fresh, FileTime.from(before.toInstant().plusMillis(1)));
      }
    }
  }

  private static FileTime modified(Path file) {
    try {
      return Files.getLastModifiedTime(file);
    } catch (IOException e) {
      return FileTime.fromMillis(0);
    }
  }
}
