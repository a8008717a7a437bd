package io.github.secretscontroller.core;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Secrets as plain files below one directory: the embedded default, so that everything runs on a
 * laptop without an AWS account. Not for production: the files are not encrypted.
 *
 * <p>A reference is the file of that {@link SecretReference#name()}; a {@code /} in the name is a
 * sub-directory. An ARN finds the file of its name with the random suffix or, if there is none,
 * without it. A file may hold any bytes, up to {@link #MAX_VALUE_BYTES}. A version id changes
 * whenever the file does. {@link #write} keeps the current version only; what was {@link #stage
 * staged} is kept below {@code .versions}, with its owner, until somebody removes it there.
 * References of every scheme are served.
 *
 * <p>Deleting moves a file below {@code .deleted}, from where writing the name again, or a person,
 * gets it back. Names can't have a segment that starts with a dot. Thread-safe, and safe with other
 * processes: files appear and change atomically.
 */
public final class DirectorySecretStore implements SecretSource, StagingSecretWriter {

  /** The largest file: the size limit of a Kubernetes Secret. */
  public static final int MAX_VALUE_BYTES = 1024 * 1024;

  private static final String CURRENT = "AWSCURRENT";

  private final Path root;
  private final DirectoryFiles files;
  private final DirectoryVersions versions;

  /**
   * A store below {@code root}, which a reader needs to exist when it reads, and a writer creates.
   */
  public DirectorySecretStore(Path root) {
    this.root = root.toAbsolutePath().normalize();
    this.files = new DirectoryFiles(this.root);
    this.versions = new DirectoryVersions(this.root);
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    Path current = existing(reference);
    Path file = versionOf(reference, current);
    try {
      // The version must be the one of the content: read again if the file changed in between.
      for (int attempt = 0; attempt < 10; attempt++) {
        String before = DirectoryFiles.version(file);
        byte[] content = DirectoryFiles.read(reference, file);
        try {
          if (before.equals(DirectoryFiles.version(file))) {
            requireVersion(reference, before);
            return new SecretValue(
                content,
                new SecretReference(
                    SecretReference.SECRETS_MANAGER, files.nameOf(current), null, null, null),
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
      throw DirectoryFiles.failure(reference, file, e);
    }
  }

  @Override
  public String currentVersion(SecretReference reference) {
    Path file = versionOf(reference, existing(reference));
    try {
      String version = DirectoryFiles.version(file);
      requireVersion(reference, version);
      return version;
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, file, e);
    }
  }

  @Override
  @SuppressWarnings("try") // The lock is held, not read.
  public SecretReference write(String name, byte[] value, WriteContext context) {
    SecretReference reference = named(name, value);
    Path file = files.resolve(reference, name);
    try (FileChannel lock = files.lock(reference)) {
      if (!files.holds(reference, file, value)) {
        files.replace(file, value);
        Files.deleteIfExists(files.trash(file));
      }
      return reference.withVersionId(DirectoryFiles.version(file));
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, file, e);
    }
  }

  @Override
  @SuppressWarnings("try") // The lock is held, not read.
  public SecretReference stage(String name, byte[] value, WriteContext context) {
    SecretReference reference = named(name, value);
    Path file = files.resolve(reference, name);
    try (FileChannel lock = files.lock(reference)) {
      requireOurs(reference, file, context);
      files.createDirectories(versions.home(file));
      versions.own(file, context);
      versions.unmark(file);
      undelete(file);
      Optional<String> present = holding(reference, file, value, context);
      if (present.isPresent()) {
        return reference.withVersionId(present.get());
      }
      Path fresh = root.resolve(".new-" + UUID.randomUUID());
      files.replace(fresh, value);
      DirectoryVersions.makeNewer(fresh, file);
      String version = DirectoryFiles.version(fresh);
      Path staged = versions.file(file, version);
      Files.move(fresh, staged, StandardCopyOption.ATOMIC_MOVE);
      if (!Files.exists(file)) {
        files.createDirectories(file.getParent());
        versions.link(staged, file);
      }
      return reference.withVersionId(version);
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, file, e);
    }
  }

  @Override
  public Optional<SecretReference> find(String name, byte[] value, WriteContext context) {
    SecretReference reference = named(name, value);
    Path file = files.resolve(reference, name);
    try {
      return Files.isRegularFile(file) && isOurs(file, context)
          ? holding(reference, file, value, context).map(reference::withVersionId)
          : Optional.empty();
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, file, e);
    }
  }

  @Override
  public boolean owns(SecretReference reference, WriteContext owner) {
    Path file = files.resolve(reference, reference.name());
    try {
      String version = reference.versionId();
      Path content = Files.exists(file) ? file : files.trash(file);
      return isOurs(file, owner)
          && Files.isRegularFile(content)
          && (version == null
              || version.equals(DirectoryFiles.version(content))
              || Files.isRegularFile(versions.file(file, version)));
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, file, e);
    } catch (IllegalArgumentException noVersion) {
      return false;
    }
  }

  @Override
  @SuppressWarnings("try") // The lock is held, not read.
  public void promote(SecretReference reference, WriteContext owner) {
    Path file = existing(reference);
    Path staged = versionOf(reference, file);
    try (FileChannel lock = files.lock(reference)) {
      requireOurs(reference, file, owner);
      // A file that was written over by hand is newer than what was staged.
      if (!staged.equals(file)
          && Files.getLastModifiedTime(staged).compareTo(Files.getLastModifiedTime(file)) > 0) {
        versions.link(staged, file);
      }
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, file, e);
    }
  }

  @Override
  @SuppressWarnings("try") // The lock is held, not read.
  public void markDeleted(SecretReference reference, WriteContext owner, Instant when) {
    Path file = files.resolve(reference, reference.name());
    try (FileChannel lock = files.lock(reference)) {
      if (isOurs(file, owner)) {
        versions.mark(file, when);
      }
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, file, e);
    }
  }

  @Override
  @SuppressWarnings("try") // The lock is held, not read.
  public void restore(SecretReference reference, WriteContext owner) {
    Path file = files.resolve(reference, reference.name());
    try (FileChannel lock = files.lock(reference)) {
      requireOurs(reference, file, owner);
      versions.unmark(file);
      undelete(file);
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, file, e);
    }
  }

  @Override
  public List<Written> inventory(String cluster) {
    SecretReference everything = SecretReference.parse("inventory");
    try {
      List<Written> inventory = new ArrayList<>();
      for (Path file : versions.owned()) {
        WriteContext owner = versions.owner(file);
        if (owner != null && owner.cluster().equals(cluster)) {
          inventory.add(
              new Written(
                  new SecretReference(
                      SecretReference.SECRETS_MANAGER, files.nameOf(file), null, null, null),
                  owner,
                  !Files.exists(file),
                  versions.marked(file)));
        }
      }
      return inventory;
    } catch (IOException e) {
      throw DirectoryFiles.failure(everything, root, e);
    }
  }

  @Override
  public int maxValueBytes() {
    return MAX_VALUE_BYTES;
  }

  @Override
  @SuppressWarnings("try") // The lock is held, not read.
  public void delete(SecretReference reference, WriteContext context) {
    if (files.find(reference).isEmpty()) {
      return;
    }
    try (FileChannel lock = files.lock(reference)) {
      Optional<Path> file = files.find(reference);
      if (file.isPresent()) {
        Path trash = files.trash(file.get());
        files.createDirectories(trash.getParent());
        Files.move(
            file.get(), trash, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      throw DirectoryFiles.failure(reference, root, e);
    }
  }

  @Override
  public void close() {}

  /** Tells the directory, which is no secret. */
  @Override
  public String toString() {
    return "DirectorySecretStore[" + root + "]";
  }

  private SecretReference named(String name, byte[] value) {
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
    return reference;
  }

  /** The file of the version that is named, or the current one. */
  private Path versionOf(SecretReference reference, Path current) {
    String version = reference.versionId();
    if (version == null || reference.versionStage() != null) {
      return current;
    }
    try {
      Path staged = versions.file(current, version);
      return Files.isRegularFile(staged) ? staged : current;
    } catch (IllegalArgumentException noVersion) {
      return current;
    }
  }

  /** The id of the version with these bytes: the previous one, the last staged or the current. */
  private Optional<String> holding(
      SecretReference reference, Path file, byte[] value, WriteContext context) throws IOException {
    List<Path> candidates = new ArrayList<>();
    SecretReference previous = context.previousReference();
    if (previous != null && previous.name().equals(reference.name())) {
      candidates.add(versionOf(previous, file));
    }
    versions.latest(file).ifPresent(candidates::add);
    candidates.add(file);
    for (Path candidate : candidates) {
      if (files.holds(reference, candidate, value)) {
        return Optional.of(DirectoryFiles.version(candidate));
      }
    }
    return Optional.empty();
  }

  private boolean isOurs(Path file, WriteContext context) throws IOException {
    WriteContext owner = versions.owner(file);
    return owner != null && owner.equals(context.replacing(null));
  }

  /** A file without an owner, which a person put there, isn't ours either. */
  private void requireOurs(SecretReference reference, Path file, WriteContext context)
      throws IOException {
    if ((Files.exists(file) || versions.owner(file) != null) && !isOurs(file, context)) {
      WriteContext owner = versions.owner(file);
      throw new SecretException.InvalidRequest(
          reference,
          file
              + (owner == null
                  ? " was not written for a Kubernetes object"
                  : " belongs to "
                      + owner.namespace()
                      + "/"
                      + owner.name()
                      + " of cluster "
                      + owner.cluster())
              + "; remove it, or choose another name",
          null);
    }
  }

  private void undelete(Path file) throws IOException {
    Path trash = files.trash(file);
    if (!Files.exists(file) && Files.isRegularFile(trash)) {
      files.createDirectories(file.getParent());
      Files.move(trash, file, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private Path existing(SecretReference reference) {
    return files
        .find(reference)
        .orElseThrow(
            () ->
                new SecretException.NotFound(
                    reference,
                    "there is no file for "
                        + reference.describe()
                        + " below "
                        + root
                        + "; expected "
                        + files.resolve(reference, reference.name()),
                    null));
  }

  private void requireVersion(SecretReference reference, String current) {
    String stage = reference.versionStage();
    String id = reference.versionId();
    boolean otherStage = stage != null && !stage.equals(CURRENT);
    boolean otherId = id != null && !id.equals(current);
    if (otherStage || otherId) {
      throw new SecretException.NotFound(
          reference, "there is no such version below " + root + ": " + reference.describe(), null);
    }
  }
}
