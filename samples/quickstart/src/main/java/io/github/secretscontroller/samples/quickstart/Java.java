package io.github.secretscontroller.samples.quickstart;

import java.nio.file.Path;

/** The JVM that runs this program, for starting others on it. */
final class Java {

  private Java() {}

  static String command() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }
}
