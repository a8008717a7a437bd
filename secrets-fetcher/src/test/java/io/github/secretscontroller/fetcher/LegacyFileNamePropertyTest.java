package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;

@Label("SECRET_FILENAME")
class LegacyFileNamePropertyTest {

  @Property(tries = 500)
  @Label("never leaves the volume")
  void noFileNameLeavesTheVolume(
      @ForAll @CharRange(from = '.', to = '0') @StringLength(max = 12) String name) {
    boolean escapes = Arrays.stream(name.split("/")).anyMatch(part -> part.startsWith(".."));
    try {
      FetcherEnvironment read =
          FetcherEnvironment.read(Map.of("SECRET_ARN", "prod/db", "SECRET_FILENAME", name));
      Path file = read.root().resolve(read.plan().files().get(0).path());
      assertThat(file.startsWith(read.root())).isTrue();
      assertThat(file).isEqualTo(file.normalize()).isNotEqualTo(read.root());
      assertThat(escapes).isFalse();
    } catch (FetchFailure e) {
      assertThat(e.code()).isEqualTo(ExitCode.BAD_PLAN);
      assertThat(escapes).isTrue();
    }
  }
}
