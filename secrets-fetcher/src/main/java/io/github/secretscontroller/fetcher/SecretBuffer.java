package io.github.secretscontroller.fetcher;

import java.io.OutputStream;
import java.util.Arrays;

/**
 * Collects the bytes of a file, and leaves none behind: what it outgrows or gives away is wiped.
 */
final class SecretBuffer extends OutputStream {

  private byte[] bytes = new byte[512];
  private int size;

  @Override
  public void write(int b) {
    require(1);
    bytes[size++] = (byte) b;
  }

  @Override
  public void write(byte[] source, int offset, int length) {
    require(length);
    System.arraycopy(source, offset, bytes, size, length);
    size += length;
  }

  /**
   * Adds the text as UTF-8.
   *
   * @throws Unusable for half of a surrogate pair, which JSON's escapes can express and UTF-8 can't
   */
  SecretBuffer text(CharSequence text) throws Unusable {
    require(3 * text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < 0x80) {
        bytes[size++] = (byte) c;
      } else if (c < 0x800) {
        bytes[size++] = (byte) (0xC0 | (c >> 6));
        follow(c);
      } else if (!Character.isSurrogate(c)) {
        bytes[size++] = (byte) (0xE0 | (c >> 12));
        follow(c >> 6);
        follow(c);
      } else if (i + 1 < text.length() && Character.isSurrogatePair(c, text.charAt(i + 1))) {
        int point = Character.toCodePoint(c, text.charAt(++i));
        bytes[size++] = (byte) (0xF0 | (point >> 18));
        follow(point >> 12);
        follow(point >> 6);
        follow(point);
      } else {
        throw new Unusable(
            "has half of a surrogate pair in it, which is no text; store it in base64");
      }
    }
    return this;
  }

  /** A byte of UTF-8 that isn't the first of its character. */
  private void follow(int bits) {
    bytes[size++] = (byte) (0x80 | (bits & 0x3F));
  }

  int size() {
    return size;
  }

  /** What was collected; the buffer is empty afterwards. */
  byte[] take() {
    byte[] taken = Arrays.copyOf(bytes, size);
    close();
    return taken;
  }

  @Override
  public void close() {
    Arrays.fill(bytes, 0, size, (byte) 0);
    size = 0;
  }

  private void require(int more) {
    if (bytes.length - size < more) {
      byte[] outgrown = bytes;
      bytes = Arrays.copyOf(outgrown, Math.max(2 * outgrown.length, size + more));
      Arrays.fill(outgrown, 0, size, (byte) 0);
    }
  }
}
