package io.github.secretscontroller.samples.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.marcnuri.helm.Helm;
import com.marcnuri.helm.TemplateCommand;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Map;
import java.util.TreeMap;

/**
 * As much of the command {@code helm} as the walkthrough uses, on Helm's own engine. A real one
 * would refuse to install the chart into an API server as old as that of the tests, so this renders
 * it for a newer one, leaves out what the old one doesn't have, and lets kubectl apply the rest.
 *
 * <p>{@code HELM_STATE} names a folder for releases, and {@code WEBHOOK_URL} what is called instead
 * of the Service, behind which there are no pods.
 */
final class HelmShim {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path state = Path.of(System.getenv("HELM_STATE"));
  private final Map<String, String> values = new TreeMap<>();
  private String namespace = "default";
  private boolean createNamespace;
  private boolean reuseValues;

  private HelmShim() {}

  /** Runs one command. */
  public static void main(String[] args) throws Exception {
    new HelmShim().run(Arrays.asList(args).iterator());
  }

  private void run(Iterator<String> args) throws Exception {
    String command = args.next();
    String release = args.next();
    switch (command) {
      case "install", "upgrade" -> {
        Path chart = Path.of(args.next());
        options(args);
        apply(command, release, chart);
      }
      case "uninstall" -> {
        options(args);
        kubectl(Files.readString(state.resolve(release + ".yaml")), "delete", "-f", "-");
      }
      default -> throw new IllegalArgumentException("helm has no command " + command + " here");
    }
  }

  private void options(Iterator<String> args) {
    while (args.hasNext()) {
      String option = args.next();
      switch (option) {
        case "--namespace" -> namespace = args.next();
        case "--create-namespace" -> createNamespace = true;
        case "--reuse-values" -> reuseValues = true;
        case "--set" -> {
          String[] value = args.next().split("=", 2);
          values.put(value[0], value[1]);
        }
        default -> throw new IllegalArgumentException("helm has no option " + option + " here");
      }
    }
  }

  private void apply(String command, String release, Path chart) throws Exception {
    Path remembered = state.resolve(release + ".values");
    if (command.equals("upgrade") != Files.exists(remembered)) {
      throw new IllegalStateException("the release " + release + " is there, or isn't");
    }
    if (reuseValues) {
      JSON.readTree(remembered.toFile())
          .properties()
          .forEach(value -> values.putIfAbsent(value.getKey(), value.getValue().asText()));
    }
    TemplateCommand template =
        new Helm(chart)
            .template()
            .withName(release)
            .withNamespace(namespace)
            .withKubeVersion("1.33.0");
    values.forEach(template::set);
    StringBuilder manifest = new StringBuilder();
    for (JsonNode object : Chart.objects(template.call())) {
      if (!object.path("apiVersion").asText().equals("policy/v1")) {
        redirect(object);
        manifest.append("---\n").append(object).append('\n');
      }
    }
    if (createNamespace) {
      kubectl("", "create", "namespace", namespace);
      // A newer API server does this by itself.
      kubectl("", "label", "namespace", namespace, "kubernetes.io/metadata.name=" + namespace);
    }
    kubectl(manifest.toString(), "apply", "--validate=false", "-f", "-");
    Files.writeString(state.resolve(release + ".yaml"), manifest);
    JSON.writeValue(remembered.toFile(), values);
  }

  private static void redirect(JsonNode object) {
    for (JsonNode webhook : object.path("webhooks")) {
      ObjectNode config = (ObjectNode) webhook.get("clientConfig");
      String path = config.at("/service/path").asText();
      config.remove("service");
      config.put("url", System.getenv("WEBHOOK_URL") + path);
    }
  }

  private static void kubectl(String input, String... arguments)
      throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 1];
    command[0] = "kubectl";
    System.arraycopy(arguments, 0, command, 1, arguments.length);
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var in = process.getOutputStream()) {
      in.write(input.getBytes(StandardCharsets.UTF_8));
    }
    if (process.waitFor() != 0) {
      throw new IllegalStateException("kubectl failed: " + String.join(" ", arguments));
    }
  }
}
