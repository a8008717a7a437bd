package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * As much of an HTTP server as probes and scrapers need: GET, one answer for each connection. One
 * thread does it all and never waits for a client, so none can keep others from being answered.
 *
 * <p>The JDK's server takes 8 ms of CPU time for a request in a JVM that compiles little, which
 * adds up to more than all else that a sidecar does; this takes less than a tenth of that.
 */
final class ProbeServer implements AutoCloseable {

  /** What a client is answered. */
  record Answer(String status, String type, String text) {}

  /** How the next client is taken, or {@code null} for none; what differs in a test. */
  interface Acceptor {

    @Nullable SocketChannel accept(ServerSocketChannel server) throws IOException;
  }

  private static final int WAITING = 32;
  private static final int MOST_CONNECTIONS = 64;
  private static final int MOST_BYTES = 8192;
  private static final long PATIENCE = TimeUnit.SECONDS.toNanos(2);
  private static final long PAUSE = TimeUnit.MILLISECONDS.toNanos(100);
  private static final String TEXT = "text/plain; charset=utf-8";

  private final ServerSocketChannel server;
  private final Selector selector;
  private final Function<String, Answer> answers;
  private final Acceptor acceptor;

  /** The oldest first, which is the one that has to be done first. */
  private final Deque<Connection> connections = new ArrayDeque<>();

  private ProbeServer(
      ServerSocketChannel server,
      Selector selector,
      Function<String, Answer> answers,
      Acceptor acceptor) {
    this.server = server;
    this.selector = selector;
    this.answers = answers;
    this.acceptor = acceptor;
  }

  /**
   * Listens on all addresses.
   *
   * @param port 0 for any
   * @param answers what to answer, by the path that is asked for
   * @throws IOException if the port is taken
   */
  static ProbeServer start(int port, Function<String, Answer> answers) throws IOException {
    return start(port, answers, ServerSocketChannel::accept);
  }

  /** As above, with another way to take clients. */
  static ProbeServer start(int port, Function<String, Answer> answers, Acceptor acceptor)
      throws IOException {
    ServerSocketChannel server = ServerSocketChannel.open();
    try {
      server.bind(new InetSocketAddress(port), WAITING);
      server.configureBlocking(false);
      ProbeServer started = new ProbeServer(server, Selector.open(), answers, acceptor);
      server.register(started.selector, SelectionKey.OP_ACCEPT);
      Thread thread = new Thread(started::serve, "secrets-fetcher-health");
      thread.setDaemon(true);
      thread.start();
      return started;
    } catch (IOException e) {
      server.close();
      throw e;
    }
  }

  int port() {
    return server.socket().getLocalPort();
  }

  private void serve() {
    while (selector.isOpen()) {
      try {
        proceed();
      } catch (ClosedSelectorException e) {
        break;
      } catch (IOException | RuntimeException | Error e) {
        // Without this thread kubelet would restart a sidecar that does all else that it has to.
        LockSupport.parkNanos(PAUSE);
      }
    }
    while (!connections.isEmpty()) {
      connections.getFirst().close();
    }
  }

  private void proceed() throws IOException {
    selector.select(untilFirstIsDue());
    boolean refused = false;
    for (SelectionKey key : selector.selectedKeys()) {
      if (key.attachment() instanceof Connection connection) {
        connection.proceed();
      } else {
        refused = !accept();
      }
    }
    selector.selectedKeys().clear();
    while (!connections.isEmpty() && connections.getFirst().remaining() <= 0) {
      connections.getFirst().close();
    }
    if (refused) {
      LockSupport.parkNanos(PAUSE);
    }
  }

  /** In milliseconds, as {@link Selector#select(long)} takes it; 0 for never. */
  private long untilFirstIsDue() {
    return connections.isEmpty()
        ? 0
        : Math.max(1, TimeUnit.NANOSECONDS.toMillis(connections.getFirst().remaining()) + 1);
  }

  /**
   * Takes the next client, if there is one.
   *
   * @return whether that is possible; not if too many files are open, which another try at once
   *     wouldn't change, but the end of a connection does
   */
  private boolean accept() throws IOException {
    SocketChannel client;
    try {
      client = acceptor.accept(server);
    } catch (IOException e) {
      return false;
    }
    if (client == null) {
      return true;
    }
    if (connections.size() == MOST_CONNECTIONS) {
      connections.getFirst().close();
    }
    client.configureBlocking(false);
    Connection connection = new Connection(client, client.register(selector, SelectionKey.OP_READ));
    connections.addLast(connection);
    // What is asked has usually come already.
    connection.proceed();
    return true;
  }

  @Override
  public void close() {
    try {
      selector.close();
      server.close();
    } catch (IOException e) {
      // The process ends.
    }
  }

  /** One client: its request is read, then answered, then what it still sends is dropped. */
  private final class Connection {

    private final SocketChannel channel;
    private final SelectionKey key;
    private final long due = System.nanoTime() + PATIENCE;
    private final ByteBuffer request = ByteBuffer.allocate(MOST_BYTES);
    private ByteBuffer answer = ByteBuffer.allocate(0);
    private boolean answered;

    Connection(SocketChannel channel, SelectionKey key) {
      this.channel = channel;
      this.key = key;
      key.attach(this);
    }

    long remaining() {
      return due - System.nanoTime();
    }

    void proceed() {
      try {
        if (!answered) {
          read();
        }
        if (answered) {
          write();
        }
      } catch (IOException | RuntimeException | Error e) {
        close(); // It has gone, or everything is closed, or there is no going on with it.
      }
    }

    private void read() throws IOException {
      boolean ended = channel.read(request) < 0;
      String head = new String(request.array(), 0, request.position(), StandardCharsets.ISO_8859_1);
      if (head.contains("\r\n\r\n") || head.contains("\n\n")) {
        answer(answerTo(head));
      } else if (!request.hasRemaining()) {
        answer(new Answer("431 Request Header Fields Too Large", TEXT, "too long\n"));
      } else if (ended) {
        close();
      }
    }

    private void answer(Answer chosen) {
      byte[] body = chosen.text().getBytes(StandardCharsets.UTF_8);
      String allow = chosen.status().startsWith("405") ? "Allow: GET\r\n" : "";
      String head =
          "HTTP/1.1 "
              + chosen.status()
              + "\r\nContent-Type: "
              + chosen.type()
              + "\r\nContent-Length: "
              + body.length
              + "\r\nConnection: close\r\n"
              + allow
              + "\r\n";
      answer = ByteBuffer.allocate(head.length() + body.length);
      answer.put(head.getBytes(StandardCharsets.ISO_8859_1)).put(body).flip();
      answered = true;
    }

    private void write() throws IOException {
      if (answer.hasRemaining()) {
        channel.write(answer);
        if (answer.hasRemaining()) {
          key.interestOps(SelectionKey.OP_WRITE);
          return;
        }
        channel.shutdownOutput();
        key.interestOps(SelectionKey.OP_READ);
      }
      // Closed with something unread, a connection is reset, and the answer may be lost. Read once
      // only: whoever never stops sending would keep the thread from all others.
      if (channel.read(request.clear()) < 0) {
        close();
      }
    }

    void close() {
      connections.remove(this);
      try {
        channel.close();
      } catch (IOException e) {
        // Then it is as good as closed.
      }
    }
  }

  private Answer answerTo(String head) {
    String[] line = head.lines().findFirst().orElse("").split(" ", -1);
    if (line.length != 3 || !line[2].startsWith("HTTP/1.")) {
      return new Answer("400 Bad Request", TEXT, "not understood\n");
    }
    if (!line[0].equals("GET")) {
      return new Answer("405 Method Not Allowed", TEXT, "only GET is understood\n");
    }
    int query = line[1].indexOf('?');
    try {
      return answers.apply(query < 0 ? line[1] : line[1].substring(0, query));
    } catch (RuntimeException | Error e) {
      return new Answer("500 Internal Server Error", TEXT, "internal error\n");
    }
  }
}
