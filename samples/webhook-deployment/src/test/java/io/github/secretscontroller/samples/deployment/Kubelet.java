package io.github.secretscontroller.samples.deployment;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.secretscontroller.admission.testkit.LiveCluster;
import java.nio.file.Files;
import java.nio.file.Path;

/** What kubelet would do for the chart's pod. */
final class Kubelet {

  private static final ObjectMapper JSON = new ObjectMapper();

  private Kubelet() {}

  /**
   * Writes what is mounted of a ServiceAccount: a token, which has its rights, and the certificate
   * of the API server.
   *
   * @return the folder
   */
  static Path serviceAccount(LiveCluster cluster, String namespace, String name, Path workspace)
      throws Exception {
    String request =
        """
        {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
         "spec": {"audiences": ["https://kubernetes.default.svc"], "expirationSeconds": 3600}}
        """;
    String path = "/api/v1/namespaces/" + namespace + "/serviceaccounts/" + name + "/token";
    JsonNode token =
        JSON.readTree(
            cluster.kubectlWith(request, "create", "--raw", path, "-f", "-").orFail().stdout());
    Path directory = Files.createDirectories(workspace.resolve("serviceaccount"));
    Files.writeString(directory.resolve("token"), token.at("/status/token").asText());
    Files.writeString(directory.resolve("ca.crt"), Files.readString(cluster.certificate()));
    return directory;
  }
}
