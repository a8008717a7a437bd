package io.github.secretscontroller.samples.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.NullValue;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeFactory;
import java.util.HashMap;
import java.util.Map;

/**
 * Evaluates {@code matchConditions} as an API server does: the review's {@code object}, {@code
 * oldObject} and {@code request} are declared without types, and an error is no match but an error.
 */
final class Cel {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final CelCompiler compiler =
      CelCompilerFactory.standardCelCompilerBuilder()
          .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
          .addVar("object", SimpleType.DYN)
          .addVar("oldObject", SimpleType.DYN)
          .addVar("request", SimpleType.DYN)
          .setResultType(SimpleType.BOOL)
          .build();
  private final CelRuntime runtime = CelRuntimeFactory.plannerRuntimeBuilder().build();

  /** Whether the review would be sent to a webhook: all of its conditions are true. */
  boolean matches(JsonNode webhook, JsonNode review) {
    boolean all = true;
    for (JsonNode condition : webhook.path("matchConditions")) {
      all &= evaluate(condition.path("expression").asText(), review.path("request"));
    }
    return all;
  }

  private boolean evaluate(String expression, JsonNode request) {
    Map<String, Object> variables = new HashMap<>();
    variables.put("object", value(request.path("object")));
    variables.put("oldObject", value(request.path("oldObject")));
    variables.put("request", value(request));
    try {
      return (Boolean) runtime.createProgram(compiler.compile(expression).getAst()).eval(variables);
    } catch (Exception e) {
      throw new AssertionError(expression + " fails for " + request + ": " + e.getMessage(), e);
    }
  }

  private static Object value(JsonNode node) {
    if (node.isObject()) {
      Map<String, Object> map = new HashMap<>();
      node.properties().forEach(entry -> map.put(entry.getKey(), value(entry.getValue())));
      return map;
    }
    if (node.isArray()) {
      return node.valueStream().map(Cel::value).toList();
    }
    return node.isMissingNode() || node.isNull()
        ? NullValue.NULL_VALUE
        : JSON.convertValue(node, Object.class);
  }
}
