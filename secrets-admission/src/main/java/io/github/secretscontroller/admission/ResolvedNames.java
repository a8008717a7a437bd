package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import io.github.secretscontroller.core.ResolvedVolume.Part;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** The native Secrets that a pod wants resolved, by name, and which of them it uses. */
final class ResolvedNames {

  private static final String EVERY = "*";

  private final Set<String> names;
  private final Set<String> found = new TreeSet<>();

  ResolvedNames(List<String> names) {
    this.names = new TreeSet<>(names);
  }

  boolean isEmpty() {
    return names.isEmpty();
  }

  /** Whether they are all Secrets, native or not. */
  boolean isEvery() {
    return names.contains(EVERY);
  }

  /** Whether a Secret is among them; it then counts as used. */
  boolean cover(String secret) {
    if (secret.isEmpty() || !(isEvery() || names.contains(secret))) {
      return false;
    }
    found.add(secret);
    return true;
  }

  /** What is in a volume of a Secret that is among them. */
  Part part() {
    return isEvery() ? Part.MIXED : Part.REFERENCES;
  }

  /** The Secret of a {@code secretRef} or {@code secretKeyRef}, if it is among them. */
  Optional<String> of(JsonNode reference) {
    return Optional.of(PodTree.text(reference, "name")).filter(this::cover);
  }

  /** Names that stand for no Secret that the pod uses. */
  void requireUsed(Problems problems) {
    for (String name : names) {
      if (!name.equals(EVERY) && !found.contains(name)) {
        problems.impossible(
            "annotation "
                + PodWide.RESOLVE
                + " names Secret "
                + name
                + ", which no volume or variable of the pod uses; mount it, or remove the name");
      }
    }
  }
}
