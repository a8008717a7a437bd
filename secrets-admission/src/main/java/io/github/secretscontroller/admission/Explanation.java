package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the injector would do with the Pods of one object.
 *
 * @param kind of the object, such as {@code Deployment}
 * @param name of the object
 * @param namespace where it goes
 * @param serviceAccount of its Pods
 * @param plan what their fetcher would carry out, or {@code null} if nothing would be injected
 * @param refreshes whether the fetcher would stay and look for new versions
 * @param refusalStatus the HTTP status with which they would be refused, or 0
 * @param problems why, each with its fix; empty unless they would be refused
 * @param warnings what kubectl would show
 * @param patched the object with what its Pods would be; as it was unless something is injected
 */
public record Explanation(
    String kind,
    String name,
    String namespace,
    String serviceAccount,
    @Nullable InjectionPlan plan,
    boolean refreshes,
    int refusalStatus,
    List<String> problems,
    List<String> warnings,
    ObjectNode patched) {

  /** Copies the lists. */
  public Explanation {
    problems = List.copyOf(problems);
    warnings = List.copyOf(warnings);
  }

  /** Whether the API server would refuse these Pods. */
  public boolean isRefused() {
    return refusalStatus != 0;
  }
}
