package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Content;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretValue;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Secrets by their names, and what a plan makes of them. */
final class Rendering {

  private final Map<String, byte[]> secrets = new LinkedHashMap<>();
  private final List<SecretFile> files = new ArrayList<>();

  Rendering secret(String name, String content) {
    return secret(name, content.getBytes(UTF_8));
  }

  Rendering secret(String name, byte[] content) {
    secrets.put(name, content);
    return this;
  }

  Rendering file(SecretFile file) {
    files.add(file);
    return this;
  }

  /** A file at the path "file". */
  Rendering file(String reference, Content content) {
    return file(SecretFile.of(SecretReference.parse(reference), "file").withContent(content));
  }

  Rendering file(String reference, Format format) {
    return file(reference, new Formatted(format));
  }

  Renderer renderer() throws FetchFailure {
    return Renderer.of(files);
  }

  /** A secret that isn't there is not found. */
  Map<SecretReference, SecretResult> results() throws FetchFailure {
    Map<SecretReference, SecretResult> results = new LinkedHashMap<>();
    for (SecretReference reference : renderer().references()) {
      byte[] content = secrets.get(reference.name());
      results.put(
          reference,
          content == null
              ? new SecretResult.Failed(
                  new SecretException.NotFound(reference, reference + " doesn't exist", null))
              : new SecretResult.Fetched(
                  new SecretValue(content, reference, "v1", Set.of("AWSCURRENT"), null)));
    }
    return results;
  }

  /** The content of each file, by its path. */
  Map<String, byte[]> render() throws FetchFailure {
    Map<String, byte[]> contents = new LinkedHashMap<>();
    for (RenderedFile file : renderer().render(results())) {
      contents.put(file.path(), bytes(file));
    }
    return contents;
  }

  static byte[] bytes(RenderedFile file) {
    ByteBuffer content = file.revealContent();
    byte[] bytes = new byte[content.remaining()];
    content.get(bytes);
    return bytes;
  }

  /** The content of the only file. */
  byte[] renderOne() throws FetchFailure {
    return render().values().iterator().next();
  }

  String renderText() throws FetchFailure {
    return new String(renderOne(), UTF_8);
  }

  /** What one secret becomes in a format. */
  static byte[] of(byte[] secret, Format format) throws FetchFailure {
    return new Rendering().secret("s", secret).file("s", format).renderOne();
  }

  static String of(String secret, Format format) throws FetchFailure {
    return new String(of(secret.getBytes(UTF_8), format), UTF_8);
  }

  /** Why it fails. */
  FetchFailure failure() {
    try {
      render();
    } catch (FetchFailure e) {
      return e;
    }
    throw new AssertionError("nothing failed");
  }
}
