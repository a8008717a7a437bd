package io.github.secretscontroller.core;

import java.io.IOException;
import java.io.OutputStream;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of one version of a secret, exact to the byte, with what the backend says about them.
 *
 * <p>Strings are their UTF-8 bytes; binary secrets are their raw bytes. {@link #close} overwrites
 * the bytes that this object holds; reading afterwards throws {@link IllegalStateException}. Wiping
 * is best effort: copies that a backend's client library or {@link #revealBytes} made are out of
 * reach.
 *
 * <p>There is no {@code equals}, no {@code hashCode} and no serialisation over the content, and
 * {@link #toString} shows only its size and version, so a value can't slip into a log, a set or a
 * JSON document. Every place that reads the content calls a method whose name starts with {@code
 * reveal}, so that all of them can be found by a search.
 *
 * <p>Thread-safe.
 */
public final class SecretValue implements AutoCloseable {

  private final byte[] bytes;
  private final SecretReference origin;
  private final String versionId;
  private final Set<String> versionStages;
  private final @Nullable Instant createdAt;
  private boolean closed;

  /**
   * Takes a copy of {@code content}; the caller keeps, and wipes, its own array.
   *
   * @param content the secret's bytes
   * @param origin where the backend found it: the id as the backend itself reports it, for AWS the
   *     full ARN, whose region is the one that answered
   * @param versionId the unique id of the version; never empty
   * @param versionStages the staging labels on that version; may be empty
   * @param createdAt when the version was created, or {@code null} if the backend doesn't tell
   */
  public SecretValue(
      byte[] content,
      SecretReference origin,
      String versionId,
      Set<String> versionStages,
      @Nullable Instant createdAt) {
    if (versionId.isEmpty()) {
      throw new IllegalArgumentException("the version id is empty");
    }
    this.bytes = content.clone();
    this.origin = Objects.requireNonNull(origin, "origin");
    this.versionId = versionId;
    this.versionStages = Set.copyOf(versionStages);
    this.createdAt = createdAt;
  }

  /**
   * A copy of the content, which the caller should overwrite when done.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public synchronized byte[] revealBytes() {
    requireOpen();
    return bytes.clone();
  }

  /**
   * Writes the content without making a copy of it here.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public synchronized void revealTo(OutputStream out) throws IOException {
    requireOpen();
    out.write(bytes);
  }

  /**
   * Compares contents in a time that depends only on their lengths.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public synchronized boolean hasContent(byte[] other) {
    requireOpen();
    return MessageDigest.isEqual(bytes, other);
  }

  /**
   * An independent value with the same content, for handing one out of a cache that may wipe its
   * own at any time.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public synchronized SecretValue copy() {
    requireOpen();
    return new SecretValue(bytes, origin, versionId, versionStages, createdAt);
  }

  /** As {@link #copy}, but {@code null} after {@link #close}. */
  synchronized @Nullable SecretValue copyIfOpen() {
    return closed ? null : copy();
  }

  /** The number of bytes; known after {@link #close} as well. */
  public int size() {
    return bytes.length;
  }

  /** Where the backend found the value; for AWS its id is the full ARN. */
  public SecretReference origin() {
    return origin;
  }

  /** The unique id of this version. */
  public String versionId() {
    return versionId;
  }

  /** The staging labels on this version when it was read. */
  public Set<String> versionStages() {
    return versionStages;
  }

  /** When the version was created, if the backend tells. */
  public Optional<Instant> createdAt() {
    return Optional.ofNullable(createdAt);
  }

  /** Overwrites the content with zeros. Safe to call twice. */
  @Override
  public synchronized void close() {
    Arrays.fill(bytes, (byte) 0);
    closed = true;
  }

  /** Size, origin and version; never content. */
  @Override
  public String toString() {
    return "SecretValue["
        + size()
        + " bytes of "
        + origin.describe()
        + ", version "
        + versionId
        + "]";
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the secret value of " + origin.describe() + " was closed");
    }
  }
}
