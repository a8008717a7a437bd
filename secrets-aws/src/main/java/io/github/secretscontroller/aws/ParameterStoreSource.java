package io.github.secretscontroller.aws;

import io.github.secretscontroller.core.FailoverSecretSource;
import io.github.secretscontroller.core.SecretException;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.SecretResult;
import io.github.secretscontroller.core.SecretSource;
import io.github.secretscontroller.core.SecretValue;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import software.amazon.awssdk.services.ssm.SsmClient;
import software.amazon.awssdk.services.ssm.model.GetParametersResponse;
import software.amazon.awssdk.services.ssm.model.Parameter;

/**
 * Reads from AWS Systems Manager Parameter Store: {@code ssm:/path}, {@code ssm:name} or an ARN.
 *
 * <p>A version id is the parameter's version number, a version stage one of its labels; without
 * either, the newest version is read. Secure strings are decrypted. A value is its UTF-8 bytes.
 *
 * <p>Calls: {@link #fetchAll} makes one GetParameters for up to ten parameters; one denied name
 * fails such a call as a whole, and then each is read by itself. {@link #currentVersion} reads
 * without decryption, so it costs no KMS call and never sees the plain value of a secure string.
 * The service starts at 40 calls a second, see its <a
 * href="https://docs.aws.amazon.com/general/latest/gr/ssm.html">quotas</a>.
 *
 * <p>Thread-safe.
 */
public final class ParameterStoreSource implements SecretSource {

  private static final int PARAMETERS_PER_CALL = 10;

  private static final int IN_FLIGHT = 8;

  private final AwsEnvironment environment;
  private final RegionalClients<SsmClient> clients;
  private final AwsResources resources;

  private ParameterStoreSource(AwsEnvironment environment) {
    this.environment = environment;
    AwsResources shared = environment.resources();
    this.resources = shared;
    this.clients =
        new RegionalClients<>(
            environment.region().orElse(null),
            region ->
                environment.client(
                    SsmClient.builder(),
                    "SSM",
                    region,
                    environment.identity().provider(region, shared),
                    shared));
  }

  /** A source with the region, endpoint and credentials of an environment. */
  public static ParameterStoreSource of(AwsEnvironment environment) {
    return new ParameterStoreSource(environment);
  }

  /**
   * A source that asks another region while the first is unavailable. Parameters aren't replicated:
   * whoever writes them writes both.
   *
   * @param nameInSecondary what is asked there in place of these references
   * @throws IllegalArgumentException if the environment names an endpoint, since both regions would
   *     be asked there
   * @see FailoverSecretSource
   */
  public static SecretSource withFailover(
      AwsEnvironment environment,
      String secondaryRegion,
      Map<SecretReference, SecretReference> nameInSecondary) {
    environment.requireEndpointPerRegion("SSM", secondaryRegion);
    return new FailoverSecretSource(
        of(environment),
        of(environment.withRegion(secondaryRegion)),
        secondaryRegion,
        nameInSecondary);
  }

  @Override
  public SecretValue fetch(SecretReference reference) {
    return value(reference, read(reference, true));
  }

  @Override
  public String currentVersion(SecretReference reference) {
    String pinned = reference.versionId();
    return pinned != null ? pinned : String.valueOf(read(reference, false).version());
  }

  @Override
  public Map<SecretReference, SecretResult> fetchAll(Collection<SecretReference> references) {
    Map<SecretReference, SecretResult> results = new HashMap<>();
    Map<String, List<SecretReference>> byRegion = new HashMap<>();
    for (SecretReference reference : references) {
      try {
        SecretReference whole = reference.withSelector(null);
        List<SecretReference> group =
            byRegion.computeIfAbsent(clients.regionOf(whole), r -> new ArrayList<>());
        if (!group.contains(whole)) {
          group.add(whole);
        }
      } catch (SecretException e) {
        results.put(reference.withSelector(null), new SecretResult.Failed(e));
      }
    }
    Deadline deadline = environment.deadline();
    List<SecretReference> singles = new ArrayList<>();
    for (List<SecretReference> group : byRegion.values()) {
      for (List<SecretReference> chunk : Batches.chunks(group, PARAMETERS_PER_CALL)) {
        if (chunk.size() > 1 && !deadline.isOver()) {
          readChunk(chunk, deadline, results);
        }
        chunk.stream().filter(whole -> !results.containsKey(whole)).forEach(singles::add);
      }
    }
    results.putAll(
        Batches.readEach(
            singles, IN_FLIGHT, deadline, reference -> SecretResult.of(() -> fetch(reference))));
    return Batches.share(references, reference -> reference.withSelector(null), results);
  }

  @Override
  public void close() {
    clients.close();
    resources.close();
  }

  private void readChunk(
      List<SecretReference> chunk, Deadline deadline, Map<SecretReference, SecretResult> results) {
    Set<String> names = new LinkedHashSet<>();
    chunk.forEach(reference -> names.add(selector(reference)));
    try {
      GetParametersResponse response =
          clients
              .clientFor(chunk.get(0))
              .getParameters(
                  request ->
                      request
                          .names(names)
                          .withDecryption(true)
                          .overrideConfiguration(o -> o.apiCallTimeout(deadline.remaining())));
      for (Parameter parameter : response.parameters()) {
        for (SecretReference reference : chunk) {
          if (names(reference, parameter)) {
            results.put(reference, new SecretResult.Fetched(value(reference, parameter)));
          }
        }
      }
    } catch (RuntimeException e) {
      // The single reads either work or tell which one is wrong, and why.
    }
  }

  private Parameter read(SecretReference reference, boolean decrypt) {
    SsmClient client = clients.clientFor(reference);
    String name = selector(reference);
    try {
      return client.getParameter(request -> request.name(name).withDecryption(decrypt)).parameter();
    } catch (RuntimeException e) {
      throw AwsFailures.reading(reference, e);
    }
  }

  /** What the service takes for a name: it has the version, or the label, behind a colon. */
  private static String selector(SecretReference reference) {
    String id = reference.id();
    if (reference.versionId() != null) {
      return id + ":" + reference.versionId();
    }
    return reference.versionStage() != null ? id + ":" + reference.versionStage() : id;
  }

  private static boolean names(SecretReference reference, Parameter parameter) {
    boolean sameName =
        reference.id().equals(parameter.arn()) || reference.name().equals(parameter.name());
    String asked = selector(reference).substring(reference.id().length());
    String answered = parameter.selector() == null ? "" : parameter.selector();
    return sameName && asked.equals(answered);
  }

  private static SecretValue value(SecretReference reference, Parameter parameter) {
    byte[] content = parameter.value().getBytes(StandardCharsets.UTF_8);
    try {
      return new SecretValue(
          content,
          SecretReference.parse(parameter.arn()),
          String.valueOf(parameter.version()),
          reference.versionStage() == null ? Set.of() : Set.of(reference.versionStage()),
          parameter.lastModifiedDate());
    } finally {
      Arrays.fill(content, (byte) 0);
    }
  }
}
