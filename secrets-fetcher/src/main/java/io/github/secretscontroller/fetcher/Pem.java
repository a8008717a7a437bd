package io.github.secretscontroller.fetcher;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One block of a PEM text (https://www.rfc-editor.org/rfc/rfc7468); closing wipes it. */
final class Pem implements AutoCloseable {

  private static final Pattern BLOCK =
      Pattern.compile("-----BEGIN ([A-Z0-9 ]{1,64})-----(.*?)-----END \\1-----", Pattern.DOTALL);
  private static final Pattern HEADERS = Pattern.compile("\\s*(?:[A-Za-z-]+:[^\\n]*\\n)+");

  private final String label;
  private final boolean encrypted;
  private final byte[] der;

  private Pem(String label, boolean encrypted, byte[] der) {
    this.label = label;
    this.encrypted = encrypted;
    this.der = der;
  }

  /** All blocks of a text, in their order. What stands around them is a comment. */
  static List<Pem> blocks(String text) throws Unusable {
    List<Pem> blocks = new ArrayList<>();
    Matcher matcher = BLOCK.matcher(text);
    while (matcher.find()) {
      String body = matcher.group(2);
      Matcher headers = HEADERS.matcher(body);
      boolean encrypted = headers.lookingAt() && headers.group().contains("ENCRYPTED");
      String base64 = headers.lookingAt() ? body.substring(headers.end()) : body;
      try {
        byte[] der = Base64.getDecoder().decode(base64.replaceAll("\\s", ""));
        blocks.add(new Pem(matcher.group(1), encrypted, der));
      } catch (IllegalArgumentException e) {
        throw new Unusable(
            "has a PEM block that can't be decoded; check that its line breaks are line breaks, and"
                + " not the two characters \\n");
      }
    }
    if (blocks.isEmpty() && text.contains("-----BEGIN")) {
      throw new Unusable("has a PEM block that doesn't end; store it whole");
    }
    return blocks;
  }

  /** What it says to be, such as {@code PRIVATE KEY}. */
  String label() {
    return label;
  }

  /** Whether it has the headers of the older encryption. */
  boolean encrypted() {
    return encrypted;
  }

  /** Its bytes, not a copy of them. */
  byte[] revealDer() {
    return der;
  }

  @Override
  public void close() {
    Arrays.fill(der, (byte) 0);
  }

  /** Never the content. */
  @Override
  public String toString() {
    return "Pem[" + der.length + " bytes]";
  }
}
