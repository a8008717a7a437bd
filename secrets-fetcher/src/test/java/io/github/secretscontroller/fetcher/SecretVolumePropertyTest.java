package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

@Label("The secret volume")
class SecretVolumePropertyTest {

  @Property(tries = 60)
  @Label("shows exactly the last set of files, byte for byte")
  void everySetOfFilesReadsBackExactly(@ForAll("fileSets") List<Map<String, byte[]>> sets)
      throws Exception {
    Path volume = Files.createTempDirectory("volume");
    try {
      for (Map<String, byte[]> set : sets) {
        new SecretVolume(volume, Clock.systemUTC())
            .publish(
                set.entrySet().stream()
                    .map(e -> new RenderedFile(e.getKey(), 0400, e.getValue().clone()))
                    .toList());
        assertThat(visibleFiles(volume)).isEqualTo(set.keySet());
        set.forEach((path, bytes) -> assertThat(volume.resolve(path)).hasBinaryContent(bytes));
      }
    } finally {
      try (Stream<Path> walk = Files.walk(volume)) {
        for (Path path : walk.sorted((a, b) -> b.compareTo(a)).toList()) {
          Files.delete(path);
        }
      }
    }
  }

  @Provide
  Arbitrary<List<Map<String, byte[]>>> fileSets() {
    // "x" and "x/y" never meet: a directory's name is upper case, a file's is lower case.
    Arbitrary<String> paths =
        Arbitraries.of("A/", "A/B/", "C/", "")
            .flatMap(d -> Arbitraries.of("a", "b", "ü ", ".c", "$(x)").map(f -> d + f));
    Arbitrary<byte[]> contents = Arbitraries.bytes().array(byte[].class).ofMinSize(0).ofMaxSize(40);
    return Arbitraries.maps(paths, contents).ofMaxSize(8).list().ofMinSize(1).ofMaxSize(4);
  }

  private static Set<String> visibleFiles(Path volume) throws IOException {
    try (Stream<Path> walk = Files.walk(volume, FileVisitOption.FOLLOW_LINKS)) {
      return walk.filter(Files::isRegularFile)
          .map(path -> volume.relativize(path).toString())
          .filter(path -> !path.startsWith(".."))
          .collect(Collectors.toSet());
    }
  }
}
