package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.InjectionPlan.HttpPost;
import io.github.secretscontroller.core.InjectionPlan.OnChange;
import io.github.secretscontroller.core.InjectionPlan.Signal;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** A way to tell the application that there are new files. */
interface ChangeNotice {

  /**
   * What became of an attempt.
   *
   * @param delivered whether the application was told
   * @param mayHeal whether another attempt may succeed
   * @param sentence the same for a log
   */
  record Attempt(boolean delivered, boolean mayHeal, String sentence) {

    static Attempt delivered(String sentence) {
      return new Attempt(true, false, sentence);
    }

    static Attempt failed(String sentence) {
      return new Attempt(false, false, sentence);
    }

    static Attempt failedForNow(String sentence) {
      return new Attempt(false, true, sentence);
    }
  }

  /** Tells once; bounded in time, and fails by its result only. */
  Attempt attempt();

  /** The way that a plan asks for, or {@code null} if the application finds out by itself. */
  static @Nullable ChangeNotice of(OnChange onChange) {
    if (onChange instanceof Signal signal) {
      return new SignalNotice(signal, new ProcessTable(Path.of("/proc")), new Kill());
    }
    return onChange instanceof HttpPost post ? new PostNotice(post.url()) : null;
  }
}
