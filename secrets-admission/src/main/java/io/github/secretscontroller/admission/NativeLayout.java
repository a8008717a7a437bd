package io.github.secretscontroller.admission;

import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.util.Optional;
import java.util.SortedMap;

/** How the keys of a Secret become secrets of the backend. */
interface NativeLayout {

  /** The one key that NASE knew. */
  String NASE_KEY = "nase";

  /**
   * Writes what has to be written.
   *
   * @return for each key the reference, with the version that was written
   */
  SortedMap<String, SecretReference> store(NativeContents contents, WriteContext owner);

  /**
   * Writes nothing.
   *
   * @return for each key the reference, if its value is the stored one
   */
  SortedMap<String, Optional<SecretReference>> find(NativeContents contents, WriteContext owner);
}
