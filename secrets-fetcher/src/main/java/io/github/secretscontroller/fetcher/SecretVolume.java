package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
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
 * .status.json -> ..data/.status.json   the only file of a generation that is replaced in it
 * env/app                   a standalone file: a second link to ..data/env/app
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
  private static final String STATUS_NEW = "..status_tmp";
  private static final Pattern GENERATION = Pattern.compile("\\.\\.[0-9]{10,18}");

  private final Path root;
  private final Clock clock;
  private final StandaloneFiles standalone;
  private final Consumer<String> warnings;

  /** Whether a publication was cut off between its rename and the files outside of it. */
  private boolean unfinished;

  /**
   * A volume at an existing directory.
   *
   * @param clock names the generations
   */
  SecretVolume(Path root, Clock clock) {
    this(root, clock, warning -> {});
  }

  /**
   * As above.
   *
   * @param warnings gets what is wrong with the volume although the files are published
   */
  SecretVolume(Path root, Clock clock, Consumer<String> warnings) {
    this.root = root;
    this.warnings = warnings;
    this.clock = clock;
    this.standalone = new StandaloneFiles(root);
  }

  /**
   * Makes exactly these files visible, together. Files of an earlier publication that aren't among
   * them disappear.
   *
   * <p>What is no longer needed and can't be removed is told as a warning, and left to the next
   * publication.
   *
   * @throws FetchFailure with {@link ExitCode#WRITE_FAILED} if that isn't possible; what was
   *     visible before still is, and nothing of the new content is left in the volume, unless it is
   *     a standalone file that couldn't be shown: then nothing counts as published
   */
  void publish(Collection<RenderedFile> files) throws FetchFailure {
    publish(files, List.of());
  }

  /**
   * As above, together with files of the current generation that stay as they are.
   *
   * @param kept their paths; a directory stands for all that is in it
   */
  void publish(Collection<RenderedFile> files, Collection<String> kept) throws FetchFailure {
    try {
      requireVolume();
      Path before = currentGeneration();
      Set<String> alone = standalone.paths(files);
      if (before != null) {
        alone.addAll(standalone.visibleAmong(before, kept));
        if (unfinished) {
          for (Path generation : generations()) {
            alone.addAll(standalone.visibleAmong(generation, kept));
          }
        }
      }
      Set<String> names = linkNames(files, kept, alone);
      requireUsable(names);
      standalone.requireUsable(alone, generations());
      removeUselessBut(before);
      Path fresh = createGeneration(before);
      List<Path> added = new ArrayList<>();
      try {
        Generation generation = new Generation(fresh, Generation.Ownership.of(root));
        generation.write(files);
        if (before != null) {
          generation.keep(before, kept);
        }
        generation.open();
        standalone.prepare(alone, added);
        addLinks(names, added);
        pointDataTo(fresh);
      } catch (IOException | RuntimeException e) {
        undo(fresh, added);
        throw e;
      }
      unfinished = true;
      standalone.show(alone, fresh);
      unfinished = false;
      cleanUp(names, alone, fresh);
    } catch (InvalidPathException e) {
      throw failure(
          "this Java runtime can't make a file of that name; start it with LC_ALL=C.UTF-8 ("
              + e.getReason()
              + ")");
    } catch (IOException e) {
      throw failure(explain(e));
    }
  }

  /** The files are published: whoever waits for them must be told so, whatever fails here. */
  private void cleanUp(Set<String> names, Set<String> alone, Path fresh) {
    try {
      removeLinksBut(names);
      for (Path generation : generations()) {
        if (!generation.equals(fresh)) {
          standalone.removeBut(alone, generation);
        }
      }
      VolumeFiles.sync(root);
      removeGenerationsBut(fresh);
    } catch (IOException | RuntimeException e) {
      String reason = e instanceof IOException io ? explain(io) : e.getClass().getName();
      warnings.accept("the files are published, but not all that was there is removed: " + reason);
    }
  }

  /**
   * Replaces one file of the current generation, which is there, by one rename in it. That is for
   * the status: whatever belongs together is published together.
   */
  void replace(RenderedFile file) throws FetchFailure {
    try {
      Path generation = currentGeneration();
      if (generation == null) {
        throw failure("the volume " + root + " has lost what was published in it");
      }
      Path fresh = generation.resolve(STATUS_NEW);
      Files.deleteIfExists(fresh);
      VolumeFiles.write(fresh, file.revealContent(), file.mode());
      Files.move(fresh, generation.resolve(file.path()), StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw failure(explain(e));
    }
  }

  /** Whether anything is published. */
  boolean isPublished() {
    return currentGeneration() != null;
  }

  /** Whether there is anything at a path of the current generation. */
  boolean isPublished(String path) {
    Path generation = currentGeneration();
    return generation != null && VolumeFiles.exists(generation.resolve(path));
  }

  /**
   * Whether exactly these files, with their content and permissions, are what the current
   * generation has at a path and below it.
   */
  boolean isPublished(String path, List<RenderedFile> files) {
    Path generation = currentGeneration();
    try {
      if (generation == null
          || unfinished
          || Generation.filesIn(generation.resolve(path)).size() != files.size()) {
        return false;
      }
      for (RenderedFile file : files) {
        if (!isSame(generation, file)) {
          return false;
        }
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a publication of these files, and of those kept, would change nothing. */
  boolean isPublished(List<RenderedFile> files, Collection<String> kept) {
    Path generation = currentGeneration();
    Set<String> paths = new TreeSet<>(kept);
    files.forEach(file -> paths.add(file.path()));
    try {
      return generation != null
          && !unfinished
          && !hasLeftovers()
          && Generation.filesIn(generation).size() == paths.size()
          && paths.stream().allMatch(this::isPublished)
          && files.stream().allMatch(file -> isPublished(file.path(), List.of(file)));
    } catch (IOException e) {
      return false;
    }
  }

  /**
   * Whether a publication was killed before it had removed what it replaced, the last of which is
   * the generation before.
   */
  boolean hasLeftovers() {
    try {
      return generations().size() > 1;
    } catch (IOException e) {
      return false;
    }
  }

  /** Whether a publication failed half-way, so that nobody knows what readers see. */
  boolean isCutOff() {
    return unfinished;
  }

  private boolean isSame(Path generation, RenderedFile file) throws IOException {
    // A process may have been killed before it showed what it had published.
    if (file.standalone() && !standalone.isShown(file.path(), generation)) {
      return false;
    }
    Path published = generation.resolve(file.path());
    byte[] content = Files.readAllBytes(published);
    try {
      return file.saysTheSameAs(content)
          && Files.getPosixFilePermissions(published).equals(VolumeFiles.permissions(file.mode()));
    } finally {
      Arrays.fill(content, (byte) 0);
    }
  }

  private void requireVolume() throws FetchFailure {
    if (!Files.isDirectory(root)) {
      throw failure(
          "the volume "
              + root
              + " is no directory; mount it there, or set "
              + FetcherEnvironment.ROOT);
    }
  }

  private static Set<String> linkNames(
      Collection<RenderedFile> files, Collection<String> kept, Set<String> alone) {
    Set<String> names = new TreeSet<>();
    files.forEach(file -> names.add(file.path()));
    names.addAll(kept);
    names.removeAll(alone);
    Set<String> tops = new TreeSet<>();
    names.forEach(path -> tops.add(RenderedFile.topLevelName(path)));
    return tops;
  }

  private void requireUsable(Set<String> names) throws IOException, FetchFailure {
    Path data = root.resolve(DATA);
    if (VolumeFiles.exists(data) && !Files.isSymbolicLink(data)) {
      throw failure(data + " is in the way: it is no link, so nothing here has made it");
    }
    for (String name : names) {
      Path visible = root.resolve(name);
      if (VolumeFiles.exists(visible) && !isOurs(visible)) {
        throw inTheWay(visible);
      }
    }
  }

  static FetchFailure inTheWay(Path visible) {
    return failure(
        visible
            + " exists already and isn't the fetcher's; remove it, or give the secret another"
            + " path");
  }

  private @Nullable Path currentGeneration() {
    Path data = root.resolve(DATA);
    try {
      String target = Files.readSymbolicLink(data).toString();
      Path generation = root.resolve(target);
      return GENERATION.matcher(target).matches() && VolumeFiles.isDirectory(generation)
          ? generation
          : null;
    } catch (IOException | UnsupportedOperationException e) {
      return null;
    }
  }

  /**
   * Makes a directory whose number is above that of every generation before it, whatever the clock
   * says: under a name that comes a second time a reader would find the files of two publications.
   */
  private Path createGeneration(@Nullable Path before) throws IOException {
    long number = clock.millis();
    if (before != null) {
      number = Math.max(number, Long.parseLong(before.getFileName().toString().substring(2)) + 1);
    }
    while (true) {
      Path generation = root.resolve(".." + number);
      try {
        return VolumeFiles.createDirectory(generation);
      } catch (FileAlreadyExistsException e) {
        number++;
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

  private void undo(Path fresh, List<Path> added) {
    try {
      VolumeFiles.deleteTree(fresh);
      for (Path path : added) {
        Files.deleteIfExists(path);
      }
      Files.deleteIfExists(root.resolve(DATA_NEW));
    } catch (IOException e) {
      // The failure that led here is the one worth telling, and the next publication cleans up.
    }
  }

  /** Spares those by which files outside of them are known as ours. */
  private void removeUselessBut(@Nullable Path kept) throws IOException {
    for (Path generation : generations()) {
      if (!generation.equals(kept) && !standalone.showsAny(generation)) {
        VolumeFiles.deleteTree(generation);
      }
    }
  }

  private void removeGenerationsBut(Path kept) throws IOException {
    for (Path generation : generations()) {
      if (!generation.equals(kept)) {
        VolumeFiles.deleteTree(generation);
      }
    }
  }

  private List<Path> generations() throws IOException {
    List<Path> generations = new ArrayList<>();
    for (Path entry : entries()) {
      boolean generation = GENERATION.matcher(entry.getFileName().toString()).matches();
      if (generation && VolumeFiles.isDirectory(entry)) {
        generations.add(entry);
      }
    }
    return generations;
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

  /** Its directory, for messages. */
  @Override
  public String toString() {
    return root.toString();
  }

  static FetchFailure failure(String sentence) {
    return new FetchFailure(ExitCode.WRITE_FAILED, sentence);
  }
}
