package io.github.secretscontroller.admission;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a program that hosts the webhook needs to know besides the configuration of the injector.
 *
 * @param host the address to listen on
 * @param port the port to listen on; 0 for any
 * @param drain how long to go on answering after the order to stop, until no Service and no API
 *     server sends requests any more
 */
public record WebhookSettings(String host, int port, Duration drain) {

  /**
   * Reads {@code WEBHOOK_HOST} ({@code 0.0.0.0} by default), {@code WEBHOOK_PORT} (8443) and {@code
   * WEBHOOK_DRAIN_SECONDS} (5).
   *
   * @throws IllegalArgumentException if one is wrong, or if the port is in use; the message says
   *     how to mend it
   */
  public static WebhookSettings fromEnvironment(Map<String, String> environment) {
    WebhookSettings settings =
        new WebhookSettings(
            environment.getOrDefault("WEBHOOK_HOST", "0.0.0.0"),
            number(environment, "WEBHOOK_PORT", 8443, 65_535),
            Duration.ofSeconds(number(environment, "WEBHOOK_DRAIN_SECONDS", 5, 3600)));
    settings.checkPort();
    return settings;
  }

  /**
   * Whether a request's {@code Content-Type} is the API server's; answer 415 if it isn't.
   *
   * @param contentType the header's value, null if there is none
   */
  public static boolean isJson(@Nullable String contentType) {
    return contentType != null
        && contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT).equals("application/json");
  }

  // Each server words a port that is in use in its own way, and most with a stack trace.
  private void checkPort() {
    try (ServerSocket probe = new ServerSocket()) {
      probe.bind(new InetSocketAddress(InetAddress.getByName(host), port));
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "port "
              + port
              + " of "
              + host
              + " can't be listened on ("
              + e.getMessage()
              + "); set WEBHOOK_PORT and WEBHOOK_HOST to others",
          e);
    }
  }

  private static int number(
      Map<String, String> environment, String variable, int otherwise, int most) {
    String value = environment.get(variable);
    if (value == null) {
      return otherwise;
    }
    try {
      int number = Integer.parseInt(value);
      if (number >= 0 && number <= most) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Told below.
    }
    throw new IllegalArgumentException(
        variable + " must be a number from 0 to " + most + ", not \"" + value + "\"");
  }
}
