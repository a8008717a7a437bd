package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.admission.Reviewer.UndecidedException;
import io.github.secretscontroller.core.PodMutator;
import io.github.secretscontroller.core.PodRequest;
import io.github.secretscontroller.core.PodVerdict;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** All mutators, one after the other, each on the pod as the one before it left it. */
final class MutatorChain {

  private final List<PodMutator> mutators;

  MutatorChain(List<PodMutator> mutators) {
    this.mutators = List.copyOf(mutators);
  }

  /** Whether any mutator may have something to do. */
  boolean concerns(PodRequest request) throws UndecidedException {
    for (PodMutator mutator : mutators) {
      try {
        if (mutator.concerns(request)) {
          return true;
        }
      } catch (RuntimeException | StackOverflowError e) {
        throw new UndecidedException(mutator.getClass().getName(), e);
      }
    }
    return false;
  }

  /** Edits the pod. The decision has no patch yet, and the first refusal ends the chain. */
  AdmissionDecision mutate(ObjectNode pod, PodRequest request, Deadline deadline)
      throws UndecidedException {
    List<String> warnings = new ArrayList<>();
    Map<String, String> auditAnnotations = new LinkedHashMap<>();
    Deadline.Watch watch = deadline.watch();
    try {
      for (PodMutator mutator : mutators) {
        PodVerdict verdict = mutate(mutator, pod, request, deadline);
        if (verdict instanceof PodVerdict.Refused refused) {
          return AdmissionDecision.refuse(refused.httpStatus(), refused.message(), warnings);
        }
        if (verdict instanceof PodVerdict.Allowed allowed) {
          warnings.addAll(allowed.warnings());
          auditAnnotations.putAll(allowed.auditAnnotations());
        }
      }
    } finally {
      watch.end();
    }
    return AdmissionDecision.allow(warnings, auditAnnotations);
  }

  private static PodVerdict mutate(
      PodMutator mutator, ObjectNode pod, PodRequest request, Deadline deadline)
      throws UndecidedException {
    String at = mutator.getClass().getName();
    if (deadline.hasPassed()) {
      throw new UndecidedException(at, null);
    }
    try {
      return mutator.mutate(pod, request);
    } catch (RuntimeException | StackOverflowError e) {
      // What a mutator throws when it is interrupted at the deadline is no fault of its own.
      throw new UndecidedException(at, deadline.hasPassed() ? null : e);
    }
  }
}
