package io.github.secretscontroller.fetcher;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The server of probes")
class ProbeServerTest {

  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final String LONG = "0123456789".repeat(1_000_000);

  private ProbeServer server;

  @BeforeEach
  void start() throws IOException {
    server =
        ProbeServer.start(
            0,
            path ->
                switch (path) {
                  case "/long" -> new ProbeServer.Answer("200 OK", "text/plain", LONG);
                  case "/error" -> throw new NoClassDefFoundError("not to be told");
                  case "/defect" -> throw new IllegalStateException("not to be told");
                  default -> new ProbeServer.Answer("200 OK", "text/plain", "asked " + path);
                });
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  @DisplayName("answers a path, whatever its query, and says what it answers")
  void answers() throws Exception {
    assertThat(ask("GET /ready?a=b HTTP/1.1\r\nHost: x\r\n\r\n"))
        .isEqualTo(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n"
                + "Connection: close\r\n\r\nasked /ready");
  }

  @Test
  @DisplayName("answers a request that comes in pieces")
  void pieces() throws Exception {
    try (Socket socket = connect()) {
      for (char c : "GET /piece HTTP/1.0\r\n\r\n".toCharArray()) {
        socket.getOutputStream().write(c);
        socket.getOutputStream().flush();
      }
      assertThat(answer(socket)).endsWith("asked /piece");
    }
  }

  @Test
  @DisplayName("sends a long answer whole")
  void longAnswer() throws Exception {
    assertThat(ask("GET /long HTTP/1.1\r\n\r\n")).endsWith("\r\n\r\n" + LONG);
  }

  @Test
  @DisplayName("refuses what isn't a request, and what isn't GET even with a body, and tells it")
  void refuses() throws Exception {
    assertThat(ask("HELO\r\n\r\n")).startsWith("HTTP/1.1 400 ");
    assertThat(ask("POST /ready HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" + "x".repeat(5000)))
        .startsWith("HTTP/1.1 405 ")
        .contains("\r\nAllow: GET\r\n");
    assertThat(ask("GET / HTTP/1.1\r\nX: " + "x".repeat(10_000))).startsWith("HTTP/1.1 431 ");
  }

  @Test
  @DisplayName("survives a defect of what it asks, without telling it")
  void defect() throws Exception {
    for (String path : List.of("/defect", "/error")) {
      assertThat(ask("GET " + path + " HTTP/1.1\r\n\r\n"))
          .startsWith("HTTP/1.1 500 ")
          .doesNotContain("not to be told");
    }
    assertThat(ask("GET /ready HTTP/1.1\r\n\r\n")).endsWith("asked /ready");
  }

  @Test
  @DisplayName("answers while any number of others say nothing, and lets go of them")
  void silent() throws Exception {
    List<Socket> silent = new ArrayList<>();
    try {
      for (int i = 0; i < 100; i++) {
        silent.add(connect());
      }
      assertThat(ask("GET /ready HTTP/1.1\r\n\r\n")).endsWith("asked /ready");
      for (Socket socket : silent) {
        assertThat(socket.getInputStream().read()).isEqualTo(-1);
      }
    } finally {
      for (Socket socket : silent) {
        socket.close();
      }
    }
  }

  private String ask(String request) throws IOException {
    try (Socket socket = connect()) {
      socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
      return answer(socket);
    }
  }

  private Socket connect() throws IOException {
    return connect(server);
  }

  private static Socket connect(ProbeServer to) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), to.port());
    socket.setSoTimeout((int) PATIENCE.toMillis());
    return socket;
  }

  private static String answer(Socket socket) throws IOException {
    return new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
  }

  @Test
  @DisplayName("answers while another never stops sending, and lets go of that one")
  void flood() throws Exception {
    try (SocketChannel sender =
        SocketChannel.open(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()))) {
      sender.write(ByteBuffer.wrap("GET /ready HTTP/1.1\r\n\r\n".getBytes(UTF_8)));
      // It sends faster than anybody can read by small pieces.
      ByteBuffer more = ByteBuffer.allocateDirect(1 << 20);
      Thread flood =
          new Thread(
              () -> {
                try {
                  while (true) {
                    sender.write(more.clear());
                  }
                } catch (IOException e) {
                  // It was let go.
                }
              });
      flood.setDaemon(true);
      flood.start();
      // Its answer has come, so from now on all that it sends is dropped.
      assertThat(sender.read(ByteBuffer.allocate(1))).isEqualTo(1);
      for (int i = 0; i < 10; i++) {
        assertThat(ask("GET /ready HTTP/1.1\r\n\r\n")).endsWith("asked /ready");
      }
      flood.join(PATIENCE.toMillis());
      assertThat(flood.isAlive()).isFalse();
    }
  }

  @Test
  @DisplayName("lets go of those who say nothing also while it can't take any more")
  void noMoreFiles() throws Exception {
    AtomicBoolean full = new AtomicBoolean();
    try (ProbeServer other =
            ProbeServer.start(
                0,
                path -> new ProbeServer.Answer("200 OK", "text/plain", "asked " + path),
                channel -> {
                  SocketChannel client = full.get() ? null : channel.accept();
                  if (client == null) {
                    throw new IOException("Too many open files");
                  }
                  // All but the first find no room.
                  full.set(true);
                  return client;
                });
        Socket silent = connect(other);
        Socket waiting = connect(other)) {
      waiting.getOutputStream().write("GET /late HTTP/1.1\r\n\r\n".getBytes(UTF_8));
      assertThat(silent.getInputStream().read()).isEqualTo(-1);
      full.set(false);
      assertThat(answer(waiting)).endsWith("asked /late");
    }
  }
}
