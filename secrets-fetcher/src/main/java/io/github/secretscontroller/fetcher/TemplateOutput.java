package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.fetcher.SecretTemplate.TemplateProblem;
import java.io.Writer;

/** Where a template writes its text; bounded, because sections in sections multiply. */
final class TemplateOutput extends Writer {

  /** As much as Kubernetes lets a Secret or ConfigMap have. */
  static final int MAX_BYTES = 1024 * 1024;

  private final SecretBuffer out;
  private final StringBuilder half = new StringBuilder();

  TemplateOutput(SecretBuffer out) {
    this.out = out;
  }

  @Override
  public void write(char[] text, int offset, int length) {
    append(new String(text, offset, length));
  }

  @Override
  public void write(String text, int offset, int length) {
    append(text.substring(offset, offset + length));
  }

  @Override
  public Writer append(CharSequence text) {
    if (text.isEmpty()) {
      return this;
    }
    // Two halves of a surrogate pair may come one by one.
    CharSequence whole = half.isEmpty() ? text : half.append(text).toString();
    half.setLength(0);
    int end = whole.length();
    if (Character.isHighSurrogate(whole.charAt(end - 1))) {
      half.append(whole.charAt(--end));
    }
    return add(whole.subSequence(0, end));
  }

  private Writer add(CharSequence text) {
    try {
      out.text(text);
    } catch (Unusable e) {
      throw new TemplateProblem("what it is filled with " + e.reason());
    }
    if (out.size() > MAX_BYTES) {
      throw new TemplateProblem("it grows beyond " + MAX_BYTES + " bytes; make it smaller");
    }
    return this;
  }

  /** The end of the text. */
  void finish() {
    add(half);
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
