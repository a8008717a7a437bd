package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretSource;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** Asks a source which version secrets have, all at the same time. */
final class VersionQuestions {

  /**
   * What became of one question.
   *
   * @param version the version; {@code null} if there is a failure
   * @param failure why it isn't known; {@code null} if it is
   */
  record Answer(@Nullable String version, @Nullable SecretException failure) {}

  private final SecretSource source;
  private final Executor calls;

  /**
   * Questions to a source.
   *
   * @param calls runs them
   */
  VersionQuestions(SecretSource source, Executor calls) {
    this.source = source;
    this.calls = calls;
  }

  /** The answer for each secret, in their order. Whatever the source does, there is one. */
  Map<SecretReference, Answer> ask(Collection<SecretReference> secrets) {
    Map<SecretReference, CompletableFuture<Answer>> questions = new LinkedHashMap<>();
    for (SecretReference secret : secrets) {
      questions.put(secret, CompletableFuture.supplyAsync(() -> answer(secret), calls));
    }
    Map<SecretReference, Answer> answers = new LinkedHashMap<>();
    questions.forEach((secret, question) -> answers.put(secret, question.join()));
    return answers;
  }

  private Answer answer(SecretReference secret) {
    String defect;
    try {
      String version = source.currentVersion(secret);
      if (version != null) {
        return new Answer(version, null);
      }
      defect = "no version";
    } catch (SecretException e) {
      return new Answer(null, e);
    } catch (RuntimeException | LinkageError e) {
      // One source's defect must not end the look at all others. Its message may hold a value.
      defect = e.getClass().getName();
    }
    return new Answer(
        null,
        new SecretException.Unavailable(
            secret, secret.describe() + ": its source answered with " + defect, null));
  }
}
