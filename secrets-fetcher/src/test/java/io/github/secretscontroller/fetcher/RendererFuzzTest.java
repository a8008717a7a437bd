package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretReference;
import java.util.Set;
import org.junit.jupiter.api.DisplayName;

/** Runs on the seeds only, unless started by {@code .ci/fuzz}. */
@DisplayName("Whatever bytes a secret has,")
class RendererFuzzTest {

  private static void render(Rendering rendering) {
    try {
      rendering.render();
    } catch (FetchFailure e) {
      assertThat(e.sentences()).isNotEmpty().allSatisfy(s -> assertThat(s).isNotBlank());
    }
  }

  @FuzzTest(maxDuration = "10s")
  @DisplayName("it becomes a file in each format of a JSON object, or a sentence")
  void formats(byte[] secret) {
    for (Format format :
        new Format[] {Format.JSON, Format.PROPERTIES, Format.DOTENV, Format.YAML}) {
      render(new Rendering().secret("s", secret).file("s", format));
    }
  }

  @FuzzTest(maxDuration = "10s")
  @DisplayName("a key store, or a sentence")
  void keyStore(byte[] secret) {
    render(new Rendering().secret("s", secret).file("s", Format.PKCS12));
  }

  @FuzzTest(maxDuration = "10s")
  @DisplayName("a part of it is selected, or there is a sentence")
  void selection(byte[] secret) {
    render(new Rendering().secret("s", secret).file("s#a.b[0]", Format.RAW));
    render(new Rendering().secret("s", secret).file("s#*.c | [0]", Format.JSON));
  }

  @FuzzTest(maxDuration = "10s")
  @DisplayName("it is put into a template in which nothing is wrong, or there is a sentence")
  void template(byte[] text) {
    SecretFile.Template template = new SecretFile.Template(new String(text, UTF_8));
    if (template.problems(Set.of("s")).isEmpty()) {
      // The engine finds nothing either.
      SecretTemplate.parse(template.text());
      SecretFile file =
          SecretFile.of(SecretReference.parse("s"), "file").withName("s").withContent(template);
      render(
          new Rendering()
              .secret("s", "{\"a\":{\"b\":[1,\"x&<\"]},\"c\":null,\"d\":true}")
              .file(file));
    }
  }

  @FuzzTest(maxDuration = "10s")
  @DisplayName("what kubelet wrote for a key is a reference or isn't")
  void reference(byte[] content) {
    SecretReference reference = ReferenceCheck.reference(content);
    if (reference != null) {
      assertThat(SecretReference.parse(reference.toString())).isEqualTo(reference);
    }
  }
}
