package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretFile;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/** The content of one file, ready to be published; closing overwrites it. */
final class RenderedFile implements AutoCloseable {

  private final String path;
  private final int mode;
  private final byte[] content;
  private final boolean standalone;
  private final @Nullable BiPredicate<byte[], byte[]> sameness;

  /**
   * Takes over {@code content}, and wipes it when closed.
   *
   * @param path relative to the volume's root, checked by the plan
   * @param mode its permission bits
   */
  RenderedFile(String path, int mode, byte[] content) {
    this(path, mode, content, false, null);
  }

  /**
   * As above, for a format whose bytes differ from time to time.
   *
   * @param sameness whether this content and other bytes say the same
   */
  RenderedFile(String path, int mode, byte[] content, BiPredicate<byte[], byte[]> sameness) {
    this(path, mode, content, false, sameness);
  }

  /**
   * As above.
   *
   * @param standalone whether it is a regular file at its path, outside of the generations
   */
  RenderedFile(String path, int mode, byte[] content, boolean standalone) {
    this(path, mode, content, standalone, null);
  }

  private RenderedFile(
      String path,
      int mode,
      byte[] content,
      boolean standalone,
      @Nullable BiPredicate<byte[], byte[]> sameness) {
    this.path = path;
    this.mode = mode;
    this.content = content;
    this.standalone = standalone;
    this.sameness = sameness;
  }

  String path() {
    return path;
  }

  /** Whether it was made for this file of the plan, which can be a directory of such. */
  boolean isFor(SecretFile file) {
    return path.equals(file.path()) || path.startsWith(file.path() + "/");
  }

  /** What is visible of a path at the volume's root: the file, or the directory that it is in. */
  static String topLevelName(String path) {
    int slash = path.indexOf('/');
    return slash < 0 ? path : path.substring(0, slash);
  }

  int mode() {
    return mode;
  }

  /**
   * Whether it is a regular file at its path, written once, and not one of a generation: kubelet
   * reads environment files by itself, before any container of the pod runs.
   */
  boolean standalone() {
    return standalone;
  }

  ByteBuffer revealContent() {
    return ByteBuffer.wrap(content).asReadOnlyBuffer();
  }

  /** Whether publishing this over these bytes would change nothing. */
  boolean saysTheSameAs(byte[] published) {
    return Arrays.equals(content, published)
        || (sameness != null && sameness.test(content, published));
  }

  @Override
  public void close() {
    Arrays.fill(content, (byte) 0);
  }

  @Override
  public String toString() {
    return "RenderedFile[" + path + ", " + content.length + " bytes]";
  }
}
