package io.github.secretscontroller.admission.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A real API server with its etcd, on free loopback ports, and kubectl for it. Nothing else runs:
 * no controller makes Pods of Deployments or ServiceAccounts of namespaces, and no Pod is started.
 *
 * <p>Keys, certificates and tokens are made for each start, in the workspace.
 */
public final class LiveCluster implements AutoCloseable {

  /** Processes of a loaded machine get so long to become ready. */
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path assets;
  private final Path workspace;
  private final URI url;
  private final URI etcd;
  private final String token;
  private final List<Process> processes = new ArrayList<>();

  private LiveCluster(Path assets, Path workspace, int port, int etcdPort) {
    this.assets = assets;
    this.workspace = workspace;
    this.url = URI.create("https://127.0.0.1:" + port);
    this.etcd = URI.create("http://127.0.0.1:" + etcdPort);
    this.token = UUID.randomUUID().toString();
  }

  /** What a command printed. */
  public record Output(int exitCode, String stdout, String stderr) {

    /** This output, if the command succeeded. */
    public Output orFail() {
      if (exitCode != 0) {
        throw new AssertionError("kubectl failed with " + exitCode + ": " + stderr);
      }
      return this;
    }

    /** The standard output as JSON. */
    public JsonNode json() {
      try {
        return JSON.readTree(orFail().stdout);
      } catch (IOException e) {
        throw new AssertionError("not JSON: " + stdout, e);
      }
    }
  }

  /**
   * Starts both servers, and waits until they are ready.
   *
   * @param assets a folder with {@code kube-apiserver}, {@code etcd} and {@code kubectl}
   * @param workspace an empty folder
   */
  public static LiveCluster start(Path assets, Path workspace) throws Exception {
    int[] ports = freePorts(3);
    LiveCluster cluster = new LiveCluster(assets, workspace, ports[0], ports[1]);
    try {
      cluster.startEtcd(ports[1], ports[2]);
      cluster.startApiServer(ports[0], ports[1]);
      cluster.prepareNamespace("default");
      return cluster;
    } catch (Exception e) {
      cluster.close();
      throw e;
    }
  }

  /** Where the API server listens. */
  public URI url() {
    return url;
  }

  /** The certificate that the API server shows, in PEM. */
  public Path certificate() {
    return workspace.resolve("certificates/apiserver.crt");
  }

  /** A bearer token that may do everything. */
  public String token() {
    return token;
  }

  /** The API server's audit log, one JSON document per line. */
  public String auditLog() throws IOException {
    return Files.readString(workspace.resolve("audit.log"));
  }

  /** All keys and values of etcd, as they are stored there. */
  public byte[] etcd() throws Exception {
    // A range that ends at the byte 0 has no end.
    HttpRequest range =
        HttpRequest.newBuilder(etcd.resolve("/v3/kv/range"))
            .POST(
                HttpRequest.BodyPublishers.ofString("{\"key\": \"AA==\", \"range_end\": \"AA==\"}"))
            .build();
    HttpResponse<byte[]> response =
        HttpClient.newHttpClient().send(range, HttpResponse.BodyHandlers.ofByteArray());
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (JsonNode pair : JSON.readTree(response.body()).path("kvs")) {
      all.write(pair.path("key").binaryValue());
      all.write(pair.path("value").binaryValue());
    }
    return all.toByteArray();
  }

  /** Runs kubectl. */
  public Output kubectl(String... arguments) throws Exception {
    return kubectlWith("", arguments);
  }

  /** Runs kubectl with a manifest at its standard input, for {@code -f -}. */
  public Output kubectlWith(String manifest, String... arguments) throws Exception {
    return run(manifest, "false", arguments);
  }

  /** Runs kubectl with an editor that does what a script of sed says, for {@code edit}. */
  public Output kubectlEdit(String script, String... arguments) throws Exception {
    Path editor = Files.createTempFile(workspace, "editor", ".sed");
    Files.writeString(editor, script + "\n");
    return run("", "sed -i -f " + editor, arguments);
  }

  private Output run(String manifest, String editor, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(List.of(binary("kubectl"), "--kubeconfig", kubeconfig().toString()));
    command.addAll(List.of(arguments));
    Path input = Files.createTempFile(workspace, "manifest", ".yaml");
    Path errors = Files.createTempFile(workspace, "kubectl", ".err");
    Files.writeString(input, manifest);
    ProcessBuilder builder =
        clean(new ProcessBuilder(command))
            .redirectInput(input.toFile())
            .redirectError(errors.toFile());
    builder.environment().put("HOME", workspace.toString());
    builder.environment().put("KUBE_EDITOR", editor);
    Process process = builder.start();
    String stdout;
    try (InputStream out = process.getInputStream()) {
      stdout = new String(out.readAllBytes(), StandardCharsets.UTF_8);
    }
    return new Output(process.waitFor(), stdout, Files.readString(errors));
  }

  /** A namespace with what the controller manager would put into it. */
  public void createNamespace(String name, String... labels) throws Exception {
    kubectl("create", "namespace", name).orFail();
    for (String label : labels) {
      kubectl("label", "namespace", name, label).orFail();
    }
    prepareNamespace(name);
  }

  /**
   * Registers a webhook, and waits until the API server calls it.
   *
   * @param configuration a MutatingWebhookConfiguration or a validating one
   * @param probe a manifest that the webhook reacts to
   * @param reaction what the output of a dry run of {@code probe} contains then
   */
  public void register(String configuration, String probe, String reaction) throws Exception {
    kubectlWith(configuration, "apply", "-f", "-").orFail();
    long end = System.nanoTime() + PATIENCE.toNanos();
    Output output;
    do {
      output = kubectlWith(probe, "create", "--dry-run=server", "-o", "yaml", "-f", "-");
      if ((output.stdout() + output.stderr()).contains(reaction)) {
        return;
      }
    } while (System.nanoTime() < end);
    throw new AssertionError("the webhook is not called: " + output);
  }

  @Override
  public void close() throws InterruptedException {
    for (int i = processes.size() - 1; i >= 0; i--) {
      Process process = processes.get(i);
      process.destroy();
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
  }

  private void startEtcd(int port, int peerPort) throws Exception {
    String peer = "http://127.0.0.1:" + peerPort;
    String client = "http://127.0.0.1:" + port;
    Process etcd =
        launch(
            "etcd",
            "--name=live",
            "--data-dir=" + workspace.resolve("etcd"),
            "--unsafe-no-fsync",
            "--listen-client-urls=" + client,
            "--advertise-client-urls=" + client,
            "--listen-peer-urls=" + peer,
            "--initial-advertise-peer-urls=" + peer,
            "--initial-cluster=live=" + peer);
    HttpClient http = HttpClient.newHttpClient();
    HttpRequest health = HttpRequest.newBuilder(URI.create(client + "/health")).build();
    await(
        etcd,
        "etcd",
        () -> http.send(health, HttpResponse.BodyHandlers.discarding()).statusCode() == 200);
  }

  private void startApiServer(int port, int etcdPort) throws Exception {
    KeyPair serviceAccounts = rsa();
    Path privateKey = pem("sa.key", "PRIVATE KEY", serviceAccounts.getPrivate().getEncoded());
    Path publicKey = pem("sa.pub", "PUBLIC KEY", serviceAccounts.getPublic().getEncoded());
    Path tokens = workspace.resolve("tokens.csv");
    Files.writeString(tokens, token + ",admin,admin,\"system:masters\"\n");
    Path audit = workspace.resolve("audit-policy.yaml");
    Files.writeString(
        audit,
        """
        apiVersion: audit.k8s.io/v1
        kind: Policy
        omitStages: [RequestReceived]
        rules: [{level: Metadata, verbs: [create, update, patch]}, {level: None}]
        """);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--etcd-servers=http://127.0.0.1:" + etcdPort,
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--secure-port=" + port,
                "--endpoint-reconciler-type=none",
                "--cert-dir=" + workspace.resolve("certificates"),
                "--token-auth-file=" + tokens,
                "--authorization-mode=RBAC",
                "--allow-privileged=true",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-signing-key-file=" + privateKey,
                "--service-account-key-file=" + publicKey,
                "--service-cluster-ip-range=10.96.0.0/24",
                "--audit-policy-file=" + audit,
                "--audit-log-path=" + workspace.resolve("audit.log")));
    if (minorVersion() < 22) {
      // Else it would wait for a token that only a controller makes.
      arguments.add("--feature-gates=BoundServiceAccountTokenVolume=true");
    }
    Process server = launch("kube-apiserver", arguments.toArray(String[]::new));
    await(server, "kube-apiserver", () -> Files.exists(certificate()));
    writeKubeconfig();
    await(
        server,
        "kube-apiserver",
        () ->
            kubectl("get", "--raw", "/readyz").exitCode() == 0
                && kubectl("get", "namespace", "default").exitCode() == 0);
  }

  private int minorVersion() throws Exception {
    Process process = clean(new ProcessBuilder(binary("kube-apiserver"), "--version")).start();
    String version = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher minor = Pattern.compile("v1\\.(\\d+)\\.").matcher(version);
    if (process.waitFor() != 0 || !minor.find()) {
      throw new IOException("kube-apiserver --version printed: " + version);
    }
    return Integer.parseInt(minor.group(1));
  }

  private void prepareNamespace(String name) throws Exception {
    kubectl("-n", name, "create", "serviceaccount", "default").orFail();
    kubectl(
            "-n",
            name,
            "create",
            "configmap",
            "kube-root-ca.crt",
            "--from-file=ca.crt=" + certificate())
        .orFail();
  }

  private Process launch(String name, String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of(binary(name)));
    command.addAll(List.of(arguments));
    Process process =
        clean(new ProcessBuilder(command))
            .redirectErrorStream(true)
            .redirectOutput(log(name).toFile())
            .start();
    processes.add(process);
    return process;
  }

  /** Servers on loopback are not to be asked through a proxy. */
  private static ProcessBuilder clean(ProcessBuilder builder) {
    builder
        .environment()
        .keySet()
        .removeIf(name -> name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
    return builder;
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private void await(Process process, String name, Condition condition) throws Exception {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (System.nanoTime() < end) {
      try {
        if (condition.holds()) {
          return;
        }
      } catch (IOException e) {
        // Not listening yet.
      }
      if (process.waitFor(100, TimeUnit.MILLISECONDS)) {
        throw new IOException(name + " stopped:\n" + Files.readString(log(name)));
      }
    }
    throw new IOException(
        name + " is not ready after " + PATIENCE + ":\n" + Files.readString(log(name)));
  }

  private void writeKubeconfig() throws IOException {
    Files.writeString(
        kubeconfig(),
        """
        apiVersion: v1
        kind: Config
        clusters: [{name: live, cluster: {server: "%s", certificate-authority: "%s"}}]
        users: [{name: admin, user: {token: "%s"}}]
        contexts: [{name: live, context: {cluster: live, user: admin}}]
        current-context: live
        """
            .formatted(url, certificate(), token));
  }

  private Path kubeconfig() {
    return workspace.resolve("kubeconfig");
  }

  private Path log(String name) {
    return workspace.resolve(name + ".log");
  }

  private String binary(String name) {
    return assets.resolve(name).toString();
  }

  private Path pem(String file, String type, byte[] der) throws IOException {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return Files.writeString(
        workspace.resolve(file),
        "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n");
  }

  private static KeyPair rsa() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
    generator.initialize(2048);
    return generator.generateKeyPair();
  }

  /** Ports that were free a moment ago, all different. */
  private static int[] freePorts(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    int[] ports = new int[count];
    try {
      for (int i = 0; i < count; i++) {
        ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        sockets.add(socket);
        ports[i] = socket.getLocalPort();
      }
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
    return ports;
  }
}
