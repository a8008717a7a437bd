package io.github.secretscontroller.samples.micronaut;

import io.github.secretscontroller.admission.testkit.WebhookContract;
import java.nio.file.Path;

class AppIT extends WebhookContract {

  @Override
  protected Path jar() {
    return Path.of(System.getProperty("webhook.jar"));
  }

  @Override
  protected boolean speaksHttp2() {
    return true;
  }
}
