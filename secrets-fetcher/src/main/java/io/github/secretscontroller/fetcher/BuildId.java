package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;

/**
 * Whether the code that runs is the code of the jar.
 *
 * <p>The image runs from an archive of classes, made together with its jar. A JVM may not notice
 * that the jar was replaced, and would run the old code without a word. So the image's build gives
 * both an id: this class, and with it the archive, by the constant below; the jar by its comment,
 * which are its last bytes.
 */
final class BuildId {

  private static final String NONE = "none";
  private static final int LENGTH = 32;

  private BuildId() {}

  /** The id of the running code; {@code none} outside of an image. */
  static String ofCode() {
    // The image's build replaces this constant.
    return NONE;
  }

  /**
   * Looks at the jar that the program was started with.
   *
   * @throws FetchFailure with {@link ExitCode#INTERNAL} if it isn't the one that the code is from
   */
  static void requireSameJar(String code, String jar) throws FetchFailure {
    if (code.equals(NONE)) {
      return;
    }
    String id = ofJar(jar);
    if (!id.equals(code)) {
      throw new FetchFailure(
          ExitCode.INTERNAL,
          "the code that runs is of build "
              + code
              + ", but "
              + jar
              + " of build "
              + id
              + ": the jar and the archive of classes beside it must be made in one step; build the"
              + " image anew");
    }
  }

  private static String ofJar(String jar) {
    try (RandomAccessFile file = new RandomAccessFile(jar, "r")) {
      byte[] end = new byte[LENGTH];
      file.seek(Math.max(0, file.length() - LENGTH));
      int read = file.read(end);
      String id = new String(end, 0, Math.max(0, read), StandardCharsets.ISO_8859_1);
      return isId(id) ? id : NONE;
    } catch (IOException e) {
      return NONE;
    }
  }

  private static boolean isId(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (Character.digit(text.charAt(i), 16) < 0) {
        return false;
      }
    }
    return text.length() == LENGTH;
  }
}
