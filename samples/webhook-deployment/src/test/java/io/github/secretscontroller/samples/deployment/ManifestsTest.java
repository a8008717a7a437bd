package io.github.secretscontroller.samples.deployment;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** With {@code -Dmanifests.update=true}, the files are written instead of compared. */
@DisplayName("The manifests for those without Helm")
class ManifestsTest {

  @ParameterizedTest
  @CsvSource({"selfManaged,self-managed.yaml", "certManager,cert-manager.yaml"})
  @DisplayName("are what the chart renders")
  void generated(String mode, String name) throws Exception {
    String rendered =
        """
        # Generated from the chart: mvn -pl samples/webhook-deployment -am test -Dtest=ManifestsTest -Dmanifests.update=true
        # Replace the namespace and the two images, registry.example/..., by yours.
        apiVersion: v1
        kind: Namespace
        metadata:
          name: secrets-system
          labels:
            pod-security.kubernetes.io/enforce: restricted
        """
            + Chart.render("1.33.0", Map.of("tls.mode", mode))
                .replaceAll("(?m)^( *)(helm.sh/chart|app.kubernetes.io/managed-by): .*\\n", "")
                .replaceAll("(?m)[ \\t]+$", "");
    Path file = Path.of("manifests", name);
    if (Boolean.getBoolean("manifests.update")) {
      Files.createDirectories(file.getParent());
      Files.writeString(file, rendered);
    }
    assertThat(file).hasContent(rendered);
    Chart.objects(rendered).forEach(Chart::validate);
  }
}
