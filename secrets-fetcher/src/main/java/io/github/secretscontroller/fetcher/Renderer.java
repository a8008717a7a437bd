package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan.Formatted;
import io.github.secretscontroller.core.InjectionPlan.SecretFile;
import io.github.secretscontroller.core.InjectionPlan.Template;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretValue;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

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

  private Renderer(List<SecretFile> files) {
    this.files = files;
  }

  /**
   * A renderer for these files.
   *
   * @throws FetchFailure with {@link ExitCode#BAD_PLAN} and a sentence for each file that no value
   *     whatsoever could be made into
   */
  static Renderer of(List<SecretFile> files) throws FetchFailure {
    for (SecretFile file : files) {
      SecretReference secret = file.secret();
      if (secret == null || secret.selector() != null || !file.content().equals(Formatted.RAW)) {
        throw new FetchFailure(
            ExitCode.BAD_PLAN,
            file.path()
                + ": needs more than the whole value of one secret, which this fetcher can't do;"
                + " name the whole secret");
      }
    }
    return new Renderer(List.copyOf(files));
  }

  /** What has to be read for all files: whole secrets, each once. */
  List<SecretReference> references() {
    Set<SecretReference> references = new LinkedHashSet<>();
    for (SecretFile file : files) {
      SecretReference secret = file.secret();
      if (secret != null) {
        references.add(secret.withSelector(null));
      }
    }
    return List.copyOf(references);
  }

  /** What has to be read for one of the files; for a template, everything that it could use. */
  List<SecretReference> references(SecretFile file) {
    SecretReference secret = file.secret();
    return secret == null || file.content() instanceof Template
        ? references()
        : List.of(secret.withSelector(null));
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
    List<String> failures = new ArrayList<>();
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
      throw new FetchFailure(code, failures);
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
    SecretReference secret = Objects.requireNonNull(file.secret(), "checked before");
    SecretResult result = Objects.requireNonNull(results.get(secret.withSelector(null)));
    if (result instanceof SecretResult.Failed failed) {
      SecretException failure = failed.failure();
      if (file.optional() && failure instanceof SecretException.NotFound) {
        return List.of();
      }
      throw new FetchFailure(ExitCode.of(failure), file.path() + ": " + failure.getMessage());
    }
    SecretValue value = result.orThrow();
    return List.of(new RenderedFile(file.path(), file.mode(), value.revealBytes()));
  }
}
