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
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The files below a {@link DirectorySecretStore}'s root: names to paths, reading, atomic writing
 * and the lock. Thread-safe.
 */
final class DirectoryFiles {

  private static final Duration LOCK_PATIENCE = Duration.ofSeconds(10);
  private static final Duration LOCK_POLL = Duration.ofMillis(1);
  private static final Pattern RANDOM_SUFFIX = Pattern.compile("-[A-Za-z0-9]{6}$");

  private final Path root;

  DirectoryFiles(Path root) {
    this.root = root;
  }

  Optional<Path> find(SecretReference reference) {
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

  Path resolve(SecretReference reference, String name) {
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

  String nameOf(Path file) {
    return root.relativize(file).toString().replace(file.getFileSystem().getSeparator(), "/");
  }

  Path trash(Path file) {
    return root.resolve(".deleted").resolve(root.relativize(file));
  }

  static byte[] read(SecretReference reference, Path file) throws IOException {
    long size = Files.size(file);
    if (size > DirectorySecretStore.MAX_VALUE_BYTES) {
      throw new SecretException.InvalidRequest(
          reference,
          file
              + " has "
              + size
              + " bytes, more than the "
              + DirectorySecretStore.MAX_VALUE_BYTES
              + " that are allowed",
          null);
    }
    return Files.readAllBytes(file);
  }

  /** From the file's identity, size and time of change, never from its content. */
  static String version(Path file) throws IOException {
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    Instant modified = attributes.lastModifiedTime().toInstant();
    Object key = attributes.fileKey();
    return UUID.nameUUIDFromBytes(
            (key + "/" + attributes.size() + "/" + modified).getBytes(StandardCharsets.UTF_8))
        .toString();
  }

  boolean holds(SecretReference reference, Path file, byte[] value) throws IOException {
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
  FileChannel lock(SecretReference reference) throws IOException {
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

  void replace(Path file, byte[] value) throws IOException {
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

  void createDirectories(@Nullable Path directory) throws IOException {
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

  static SecretException failure(SecretReference reference, Path file, IOException e) {
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
