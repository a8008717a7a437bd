package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

@Label("What is rendered in")
class FormatRoundTripPropertyTest {

  private final ObjectMapper jackson = new JsonMapper();

  @Property(tries = 300)
  @Label("JSON reads back with Jackson as what was stored")
  void json(@ForAll("documents") Object document) throws Exception {
    // Written by Jackson, with spaces, so that reader and writer can't share an error.
    byte[] stored = jackson.writerWithDefaultPrettyPrinter().writeValueAsBytes(plain(document));

    byte[] rendered = Rendering.of(stored, Format.JSON);

    assertThat(jackson.readTree(rendered)).isEqualTo(jackson.readTree(stored));
    assertThat(Rendering.of(rendered, Format.JSON)).isEqualTo(rendered);
  }

  @Property(tries = 300)
  @Label("JSON keeps the digits of every number")
  void digits(@ForAll("numbers") String digits) throws Exception {
    assertThat(Rendering.of("[ " + digits + " ]", Format.JSON)).isEqualTo("[" + digits + "]");
    String object = "{\"n\":" + digits + "}";
    assertThat(new Rendering().secret("s", object).file("s#n", Format.RAW).renderText())
        .isEqualTo(digits);
  }

  @Property(tries = 300)
  @Label("YAML reads back with SnakeYAML (1.1) as the same strings, numbers, lists and maps")
  void yaml(@ForAll("documents") Object document) throws Exception {
    byte[] rendered = Rendering.of(Json.document(document).getBytes(UTF_8), Format.YAML);

    Object read = new Yaml(new SafeConstructor(new LoaderOptions())).load(text(rendered));

    assertThat(comparable(read)).isEqualTo(comparable(document));
  }

  @Property(tries = 300)
  @Label("YAML reads back with Jackson's YAML as the same document")
  void jacksonYaml(@ForAll("documents") Object document) throws Exception {
    byte[] rendered = Rendering.of(Json.document(document).getBytes(UTF_8), Format.YAML);

    JsonNode read = new YAMLMapper().readTree(rendered);

    assertThat(comparable(jackson.treeToValue(read, Object.class))).isEqualTo(comparable(document));
  }

  @Property(tries = 300)
  @Label("properties loads with java.util.Properties as the same keys and texts")
  void properties(@ForAll("fields") Map<String, String> fields) throws Exception {
    byte[] rendered = Rendering.of(jackson.writeValueAsBytes(fields), Format.PROPERTIES);

    for (Charset charset : List.of(StandardCharsets.ISO_8859_1, UTF_8)) {
      Properties read = new Properties();
      read.load(new InputStreamReader(new ByteArrayInputStream(rendered), charset));
      assertThat(new HashMap<Object, Object>(read)).isEqualTo(fields);
    }
  }

  @Property(tries = 300)
  @Label("an environment file reads back with kubelet's grammar, or is refused where that can't be")
  void environmentFile(@ForAll("fields") Map<String, String> fields) throws Exception {
    Map<String, String> keyByVariable = new LinkedHashMap<>();
    fields.keySet().forEach(key -> keyByVariable.put("V" + keyByVariable.size(), key));
    if (fields.isEmpty()) {
      return;
    }
    Rendering rendering =
        new Rendering()
            .secret("s", jackson.writeValueAsBytes(fields))
            .file("s", new EnvironmentFile(keyByVariable));
    boolean carried =
        fields.values().stream()
            .noneMatch(v -> v.isEmpty() || v.contains("'") || v.contains("\r\n"));
    if (!carried) {
      assertThat(rendering.failure().code()).isEqualTo(ExitCode.UNUSABLE);
      return;
    }
    byte[] rendered = rendering.renderOne();
    for (Map.Entry<String, String> variable : keyByVariable.entrySet()) {
      assertThat(KubeletEnvironmentFile.value(rendered, variable.getKey()))
          .isEqualTo(fields.get(variable.getValue()));
    }
    assertThat(KubeletEnvironmentFile.value(rendered, "OTHER")).isEmpty();
  }

  @Property(tries = 300)
  @Label("a file for each key holds exactly the text of its value")
  void keyFiles(@ForAll("texts") String one, @ForAll("texts") String two) throws Exception {
    byte[] stored = jackson.writeValueAsBytes(Map.of("one", one, "two", two));

    Map<String, byte[]> files =
        new Rendering().secret("s", stored).file("s", new KeyFiles(List.of())).render();

    assertThat(files.get("file/one")).isEqualTo(one.getBytes(UTF_8));
    assertThat(files.get("file/two")).isEqualTo(two.getBytes(UTF_8));
  }

  private static String text(byte[] bytes) {
    return new String(bytes, UTF_8);
  }

  /** The document with numbers that Jackson can write. */
  private static Object plain(Object value) {
    return value instanceof ExactNumber number ? new BigDecimal(number.toString()) : deep(value);
  }

  private static Object deep(Object value) {
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((key, element) -> copy.put(key, plain(element)));
      return copy;
    }
    if (value instanceof List<?> list) {
      ArrayList<Object> copy = new ArrayList<>();
      list.forEach(element -> copy.add(plain(element)));
      return copy;
    }
    return value;
  }

  /** Equal numbers are equal, whatever their Java type; strings are never numbers. */
  private static Object comparable(Object value) {
    if (value instanceof Number number) {
      // Plus zero, since YAML's integers have no negative one.
      return number.doubleValue() + 0.0;
    }
    if (value instanceof Map<?, ?> map) {
      Map<Object, Object> copy = new LinkedHashMap<>();
      map.forEach((key, element) -> copy.put(key, comparable(element)));
      return copy;
    }
    if (value instanceof List<?> list) {
      ArrayList<Object> copy = new ArrayList<>();
      list.forEach(element -> copy.add(comparable(element)));
      return copy;
    }
    return value;
  }

  @Provide
  Arbitrary<Object> documents() {
    return JsonArbitraries.documents();
  }

  @Provide
  Arbitrary<String> texts() {
    return JsonArbitraries.texts();
  }

  @Provide
  Arbitrary<String> numbers() {
    return JsonArbitraries.numbers();
  }

  @Provide
  Arbitrary<Map<String, String>> fields() {
    return Arbitraries.maps(JsonArbitraries.texts(), JsonArbitraries.texts()).ofMaxSize(5);
  }
}
