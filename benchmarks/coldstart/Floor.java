import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.SSLSocketFactory;

/**
 * The least that a Java program can do to get a secret into a file: one request over a TLS socket, not signed, not retried, its
 * answer searched instead of parsed. No fetcher can start faster than this, so it is what ours is compared with.
 */
final class Floor {

  public static void main(String[] arguments) throws Exception {
    URI endpoint = URI.create(System.getenv("AWS_ENDPOINT_URL"));
    String body = "{\"SecretId\":\"" + System.getenv("SECRET_ARN") + "\"}";
    String request =
        "POST / HTTP/1.1\r\nHost: "
            + endpoint.getAuthority()
            + "\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: secretsmanager.GetSecretValue"
            + "\r\nConnection: close\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body;
    String answer;
    try (SSLSocket socket =
        (SSLSocket) SSLSocketFactory.getDefault().createSocket(endpoint.getHost(), endpoint.getPort())) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      InputStream in = socket.getInputStream();
      answer = new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
    String key = "\"SecretString\": \"";
    int start = answer.indexOf(key) + key.length();
    int end = answer.indexOf("\",\n", start);
    Path directory = Path.of(System.getenv("SECRETS_ROOT"));
    Path written = Files.writeString(directory.resolve(".new"), answer.substring(start, end));
    Files.move(written, directory.resolve("secret"), StandardCopyOption.ATOMIC_MOVE);
    System.exit(0);
  }
}
