package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Content;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import io.github.secretscontroller.core.SecretFile.Template;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes the files of a plan out of the values that were read for it.
 *
 * <p>References that differ only in their selector share one read, so values are looked up by the
 * whole secret's reference, as {@link #references()} gives them.
 *
 * <p>Never changes after it was made; thread-safe.
 */
final class Renderer {

  private final List<SecretFile> files;
  private final Map<String, Selection> selections = new HashMap<>();
  private final Map<String, SecretTemplate> templates = new HashMap<>();

  private Renderer(List<SecretFile> files) {
    this.files = List.copyOf(files);
  }

  /**
   * A renderer for these files.
   *
   * @throws FetchFailure with {@link ExitCode#BAD_PLAN} and a sentence for each thing that no value
   *     whatsoever could be made into
   */
  static Renderer of(List<SecretFile> files) throws FetchFailure {
    Renderer renderer = new Renderer(files);
    Set<String> problems = new LinkedHashSet<>();
    for (SecretFile file : files) {
      SecretReference secret = file.secret();
      try {
        if (secret != null && secret.selector() != null) {
          renderer.selections.put(secret.selector(), Selection.parse(secret.selector()));
        }
      } catch (IllegalArgumentException e) {
        problems.add(file.path() + ": " + describe(secret) + ": the selector: " + e.getMessage());
      }
      for (String problem : renderer.prepare(file.content())) {
        problems.add(file.path() + ": " + problem);
      }
    }
    if (!problems.isEmpty()) {
      throw new FetchFailure(ExitCode.BAD_PLAN, List.copyOf(problems));
    }
    return renderer;
  }

  /** Why no value could be made into this content, a sentence each. */
  private List<String> prepare(Content content) {
    if (content instanceof EnvironmentFile environment) {
      String problem = EnvironmentFileFormat.problem(environment);
      return problem == null ? List.of() : List.of(problem);
    }
    if (!(content instanceof Template template)) {
      return List.of();
    }
    List<String> problems = new ArrayList<>(template.problems(names()));
    if (problems.isEmpty()) {
      try {
        templates.put(template.text(), SecretTemplate.parse(template.text()));
      } catch (IllegalArgumentException e) {
        problems.add(String.valueOf(e.getMessage()));
      }
    }
    problems.replaceAll(problem -> "the template can't be used: " + problem);
    return problems;
  }

  /** What templates can name. */
  private Set<String> names() {
    Set<String> names = new HashSet<>();
    for (SecretFile file : files) {
      if (file.name() != null && file.secret() != null) {
        names.add(file.name());
      }
    }
    return names;
  }

  /** What has to be read for all files: whole secrets, each once. */
  List<SecretReference> references() {
    Set<SecretReference> references = new LinkedHashSet<>();
    for (SecretFile file : files) {
      SecretReference secret = file.secret();
      if (secret != null) {
        references.add(secret.whole());
      }
    }
    return List.copyOf(references);
  }

  /** What has to be read for one of the files; for a template, everything that it could use. */
  List<SecretReference> references(SecretFile file) {
    SecretReference secret = file.secret();
    return secret == null || file.content() instanceof Template
        ? references()
        : List.of(secret.whole());
  }

  /**
   * All files. An optional file whose secret doesn't exist is left out.
   *
   * @param results a result for each of {@link #references()}; the caller goes on owning them
   * @return what the caller publishes and closes
   * @throws FetchFailure with a sentence for each file that can't be made, and the gravest code
   */
  List<RenderedFile> render(Map<SecretReference, SecretResult> results) throws FetchFailure {
    List<RenderedFile> rendered = new ArrayList<>();
    ExitCode code = ExitCode.SUCCESS;
    Set<String> failures = new LinkedHashSet<>();
    for (SecretFile file : files) {
      try {
        rendered.addAll(render(file, results));
      } catch (FetchFailure e) {
        code = ExitCode.graver(code, e.code());
        failures.addAll(e.sentences());
      }
    }
    if (!failures.isEmpty()) {
      rendered.forEach(RenderedFile::close);
      throw new FetchFailure(code, List.copyOf(failures));
    }
    return rendered;
  }

  /**
   * What one file of the plan comes to: none if it is optional and its secret doesn't exist,
   * several if its keys become files of their own.
   *
   * @throws FetchFailure if its secret couldn't be read, or can't be made into the file
   */
  List<RenderedFile> render(SecretFile file, Map<SecretReference, SecretResult> results)
      throws FetchFailure {
    try (SecretContent own = read(file, results)) {
      if (file.content() instanceof Template template) {
        boolean leftOut = file.secret() != null && own == null;
        return leftOut ? List.of() : List.of(file(file, fill(template, results)));
      }
      return own == null ? List.of() : render(file, own);
    } catch (Unusable e) {
      String what = file.content() instanceof Template ? "the template" : describe(file.secret());
      throw new FetchFailure(ExitCode.UNUSABLE, file.path() + ": " + what + " " + e.reason());
    }
  }

  private static List<RenderedFile> render(SecretFile file, SecretContent content) throws Unusable {
    if (file.content() instanceof KeyFiles keys) {
      return KeyFilesFormat.render(content, file, keys);
    }
    if (file.content() instanceof EnvironmentFile environment) {
      byte[] bytes = EnvironmentFileFormat.render(content, environment);
      return List.of(new RenderedFile(file.path(), file.mode(), bytes, true));
    }
    Format format = ((Formatted) file.content()).format();
    return List.of(
        switch (format) {
          case RAW -> file(file, content.revealBytes());
          case JSON -> file(file, json(content));
          case PROPERTIES -> file(file, PropertiesFormat.render(content));
          case DOTENV -> file(file, DotenvFormat.render(content));
          case YAML -> file(file, YamlFormat.render(content));
          case PKCS12, JKS -> KeyStoreFormat.render(content, file, format.name());
        });
  }

  private static RenderedFile file(SecretFile file, byte[] content) {
    return new RenderedFile(file.path(), file.mode(), content);
  }

  /** The document without spaces. Its escapes are ASCII, so UTF-8 can hold whatever there is. */
  private static byte[] json(SecretContent content) throws Unusable {
    return Json.document(content.revealJson()).getBytes(StandardCharsets.UTF_8);
  }

  private byte[] fill(Template template, Map<SecretReference, SecretResult> results)
      throws FetchFailure, Unusable {
    Map<String, SecretContent> named = new LinkedHashMap<>();
    try {
      for (SecretFile file : files) {
        SecretContent content = file.name() == null ? null : read(file, results);
        if (content != null) {
          named.put(file.name(), content);
        }
      }
      return Objects.requireNonNull(templates.get(template.text())).render(named);
    } finally {
      named.values().forEach(SecretContent::close);
    }
  }

  /**
   * What was read for a file.
   *
   * @return {@code null} if there is nothing to read, or an optional secret doesn't exist
   * @throws FetchFailure if it couldn't be read
   */
  private @Nullable SecretContent read(SecretFile file, Map<SecretReference, SecretResult> results)
      throws FetchFailure {
    SecretReference secret = file.secret();
    if (secret == null) {
      return null;
    }
    SecretResult result = Objects.requireNonNull(results.get(secret.whole()));
    if (result instanceof SecretResult.Failed failed) {
      SecretException failure = failed.failure();
      if (file.optional() && failure instanceof SecretException.NotFound) {
        return null;
      }
      throw new FetchFailure(ExitCode.of(failure), file.path() + ": " + failure.getMessage());
    }
    Selection selection = secret.selector() == null ? null : selections.get(secret.selector());
    return new SecretContent(result.orThrow().revealBytes(), selection);
  }

  /** The secret's name and its selector, neither of which hides the other by its length. */
  private static String describe(@Nullable SecretReference secret) {
    if (secret == null) {
      return "";
    }
    String selector = secret.selector();
    return secret.whole().describe()
        + (selector == null
            ? ""
            : "#" + (selector.length() <= 80 ? selector : selector.substring(0, 80) + "..."));
  }
}
