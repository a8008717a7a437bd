package io.github.secretscontroller.aws;

import software.amazon.awssdk.services.kms.KmsClient;

/** Makes KMS clients for an environment. */
final class KmsClients {

  private KmsClients() {}

  static RegionalClients<KmsClient> regional(AwsEnvironment environment, AwsResources resources) {
    return new RegionalClients<>(
        environment.region().orElse(null), region -> inRegion(environment, region, resources));
  }

  static KmsClient inRegion(AwsEnvironment environment, String region, AwsResources resources) {
    return environment.client(
        KmsClient.builder(),
        "KMS",
        region,
        environment.identity().provider(region, resources),
        resources);
  }
}
