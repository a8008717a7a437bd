package io.github.secretscontroller.fetcher;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Tuple;

/** Texts and JSON documents of the kind that break writers of formats. */
final class JsonArbitraries {

  private JsonArbitraries() {}

  /** Any Unicode text without NUL; often with what has a meaning somewhere. */
  static Arbitrary<String> texts() {
    Arbitrary<String> meaningful =
        Arbitraries.of(
            "'",
            "\"",
            "\\",
            "$",
            "$(id)",
            "`",
            "\n",
            "\r",
            "\r\n",
            "\t",
            " ",
            "#",
            "=",
            ":",
            ": ",
            "!",
            "- ",
            "?",
            "{{",
            "}}",
            "{",
            "[",
            "&a",
            "*a",
            "|",
            ">",
            "%",
            "@",
            "~",
            "<<",
            "\u0001",
            "\u0085",
            "\u00a0",
            "\u2028",
            "\ufeff",
            "\ufffe",
            "\u007f",
            "\u0080",
            "ü",
            "€",
            "\ud83d\ude00",
            "\\n",
            "\\u0041",
            "'\\''",
            "EOF");
    Arbitrary<String> anything =
        Arbitraries.integers()
            .between(1, Character.MAX_CODE_POINT)
            .filter(point -> point < 0xD800 || point > 0xDFFF)
            .map(Character::toString);
    Arbitrary<String> words =
        Arbitraries.of(
            "no",
            "yes",
            "on",
            "off",
            "y",
            "n",
            "true",
            "null",
            "~",
            "1",
            "1.0",
            "1e3",
            "0x1F",
            "0o17",
            "017",
            "12:30",
            "1_000",
            "2001-01-01",
            ".inf",
            ".nan",
            "-",
            "--- ",
            "...",
            "");
    return Arbitraries.frequencyOf(
        Tuple.of(
            4,
            Arbitraries.oneOf(meaningful, anything)
                .list()
                .ofMaxSize(8)
                .map(p -> String.join("", p))),
        Tuple.of(1, words));
  }

  static Arbitrary<String> shellNames() {
    return Arbitraries.strings()
        .withCharRange('a', 'z')
        .withCharRange('A', 'Z')
        .withChars("_0123456789")
        .ofMinLength(1)
        .ofMaxLength(8)
        // A prefix keeps it clear of what shells use themselves, and of a digit at its start.
        .map(name -> "T_" + name);
  }

  /** Numbers as JSON can have them, digit by digit. */
  static Arbitrary<String> numbers() {
    return Arbitraries.oneOf(
        Arbitraries.longs().map(String::valueOf),
        Arbitraries.doubles().map(String::valueOf),
        Arbitraries.of(
            "-0", "1.10", "1e5", "1E-7", "1.5e+300", "123456789012345678901234567890", "0.1"));
  }

  /** A document, as {@link Json} has it. */
  static Arbitrary<Object> documents() {
    return nested(4);
  }

  static Arbitrary<Object> scalars() {
    return Arbitraries.oneOf(
        texts().map(text -> (Object) text),
        numbers().map(ExactNumber::of),
        Arbitraries.of(true, false),
        Arbitraries.just((Object) "").injectNull(1.0));
  }

  private static Arbitrary<Object> nested(int depth) {
    if (depth == 0) {
      return scalars();
    }
    Arbitrary<Object> below = nested(depth - 1);
    Arbitrary<Object> arrays = below.list().ofMaxSize(3).map(list -> (Object) list);
    Arbitrary<Object> objects = objects(below).map(object -> (Object) object);
    return Arbitraries.oneOf(scalars(), arrays, objects);
  }

  private static Arbitrary<Map<String, Object>> objects(Arbitrary<Object> values) {
    return Combinators.combine(texts().list().ofMaxSize(3), values.list().ofSize(3))
        .as(JsonArbitraries::zip);
  }

  private static Map<String, Object> zip(List<String> keys, List<Object> values) {
    Map<String, Object> object = new LinkedHashMap<>();
    for (int i = 0; i < keys.size(); i++) {
      object.put(keys.get(i), values.get(i));
    }
    return object;
  }
}
