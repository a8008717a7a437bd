import io.github.secretscontroller.aws.AwsEnvironment;
import io.github.secretscontroller.aws.KmsEnvelopeWriter;
import io.github.secretscontroller.core.InjectionPlan;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Content;
import io.github.secretscontroller.core.SecretFile.EnvironmentFile;
import io.github.secretscontroller.core.SecretFile.Format;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretFile.KeyFiles;
import io.github.secretscontroller.core.SecretFile.Template;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.awscore.client.builder.AwsClientBuilder;
import software.amazon.awssdk.core.client.builder.SdkSyncClientBuilder;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.kms.KmsClient;
import software.amazon.awssdk.services.kms.model.KeySpec;
import software.amazon.awssdk.services.kms.model.KeyUsageType;
import software.amazon.awssdk.services.secretsmanager.SecretsManagerClient;
import software.amazon.awssdk.services.ssm.SsmClient;
import software.amazon.awssdk.services.ssm.model.ParameterType;

/**
 * Features ENDPOINT KEYSTORE DIRECTORY: puts secrets into an emulator of AWS, and writes a plan that uses all that the fetcher can do
 * (plan.json), and what it must come to (expected/PATH), but for key stores, of which no two are alike.
 */
final class Features {

  private static final char[] PASSWORD = "stub-only".toCharArray();

  private final String name = "check-image-" + UUID.randomUUID();
  private final String endpoint;
  private final Path directory;
  private final InjectionPlan.Builder plan = InjectionPlan.builder();

  private Features(String endpoint, Path directory) {
    this.endpoint = endpoint;
    this.directory = directory;
  }

  public static void main(String[] arguments) throws Exception {
    new Features(arguments[0], Path.of(arguments[2])).make(Path.of(arguments[1]));
  }

  private void make(Path keyStore) throws Exception {
    String json = "{\"user\":\"ann\",\"port\":5432,\"hosts\":[{\"n\":\"a\"},{\"n\":\"b\"}]}";
    try (SecretsManagerClient secrets = client(SecretsManagerClient.builder());
        SsmClient parameters = client(SsmClient.builder());
        KmsClient kms = client(KmsClient.builder())) {
      secrets.createSecret(request -> request.name(name + "/db").secretString(json));
      secrets.createSecret(request -> request.name(name + "/tls").secretString(pem(keyStore)));
      parameters.putParameter(
          request -> request.name("/" + name).value("a parameter").type(ParameterType.SECURE_STRING));
      // The emulator doesn't set AWS's defaults.
      sealed(
          kms.createKey(
                  key -> key.keyUsage(KeyUsageType.ENCRYPT_DECRYPT).keySpec(KeySpec.SYMMETRIC_DEFAULT))
              .keyMetadata()
              .arn());
    }
    String db = name + "/db";
    add(db, "raw", Formatted.RAW, json);
    add(db + "#user", "selected/key", Formatted.RAW, "ann");
    add(db + "#hosts[?n=='b'].n | [0]", "selected/filter", Formatted.RAW, "b");
    add(db + "#join('-', hosts[].n)", "selected/function", Formatted.RAW, "a-b");
    add(db, "json", new Formatted(Format.JSON), json);
    add(db + "#hosts[0]", "properties", new Formatted(Format.PROPERTIES), "n=a\n");
    add(db + "#hosts[0]", "dotenv", new Formatted(Format.DOTENV), "n='a'\n");
    add(db + "#hosts[0]", "yaml", new Formatted(Format.YAML), "\"n\": \"a\"\n");
    add(db, "env/app", new EnvironmentFile(Map.of("PORT", "port")), "PORT='5432'\n");
    add(db, "keys", new KeyFiles(List.of("user", "port")), null);
    expect("keys/user", "ann");
    expect("keys/port", "5432");
    plan.file(SecretFile.of(SecretReference.parse(db), "named").withName("db"));
    expect("named", json);
    plan.file(
        new SecretFile(
            null,
            null,
            null,
            "template",
            new Template(
                "{{db.user}}:{{db.port:-1}} {{#db.hosts}}{{n}}{{^-last}},{{/-last}}{{/db.hosts}}"
                    + " {{#base64}}{{db.user}}{{/base64}} {{#url}}a b{{/url}} {{#json}}\"{{/json}}"),
            SecretFile.DEFAULT_MODE,
            false));
    expect("template", "ann:5432 a,b YW5u a%20b \\\"");
    add(name + "/tls", "store.p12", new Formatted(Format.PKCS12), null);
    add(name + "/tls", "store.jks", new Formatted(Format.JKS), null);
    add("ssm:/" + name, "parameter", Formatted.RAW, "a parameter");
    Files.writeString(directory.resolve("plan.json"), plan.build().toJson());
  }

  private void sealed(String key) throws Exception {
    AwsEnvironment environment =
        AwsEnvironment.of(
            Map.of(
                "AWS_REGION", "us-east-1",
                "AWS_ENDPOINT_URL", endpoint,
                "AWS_ACCESS_KEY_ID", "example",
                "AWS_SECRET_ACCESS_KEY", "example"));
    try (KmsEnvelopeWriter writer = new KmsEnvelopeWriter(environment, key)) {
      byte[] value = "a sealed value".getBytes(StandardCharsets.UTF_8);
      SecretReference sealed = writer.write("sealed", value, WriteContext.of("blue", "shop", "sealed"));
      add(sealed.toString(), "sealed", Formatted.RAW, "a sealed value");
    }
    plan.sealed(new InjectionPlan.Sealed(List.of(key), "blue", "shop"));
  }

  private void add(String secret, String path, Content content, String expected) throws Exception {
    plan.file(SecretFile.of(SecretReference.parse(secret), path).withContent(content));
    if (expected != null) {
      expect(path, expected);
    }
  }

  private void expect(String path, String content) throws Exception {
    Path file = directory.resolve("expected").resolve(path);
    Files.createDirectories(file.getParent());
    Files.writeString(file, content);
  }

  /** The key and the chain of a stub's key store. */
  private static String pem(Path keyStore) {
    try (InputStream in = Files.newInputStream(keyStore)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(in, PASSWORD);
      StringBuilder chain = new StringBuilder();
      for (var certificate : store.getCertificateChain("stub")) {
        chain.append(pem("CERTIFICATE", certificate.getEncoded()));
      }
      String key = pem("PRIVATE KEY", store.getKey("stub", PASSWORD).getEncoded());
      return "{\"tls.key\": \"" + key + "\", \"tls.crt\": \"" + chain + "\"}";
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** With its line ends escaped for JSON. */
  private static String pem(String type, byte[] content) {
    String lines =
        Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content).replace("\n", "\\n");
    return "-----BEGIN " + type + "-----\\n" + lines + "\\n-----END " + type + "-----\\n";
  }

  private <B extends AwsClientBuilder<B, C> & SdkSyncClientBuilder<B, C>, C> C client(B builder) {
    return builder
        .httpClient(UrlConnectionHttpClient.create())
        .endpointOverride(URI.create(endpoint))
        .region(Region.US_EAST_1)
        .credentialsProvider(
            StaticCredentialsProvider.create(AwsBasicCredentials.create("example", "example")))
        .build();
  }
}
