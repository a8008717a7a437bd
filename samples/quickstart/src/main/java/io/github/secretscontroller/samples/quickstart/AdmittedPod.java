package io.github.secretscontroller.samples.quickstart;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLGenerator;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import jakarta.json.Json;
import jakarta.json.JsonArray;
import jakarta.json.JsonObject;
import jakarta.json.JsonReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.StringReader;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A Pod before and after its admission. The patch is applied by an implementation of RFC 6902 that
 * shares no code with the webhook's.
 *
 * @param before as it was sent
 * @param after as the API server would store it
 */
record AdmittedPod(JsonObject before, JsonObject after) {

  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .disable(YAMLGenerator.Feature.WRITE_DOC_START_MARKER)
          .enable(YAMLGenerator.Feature.MINIMIZE_QUOTES)
          .disable(YAMLGenerator.Feature.SPLIT_LINES)
          .build();
  private static final int CONTEXT_LINES = 3;

  /**
   * Applies the answer to the Pod that was asked about.
   *
   * @throws IOException if the Pod was refused, with the webhook's reason
   */
  static AdmittedPod of(byte[] request, byte[] answer) throws IOException {
    JsonObject pod = read(request).getJsonObject("request").getJsonObject("object");
    JsonObject response = read(answer).getJsonObject("response");
    if (!response.getBoolean("allowed")) {
      throw new IOException(
          "the webhook refused: " + response.getJsonObject("status").getString("message"));
    }
    if (!response.containsKey("patch")) {
      return new AdmittedPod(pod, pod);
    }
    JsonArray patch = readArray(Base64.getDecoder().decode(response.getString("patch")));
    return new AdmittedPod(pod, Json.createPatch(patch).apply(pod));
  }

  /** A unified diff of the two as YAML. */
  String diff() throws IOException {
    List<String> beforeLines = yaml(before).lines().toList();
    List<String> afterLines = yaml(after).lines().toList();
    return String.join(
        "\n",
        UnifiedDiffUtils.generateUnifiedDiff(
            "pod as sent",
            "pod as admitted",
            beforeLines,
            DiffUtils.diff(beforeLines, afterLines),
            CONTEXT_LINES));
  }

  /** The literal environment of the container that was injected, exactly as the Pod states it. */
  Map<String, String> fetcherEnvironment() throws IOException {
    Map<String, String> environment = new LinkedHashMap<>();
    for (JsonObject variable :
        container("initContainers", "secrets-init-container")
            .getJsonArray("env")
            .getValuesAs(JsonObject.class)) {
      environment.put(variable.getString("name"), variable.getString("value"));
    }
    return environment;
  }

  /** Where the first application container finds the volume. */
  String mountPath() throws IOException {
    JsonObject application =
        after.getJsonObject("spec").getJsonArray("containers").getJsonObject(0);
    for (JsonObject mount :
        application.getJsonArray("volumeMounts").getValuesAs(JsonObject.class)) {
      if (mount.getString("name").equals("secret-vol")) {
        return mount.getString("mountPath");
      }
    }
    throw new IOException("the patched pod mounts no secret-vol");
  }

  private JsonObject container(String list, String name) throws IOException {
    for (JsonObject container :
        after.getJsonObject("spec").getJsonArray(list).getValuesAs(JsonObject.class)) {
      if (container.getString("name").equals(name)) {
        return container;
      }
    }
    throw new IOException("the patched pod has no container " + name);
  }

  private static String yaml(JsonObject pod) throws IOException {
    JsonNode tree = YAML.readTree(new StringReader(pod.toString()));
    return YAML.writeValueAsString(tree);
  }

  private static JsonObject read(byte[] json) {
    try (JsonReader reader = Json.createReader(new ByteArrayInputStream(json))) {
      return reader.readObject();
    }
  }

  private static JsonArray readArray(byte[] json) {
    try (JsonReader reader = Json.createReader(new ByteArrayInputStream(json))) {
      return reader.readArray();
    }
  }
}
