package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** The certificates of a trust store in the JKS format, found but not parsed. */
final class JksCertificates {

  private static final int MAGIC = 0xfeedfeed;
  private static final int VERSION = 2;
  private static final int CERTIFICATE = 2;

  /** How ASN.1 marks the version of a certificate, which one of the first version doesn't have. */
  private static final int EXPLICIT_0 = 0xa0;

  private JksCertificates() {}

  /**
   * The encoded certificates.
   *
   * @throws IOException if it is another kind of store, or has keys as well
   * @throws BufferUnderflowException if it ends too early
   */
  static List<ByteBuffer> of(byte[] store) throws IOException {
    ByteBuffer rest = ByteBuffer.wrap(store);
    if (rest.getInt() != MAGIC || rest.getInt() != VERSION) {
      throw new IOException("not a key store in the JKS format");
    }
    List<ByteBuffer> certificates = new ArrayList<>();
    for (int count = rest.getInt(); count > 0; count--) {
      if (rest.getInt() != CERTIFICATE) {
        throw new IOException("a key store with more than certificates");
      }
      next(rest, Short.toUnsignedInt(rest.getShort())); // its alias
      rest.getLong(); // its date
      next(rest, Short.toUnsignedInt(rest.getShort())); // its type
      certificates.add(next(rest, rest.getInt()));
    }
    return certificates;
  }

  /**
   * The encoded name of whom a certificate is for.
   *
   * @throws BufferUnderflowException if it isn't a certificate
   */
  static ByteBuffer subject(ByteBuffer certificate) {
    ByteBuffer fields = content(content(certificate.duplicate()));
    if (Byte.toUnsignedInt(fields.get(fields.position())) == EXPLICIT_0) {
      content(fields); // version
    }
    content(fields); // serial number
    content(fields); // algorithm
    content(fields); // issuer
    content(fields); // validity
    int start = fields.position();
    content(fields);
    return fields.slice(start, fields.position() - start);
  }

  /** What is in the element that begins here; moves to the next one. */
  private static ByteBuffer content(ByteBuffer elements) {
    elements.get(); // its type
    int length = Byte.toUnsignedInt(elements.get());
    if (length > 0x7f) {
      int bytes = length - 0x80;
      length = 0;
      for (; bytes > 0; bytes--) {
        length = length << 8 | Byte.toUnsignedInt(elements.get());
      }
    }
    return next(elements, length);
  }

  private static ByteBuffer next(ByteBuffer buffer, int length) {
    if (length < 0 || length > buffer.remaining()) {
      throw new BufferUnderflowException();
    }
    ByteBuffer next = buffer.slice(buffer.position(), length);
    buffer.position(buffer.position() + length);
    return next;
  }
}
