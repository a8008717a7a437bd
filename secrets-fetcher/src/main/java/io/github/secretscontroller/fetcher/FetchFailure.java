package io.github.secretscontroller.fetcher;

import java.util.List;

/** Why a run ends without publishing: an exit code and a sentence for each thing that is wrong. */
final class FetchFailure extends Exception {

  private static final long serialVersionUID = 1L;

  private final ExitCode code;
  private final transient List<String> sentences;

  FetchFailure(ExitCode code, String sentence) {
    this(code, List.of(sentence));
  }

  FetchFailure(ExitCode code, List<String> sentences) {
    // No cause: what lies below may quote a value, and nobody but a log would look at it.
    super(String.join("; ", sentences));
    this.code = code;
    this.sentences = List.copyOf(sentences);
  }

  ExitCode code() {
    return code;
  }

  List<String> sentences() {
    return sentences;
  }

  /** All of them in one line. */
  String oneSentence() {
    return String.join("; ", sentences);
  }
}
