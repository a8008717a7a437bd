package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The processes that can be seen, as {@code proc(5)} describes them. */
final class ProcessTable {

  private static final int EFFECTIVE_USER = 2;

  private final Path proc;

  /**
   * A table.
   *
   * @param proc the mount point of the proc file system
   */
  ProcessTable(Path proc) {
    this.proc = proc;
  }

  /**
   * One process.
   *
   * @param pid its id
   * @param parent its parent's id
   * @param user the user that it runs as, by number
   * @param name what it calls itself: the first 15 bytes of its program's name, usually
   * @param program the last part of its program's path, or {@code null} where that can't be seen
   * @param group its control group, without the last part; the containers of a pod share that
   */
  record Entry(
      long pid,
      long parent,
      int user,
      String name,
      @Nullable String program,
      @Nullable String group) {

    boolean isNamed(String wanted) {
      return name.equals(wanted) || wanted.equals(program);
    }
  }

  /** The process that asks, or {@code null} if there is no such file system. */
  @Nullable Entry self() {
    return entry(proc.resolve("self"));
  }

  /** All processes but those that ended meanwhile. */
  List<Entry> all() {
    List<Entry> entries = new ArrayList<>();
    try (DirectoryStream<Path> directories = Files.newDirectoryStream(proc, "[1-9]*")) {
      for (Path directory : directories) {
        Entry entry = entry(directory);
        if (entry != null) {
          entries.add(entry);
        }
      }
    } catch (IOException e) {
      return List.of();
    }
    return entries;
  }

  private static @Nullable Entry entry(Path directory) {
    try {
      long pid = -1;
      long parent = -1;
      int user = -1;
      for (String line : Files.readAllLines(directory.resolve("status"))) {
        String[] fields = line.split("\\s+", -1);
        switch (fields[0]) {
          case "Pid:" -> pid = Long.parseLong(fields[1]);
          case "PPid:" -> parent = Long.parseLong(fields[1]);
          case "Uid:" -> user = Integer.parseInt(fields[EFFECTIVE_USER]);
          default -> {}
        }
      }
      String name = Files.readString(directory.resolve("comm")).stripTrailing();
      return new Entry(pid, parent, user, name, program(directory), group(directory));
    } catch (IOException | NumberFormatException | IndexOutOfBoundsException e) {
      // It ended, or isn't shown to this user.
      return null;
    }
  }

  private static @Nullable String program(Path directory) {
    try {
      String path = Files.readSymbolicLink(directory.resolve("exe")).toString();
      String name = path.substring(path.lastIndexOf('/') + 1);
      String deleted = " (deleted)";
      return name.endsWith(deleted) ? name.substring(0, name.length() - deleted.length()) : name;
    } catch (IOException e) {
      return null;
    }
  }

  private static @Nullable String group(Path directory) {
    try {
      for (String line : Files.readAllLines(directory.resolve("cgroup"))) {
        if (line.startsWith("0::/") || line.contains(":memory:/")) {
          String path = line.substring(line.indexOf(":/") + 1);
          String inside = path.equals("/") ? "/../." : path;
          return inside.substring(0, inside.lastIndexOf('/'));
        }
      }
    } catch (IOException e) {
      // Not shown.
    }
    return null;
  }
}
