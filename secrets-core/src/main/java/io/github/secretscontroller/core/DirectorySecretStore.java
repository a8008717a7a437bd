package io.github.secretscontroller.core;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Secrets as plain files below one directory: the embedded default, so that everything runs on a
 * laptop without an AWS account. Not for production: the files are not encrypted.
 *
 * <p>A reference is the file of that {@link SecretReference#name()}; a {@code /} in the name is a
 * sub-directory. An ARN finds the file of its name with the random suffix or, if there is none,
 * without it. A file may hold any bytes, up to {@link #MAX_VALUE_BYTES}. Only the current version
 * exists; a version id changes whenever the file does. References of every scheme are served.
 *
 * <p>Deleting moves a file below {@code .deleted}, from where writing the name again, or a person,
 * gets it back. Names can't have a segment that starts with a dot. Thread-safe, and safe with other
 * processes: files appear and change atomically.
 */
public final class DirectorySecretStore implements SecretSource, SecretWriter {

  /** The largest file: the size limit of a Kubernetes Secret. */
  public static final int MAX_VALUE_BYTES = 1024 * 1024;

  private static final String CURRENT = "AWSCURRENT";
  private static final Duration LOCK_PATIENCE = Duration.ofSeconds(10);
  private static final Duration LOCK_POLL = Duration.ofMillis(1);
  private static final Pattern RANDOM_SUFFIX = Pattern.compile("-[A-Za-z0-9]{6}$");

  private final Path root;

  /**
   * A store below {@code root}, which a reader needs to exist when it reads, and a writer creates.
   */
  public DirectorySecretStore(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    Path file = existing(reference);
    try {
      // The version must be the one of the content: read again if the file changed in between.
      for (int attempt = 0; attempt < 10; attempt++) {
        String before = version(file);
        byte[] content = read(reference, file);
        try {
          if (before.equals(version(file))) {
            requireVersion(reference, before);
            return new SecretValue(
                content,
                new SecretReference(
                    SecretReference.SECRETS_MANAGER, nameOf(file), null, null, null),
                before,
                Set.of(CURRENT),
                Files.getLastModifiedTime(file).toInstant());
          }
        } finally {
          Arrays.fill(content, (byte) 0);
        }
      }
      throw new SecretException.Unavailable(
          reference, file + " keeps changing while it is read", null);
    } catch (IOException e) {
      throw failure(reference, file, e);
    }
  }

  @Override
  public String currentVersion(SecretReference reference) {
    Path file = existing(reference);
    try {
      String version = version(file);
      requireVersion(reference, version);
      return version;
    } catch (IOException e) {
      throw failure(reference, file, e);
    }
  }

  @Override
  @SuppressWarnings("try") // The lock is held, not read.
  public SecretReference write(String name, byte[] value, WriteContext context) {
    SecretReference reference =
        new SecretReference(SecretReference.SECRETS_MANAGER, name, null, null, null);
    if (value.length > MAX_VALUE_BYTES) {
      throw new SecretException.InvalidRequest(
          reference,
          "the value for "
              + name
              + " has "
              + value.length
              + " bytes, more than the "
              + MAX_VALUE_BYTES
              + " that are allowed",
          null);
    }
    Path file = resolve(reference, name);
    try (FileChannel lock = lock(reference)) {
      if (!holds(reference, file, value)) {
        replace(file, value);
        Files.deleteIfExists(trash(file));
      }
      return reference.withVersionId(version(file));
    } catch (IOException e) {
      throw failure(reference, file, e);
    }
  }

  @Override
  @SuppressWarnings("try") // The lock is held, not read.
  public void delete(SecretReference reference, WriteContext context) {
    if (find(reference).isEmpty()) {
      return;
    }
    try (FileChannel lock = lock(reference)) {
      Optional<Path> file = find(reference);
      if (file.isPresent()) {
        Path trash = trash(file.get());
        createDirectories(trash.getParent());
        Files.move(
            file.get(), trash, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw failure(reference, root, e);
    }
  }

  @Override
  public void close() {}

  /** Tells the directory, which is no secret. */
  @Override
  public String toString() {
    return "DirectorySecretStore[" + root + "]";
  }

  private Path existing(SecretReference reference) {
    return find(reference)
        .orElseThrow(
            () ->
                new SecretException.NotFound(
                    reference,
                    "there is no file for "
                        + reference.describe()
                        + " below "
                        + root
                        + "; expected "
                        + resolve(reference, reference.name()),
                    null));
  }

  private Optional<Path> find(SecretReference reference) {
    String name = reference.name();
    Path exact = resolve(reference, name);
    if (Files.isRegularFile(exact)) {
      return Optional.of(confined(reference, exact));
    }
    if (reference.isArn() && RANDOM_SUFFIX.matcher(name).find()) {
      Path stripped = resolve(reference, name.substring(0, name.length() - 7));
      if (Files.isRegularFile(stripped)) {
        return Optional.of(confined(reference, stripped));
      }
    }
    return Optional.empty();
  }

  private Path resolve(SecretReference reference, String name) {
    String relative = name.startsWith("/") ? name.substring(1) : name;
    for (String segment : relative.split("/", -1)) {
      if (segment.isEmpty() || segment.startsWith(".")) {
        throw new SecretException.InvalidRequest(
            reference,
            "the name in "
                + reference.describe()
                + " can't be a file below "
                + root
                + ": no part of it may be empty or start with a dot",
            null);
      }
    }
    return root.resolve(relative);
  }

  /** A symbolic link may point around inside of the directory, but not out of it. */
  private Path confined(SecretReference reference, Path file) {
    try {
      if (!file.toRealPath().startsWith(root.toRealPath())) {
        throw new SecretException.InvalidRequest(
            reference, file + " is a link that leaves " + root, null);
      }
      return file;
    } catch (IOException e) {
      throw failure(reference, file, e);
    }
  }

  private String nameOf(Path file) {
    return root.relativize(file).toString().replace(file.getFileSystem().getSeparator(), "/");
  }

  private Path trash(Path file) {
    return root.resolve(".deleted").resolve(root.relativize(file));
  }

  private static byte[] read(SecretReference reference, Path file) throws IOException {
    long size = Files.size(file);
    if (size > MAX_VALUE_BYTES) {
      throw new SecretException.InvalidRequest(
          reference,
          file + " has " + size + " bytes, more than the " + MAX_VALUE_BYTES + " that are allowed",
          null);
    }
    return Files.readAllBytes(file);
  }

  /** From the file's identity, size and time of change, never from its content. */
  private static String version(Path file) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    Instant modified = attributes.lastModifiedTime().toInstant();
    Object key = attributes.fileKey();
    return UUID.nameUUIDFromBytes(
            (key + "/" + attributes.size() + "/" + modified).getBytes(StandardCharsets.UTF_8))
        .toString();
  }

  private static void requireVersion(SecretReference reference, String current) {
    String stage = reference.versionStage();
    String id = reference.versionId();
    boolean otherStage = stage != null && !stage.equals(CURRENT);
    boolean otherId = id != null && !id.equals(current);
    if (otherStage || otherId) {
      throw new SecretException.NotFound(
          reference,
          "a directory keeps the current version only, and "
              + reference.describe()
              + " names another",
          null);
    }
  }

  private boolean holds(SecretReference reference, Path file, byte[] value) throws IOException {
    if (!Files.isRegularFile(file) || Files.size(file) != value.length) {
      return false;
    }
    byte[] present = read(reference, file);
    boolean same = MessageDigest.isEqual(present, value);
    Arrays.fill(present, (byte) 0);
    return same;
  }

  /**
   * Keeps other writers out, in this process and in others, until the channel is closed. The lock
   * vanishes with its process, so that a crash blocks nobody.
   */
  private FileChannel lock(SecretReference reference) throws IOException {
    createDirectories(root);
    FileChannel channel =
        FileChannel.open(
            root.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    long deadline = System.nanoTime() + LOCK_PATIENCE.toNanos();
    while (true) {
      try {
        if (channel.tryLock() != null) {
          return channel;
        }
      } catch (OverlappingFileLockException heldInThisProcess) {
        // The JVM refuses at once where the operating system would wait.
      }
      if (System.nanoTime() > deadline) {
        channel.close();
        throw new SecretException.Unavailable(
            reference, "another writer has held the lock in " + root + " for too long", null);
      }
      LockSupport.parkNanos(LOCK_POLL.toNanos());
    }
  }

  private void replace(Path file, byte[] value) throws IOException {
    createDirectories(file.getParent());
    Path fresh = root.resolve(".new-" + UUID.randomUUID());
    try {
      Files.createFile(fresh);
      ownerOnly(fresh, "rw-------");
      try (FileChannel channel = FileChannel.open(fresh, StandardOpenOption.WRITE)) {
        ByteBuffer remaining = ByteBuffer.wrap(value);
        while (remaining.hasRemaining()) {
          channel.write(remaining);
        }
        channel.force(true);
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(fresh);
    }
  }

  private void createDirectories(@Nullable Path directory) throws IOException {
    if (directory != null && !Files.isDirectory(directory)) {
      createDirectories(directory.getParent());
      try {
        Files.createDirectory(directory);
        ownerOnly(directory, "rwx------");
      } catch (FileAlreadyExistsException e) {
        if (!Files.isDirectory(directory)) {
          throw e;
        }
      }
    }
  }

  private static void ownerOnly(Path path, String permissions) throws IOException {
    if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
    }
  }

  private static SecretException failure(SecretReference reference, Path file, IOException e) {
    if (e instanceof NoSuchFileException) {
      return new SecretException.NotFound(reference, file + " was removed", e);
    }
    if (e instanceof AccessDeniedException) {
      return new SecretException.AccessDenied(
          reference, "this process may not access " + file + "; check its owner and mode", e);
    }
    if (e instanceof AtomicMoveNotSupportedException || e instanceof FileAlreadyExistsException) {
      return new SecretException.InvalidRequest(reference, "can't write " + file + ": " + e, e);
    }
    return new SecretException.Unavailable(reference, "accessing " + file + " failed: " + e, e);
  }
}
