package io.github.secretscontroller.fetcher;

/**
 * What came of a look.
 *
 * @param looked whether there was anything to look at
 * @param published whether anything was published
 * @param failed whether anything failed, be it beside a publication
 */
record Refresh(boolean looked, boolean published, boolean failed) {

  static final Refresh NONE = new Refresh(false, false, false);
  static final Refresh UNCHANGED = new Refresh(true, false, false);
  static final Refresh PUBLISHED = new Refresh(true, true, false);
  static final Refresh FAILED = new Refresh(true, false, true);

  /** What came of both. */
  Refresh and(Refresh other) {
    return new Refresh(
        looked || other.looked, published || other.published, failed || other.failed);
  }
}
