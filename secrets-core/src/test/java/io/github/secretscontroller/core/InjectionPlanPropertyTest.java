package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.secretscontroller.core.SecretFile.KeyFiles;
import io.github.secretscontroller.core.SecretFile.Template;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class InjectionPlanPropertyTest {

  private static final SecretReference DB = SecretReference.parse("prod/db");

  @Property
  void whatIsWrittenIsRead(@ForAll("plans") InjectionPlan plan) {
    assertThat(plan.toJson()).doesNotContain("$");
    assertThat(InjectionPlan.parse(plan.toJson())).isEqualTo(plan);
  }

  @Property
  void anyTextIsReadOrRefusedButNeverElse(@ForAll String text) {
    assertThatThrownBy(() -> InjectionPlan.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("not an injection plan");
  }

  @Property
  void aPathIsConfinedOrRefused(@ForAll String path) {
    try {
      SecretFile file = SecretFile.of(DB, path);
      Path root = Path.of("/volume");
      Path resolved = root.resolve(file.path()).normalize();
      assertThat(resolved.startsWith(root) && !resolved.equals(root)).isTrue();
    } catch (IllegalArgumentException e) {
      assertThat(e).hasMessageContaining("is no path inside the volume");
    }
  }

  @Provide
  Arbitrary<InjectionPlan> plans() {
    Arbitrary<String> paths =
        Arbitraries.strings()
            .withCharRange('a', 'z')
            .withChars("$()\"\\ \u00e4\u20ac.")
            .ofMinLength(1)
            .ofMaxLength(20)
            .map(text -> "f" + text);
    return paths
        .list()
        .ofMinSize(1)
        .ofMaxSize(8)
        .map(
            names -> {
              Set<String> distinct = new LinkedHashSet<>(names);
              List<SecretFile> files = new ArrayList<>();
              for (String name : distinct) {
                boolean even = name.length() % 2 == 0;
                files.add(
                    SecretFile.of(DB.withSelector(name), name)
                        .withContent(even ? new Template(name) : new KeyFiles(List.of(name)))
                        .withMode(even ? 0440 : 0444)
                        .withOptional(even));
              }
              return InjectionPlan.of(files);
            });
  }
}
