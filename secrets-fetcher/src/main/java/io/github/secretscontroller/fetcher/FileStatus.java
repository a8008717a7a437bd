package io.github.secretscontroller.fetcher;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How it stands with one file of the plan.
 *
 * @param path where it is
 * @param readings the secrets that it is made of
 * @param published whether it is there; an optional one needn't be
 * @param checkedAt when all of its secrets were last known to be of these versions
 * @param stale whether that is too long ago
 * @param error what is wrong with it, if anything is
 */
record FileStatus(
    String path,
    List<Reading> readings,
    boolean published,
    Instant checkedAt,
    boolean stale,
    @Nullable String error) {

  FileStatus {
    readings = List.copyOf(readings);
  }
}
