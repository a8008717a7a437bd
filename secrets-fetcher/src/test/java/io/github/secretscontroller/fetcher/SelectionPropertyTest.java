package io.github.secretscontroller.fetcher;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

@Label("A selector")
class SelectionPropertyTest {

  private static final List<String> KEYS =
      List.of("a", "b", "tls.crt", "a.b", "x-y", "no", "_", "A1", "length", " ", "/", "");

  @Property(tries = 300)
  @Label("that is a path of keys selects without the library what the library selects")
  void pathsMeanTheSame(@ForAll("paths") String path, @ForAll("documents") Object document)
      throws Exception {
    Selection.Path fast = Selection.Path.parse(path);

    if (fast != null) {
      assertThat(fast.of(document)).isEqualTo(JmesPathSelection.parse(path).of(document));
    }
  }

  @Property(tries = 300)
  @Label("that isn't JMESPath is never taken for a path of keys")
  void nothingElseIsAPath(@ForAll("nearlyPaths") String expression) {
    if (Selection.Path.parse(expression) != null) {
      assertThat(JmesPathSelection.parse(expression)).isNotNull();
    }
  }

  @Property(tries = 300)
  @Label("of quoted keys finds each key of an object")
  void everyKey(@ForAll("keys") String key) throws Exception {
    Map<String, Object> object = new LinkedHashMap<>();
    object.put(key, "found");

    assertThat(Selection.parse(Json.document(key)).of(object)).isEqualTo("found");
  }

  @Provide
  Arbitrary<String> keys() {
    return Arbitraries.oneOf(
        Arbitraries.of(KEYS),
        Arbitraries.strings().withCharRange(' ', '~').ofMinLength(1).ofMaxLength(6));
  }

  @Provide
  Arbitrary<String> paths() {
    return Arbitraries.of(
            "a",
            "b",
            "no",
            "_",
            "A1",
            "length",
            "\"tls.crt\"",
            "\"a.b\"",
            "\"x-y\"",
            "\" \"",
            "\"/\"",
            "\"a\"")
        .list()
        .ofMinSize(1)
        .ofMaxSize(4)
        .map(keys -> String.join(".", keys));
  }

  @Provide
  Arbitrary<String> nearlyPaths() {
    return Arbitraries.of(
            "a", "b", ".", "..", "\"", "\"a\"", " ", "\n", "1", "-", "[0]", "@", "'", "`", "é", "_",
            "\\")
        .list()
        .ofMaxSize(5)
        .map(parts -> String.join("", parts));
  }

  @Provide
  Arbitrary<Object> documents() {
    return nested(3);
  }

  private static Arbitrary<Object> nested(int depth) {
    Arbitrary<Object> scalars = Arbitraries.of("text", 1L, true, 1.5);
    if (depth == 0) {
      return scalars.injectNull(0.2);
    }
    Arbitrary<Object> below = nested(depth - 1);
    return Arbitraries.frequencyOf(
        Tuple.of(5, Arbitraries.maps(Arbitraries.of(KEYS), below).map(map -> (Object) map)),
        Tuple.of(1, below.list().ofMaxSize(2).map(list -> (Object) list)),
        Tuple.of(1, scalars));
  }
}
