package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretReference;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A file that kubelet wrote.
 *
 * @param mode the permissions that the pod's manifest asks for
 * @param reference what it refers to; {@code null} if it is to be copied
 * @param content its bytes; a copied file may well be secret
 */
@SuppressWarnings("ArrayRecordComponent") // Nobody compares these.
record ReferenceFile(int mode, @Nullable SecretReference reference, byte[] content) {

  /**
   * The mode of a file that others can read and write stands for that file without anything for
   * others: so the webhook lets the fetcher, which is never root, read what a manifest gives to
   * root alone. It writes no such mode otherwise.
   */
  private static final int OPENED = 0006;

  static int mode(Path file) throws IOException {
    String text =
        PosixFilePermissions.toString(
            Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS));
    int mode = 0;
    for (int i = 0; i < text.length(); i++) {
      mode |= text.charAt(i) == '-' ? 0 : 0400 >> i;
    }
    boolean opened = (mode & OPENED) == OPENED;
    // Readable by the fetcher itself at least, which compares what it published.
    return (opened ? mode & ~0007 : mode) | 0400;
  }

  void wipe() {
    Arrays.fill(content, (byte) 0);
  }
}
