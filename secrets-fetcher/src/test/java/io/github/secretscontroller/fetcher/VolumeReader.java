package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * An application, as a process of its own, that reads a volume in a tight loop until its standard
 * input is closed. Each file has as many lines as its first line says, all of them the same, and
 * all files of one publication have the same; it ends with 1 and a sentence where that isn't so.
 */
final class VolumeReader {

  private VolumeReader() {}

  /** Reads the volume that the first argument names; the files in it are the others. */
  public static void main(String[] arguments) throws IOException {
    Path root = Path.of(arguments[0]);
    List<String> files = List.of(arguments).subList(1, arguments.length);
    Set<String> seen = new HashSet<>();
    long sets = 0;
    System.out.println("reading");
    while (System.in.available() == 0) {
      for (String file : files) {
        String content = read(root.resolve(file));
        if (content != null) {
          requireWhole(file, content);
        }
      }
      String set = readSet(root, files);
      if (set != null) {
        seen.add(set);
        sets++;
      }
    }
    System.out.println("read " + sets + " sets of " + seen.size() + " publications");
  }

  /** As the documentation says: resolve the link once, read below it, start again if it is gone. */
  private static String readSet(Path root, List<String> files) throws IOException {
    try {
      Path generation = root.resolve("..data").toRealPath();
      Set<String> contents = new HashSet<>();
      for (String file : files) {
        contents.add(Files.readString(generation.resolve(file)).lines().findFirst().orElse(""));
      }
      if (contents.size() > 1) {
        fail("a torn set: " + contents);
      }
      return contents.iterator().next();
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  private static String read(Path file) throws IOException {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    } catch (NoSuchFileException e) {
      return null;
    }
  }

  /** Fails unless a file is complete. */
  static void requireWhole(String file, String content) {
    List<String> lines = content.lines().toList();
    if (lines.isEmpty() || !content.endsWith("\n")) {
      fail(file + " is cut off after " + content.length() + " characters");
    }
    int expected = Integer.parseInt(lines.get(0).split(" ", -1)[0]);
    try (Stream<String> distinct = lines.stream().distinct()) {
      if (lines.size() != expected || distinct.count() != 1) {
        fail(file + " has " + lines.size() + " lines that should be " + expected + " equal ones");
      }
    }
  }

  private static void fail(String sentence) {
    System.out.println(sentence);
    System.exit(1);
  }
}
