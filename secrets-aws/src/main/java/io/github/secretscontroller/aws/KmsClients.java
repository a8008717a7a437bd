package io.github.secretscontroller.aws;

import software.amazon.awssdk.http.SdkHttpClient;
import software.amazon.awssdk.services.kms.KmsClient;

/** Makes KMS clients for an environment. */
final class KmsClients {

  private KmsClients() {}

  static RegionalClients<KmsClient> regional(AwsEnvironment environment, SdkHttpClient http) {
    return new RegionalClients<>(
        environment.region().orElse(null), region -> inRegion(environment, region, http));
  }

  static KmsClient inRegion(AwsEnvironment environment, String region, SdkHttpClient http) {
    return environment.client(
        KmsClient.builder(), "KMS", region, environment.identity().provider(region, http), http);
  }
}
