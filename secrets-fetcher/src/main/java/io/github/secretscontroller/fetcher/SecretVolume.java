package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The volume that the application reads, written as kubelet writes its own ConfigMap and Secret
 * volumes (https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter):
 *
 * <pre>{@code
 * ..1795531291123/          one generation: all files of one publication, never changed afterwards
 * ..data -> ..1795531291123 the current generation; replaced by one rename
 * password -> ..data/password
 * db -> ..data/db
 * }</pre>
 *
 * <p>So a reader sees the files of one publication or of the one before it. One that reads several
 * files which must fit together resolves {@code ..data} once and reads below what it found.
 *
 * <p>Nothing is ever written through a link that stood in the volume before, since all writing goes
 * on in a directory that was just made. One process at a time may publish; not thread-safe.
 */
final class SecretVolume {

  private static final String DATA = "..data";
  private static final String DATA_NEW = "..data_tmp";
  private static final Pattern GENERATION = Pattern.compile("\\.\\.[0-9]{10,19}");

  private static final Set<PosixFilePermission> OWNER_FILE =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> OWNER_DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> OPEN_DIRECTORY =
      PosixFilePermissions.fromString("rwxr-xr-x");

  private final Path root;
  private final Clock clock;

  /**
   * A volume at an existing directory.
   *
   * @param clock names the generations
   */
  SecretVolume(Path root, Clock clock) {
    this.root = root;
    this.clock = clock;
  }

  /**
   * Makes exactly these files visible, together. Files of an earlier publication that aren't among
   * them disappear.
   *
   * @throws FetchFailure with {@link ExitCode#WRITE_FAILED} if that isn't possible; what was
   *     visible before still is, and nothing of the new content is left in the volume
   */
  void publish(Collection<RenderedFile> files) throws FetchFailure {
    try {
      Set<String> names = new TreeSet<>();
      files.forEach(file -> names.add(file.topLevelName()));
      requireUsable(names);
      removeGenerationsBut(currentGeneration());
      Path fresh = createGeneration();
      List<Path> addedLinks = new ArrayList<>();
      try {
        write(fresh, files);
        addLinks(names, addedLinks);
        pointDataTo(fresh);
      } catch (IOException | RuntimeException e) {
        undo(fresh, addedLinks);
        throw e;
      }
      removeLinksBut(names);
      sync(root);
      removeGenerationsBut(fresh);
    } catch (InvalidPathException e) {
      throw failure(
          "this Java runtime can't make a file of that name; start it with LC_ALL=C.UTF-8 ("
              + e.getReason()
              + ")");
    } catch (IOException e) {
      throw failure(explain(e));
    }
  }

  private void requireUsable(Set<String> names) throws IOException, FetchFailure {
    if (!Files.isDirectory(root)) {
      throw failure(
          "the volume "
              + root
              + " is no directory; mount it there, or set "
              + FetcherEnvironment.ROOT);
    }
    Path data = root.resolve(DATA);
    if (exists(data) && !Files.isSymbolicLink(data)) {
      throw failure(data + " is in the way: it is no link, so nothing here has made it");
    }
    for (String name : names) {
      Path visible = root.resolve(name);
      if (exists(visible) && !isOurs(visible)) {
        throw failure(
            visible
                + " exists already and isn't the fetcher's; remove it, or give the secret another"
                + " path");
      }
    }
  }

  private @Nullable Path currentGeneration() throws IOException {
    Path data = root.resolve(DATA);
    if (!Files.isSymbolicLink(data)) {
      return null;
    }
    String target = Files.readSymbolicLink(data).toString();
    Path generation = root.resolve(target);
    return GENERATION.matcher(target).matches() && isDirectory(generation) ? generation : null;
  }

  private Path createGeneration() throws IOException {
    long number = clock.millis();
    while (true) {
      Path generation = root.resolve(".." + number);
      try {
        return Files.createDirectory(generation, attribute(OWNER_DIRECTORY));
      } catch (FileAlreadyExistsException e) {
        number++;
      }
    }
  }

  private static void write(Path generation, Collection<RenderedFile> files) throws IOException {
    Set<Path> directories = new TreeSet<>();
    for (RenderedFile file : files) {
      Path path = generation.resolve(file.path());
      createParents(generation, path, directories);
      try (FileChannel channel =
          FileChannel.open(
              path,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              attribute(OWNER_FILE))) {
        ByteBuffer content = file.revealContent();
        while (content.hasRemaining()) {
          channel.write(content);
        }
        channel.force(true);
      }
      // Not as an attribute of the creation, from which the process's umask would be taken away.
      Files.setPosixFilePermissions(path, permissions(file.mode()));
    }
    directories.add(generation);
    for (Path directory : directories) {
      Files.setPosixFilePermissions(directory, OPEN_DIRECTORY);
      sync(directory);
    }
  }

  private static void createParents(Path generation, Path file, Set<Path> created)
      throws IOException {
    Path directory = generation;
    Path below = generation.relativize(file);
    for (int i = 0; i < below.getNameCount() - 1; i++) {
      directory = directory.resolve(below.getName(i));
      if (created.add(directory)) {
        Files.createDirectory(directory, attribute(OWNER_DIRECTORY));
      }
    }
  }

  /** Before the content is there these lead nowhere, which a reader can't tell from no file. */
  private void addLinks(Set<String> names, List<Path> added) throws IOException {
    for (String name : names) {
      Path visible = root.resolve(name);
      if (!Files.isSymbolicLink(visible)) {
        added.add(Files.createSymbolicLink(visible, target(name)));
      }
    }
  }

  /** The moment at which everything becomes visible. */
  private void pointDataTo(Path generation) throws IOException {
    Path link = root.resolve(DATA_NEW);
    Files.deleteIfExists(link);
    Files.createSymbolicLink(link, generation.getFileName());
    Files.move(link, root.resolve(DATA), StandardCopyOption.ATOMIC_MOVE);
  }

  private void removeLinksBut(Set<String> names) throws IOException {
    for (Path entry : entries()) {
      if (!names.contains(entry.getFileName().toString()) && isOurs(entry)) {
        Files.delete(entry);
      }
    }
  }

  private void undo(Path fresh, List<Path> addedLinks) {
    try {
      deleteTree(fresh);
      for (Path link : addedLinks) {
        Files.delete(link);
      }
      Files.deleteIfExists(root.resolve(DATA_NEW));
    } catch (IOException e) {
      // The failure that led here is the one worth telling, and the next publication cleans up.
    }
  }

  private void removeGenerationsBut(@Nullable Path kept) throws IOException {
    for (Path entry : entries()) {
      boolean generation = GENERATION.matcher(entry.getFileName().toString()).matches();
      if (generation && isDirectory(entry) && !entry.equals(kept)) {
        deleteTree(entry);
      }
    }
  }

  private List<Path> entries() throws IOException {
    try (Stream<Path> entries = Files.list(root)) {
      return entries.toList();
    }
  }

  private static boolean isOurs(Path visible) throws IOException {
    return Files.isSymbolicLink(visible)
        && Files.readSymbolicLink(visible).equals(target(visible.getFileName().toString()));
  }

  private static Path target(String name) {
    return Path.of(DATA, name);
  }

  private static void deleteTree(Path directory) throws IOException {
    // Doesn't follow links.
    Files.walkFileTree(
        directory,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            if (failure != null) {
              throw failure;
            }
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }

  /** For a volume on a disk: after a crash, no link may lead to content that was never written. */
  private static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static boolean exists(Path path) {
    return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
  }

  private static boolean isDirectory(Path path) {
    return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
  }

  private static FileAttribute<Set<PosixFilePermission>> attribute(
      Set<PosixFilePermission> permissions) {
    return PosixFilePermissions.asFileAttribute(permissions);
  }

  private static Set<PosixFilePermission> permissions(int mode) {
    StringBuilder text = new StringBuilder("rwxrwxrwx");
    for (int i = 0; i < text.length(); i++) {
      if ((mode & (0400 >> i)) == 0) {
        text.setCharAt(i, '-');
      }
    }
    return PosixFilePermissions.fromString(text.toString());
  }

  private String explain(IOException e) {
    String reason = e instanceof FileSystemException f ? f.getReason() : null;
    if (e instanceof AccessDeniedException) {
      reason = "the fetcher's user may not write there";
    } else if (e instanceof NoSuchFileException) {
      reason = "it disappeared while the fetcher worked on it";
    }
    String file = e instanceof FileSystemException f && f.getFile() != null ? f.getFile() : "it";
    return "can't write to the volume "
        + root
        + ": "
        + (reason == null ? String.valueOf(e.getMessage()) : file + ": " + reason);
  }

  private static FetchFailure failure(String sentence) {
    return new FetchFailure(ExitCode.WRITE_FAILED, sentence);
  }
}
