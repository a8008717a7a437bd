package io.github.secretscontroller.fetcher;

import java.io.PrintStream;

/**
 * What the program tells about itself: one line of text for each event. Takes names, versions and
 * reasons; whoever calls it keeps values out.
 */
final class EventLog {

  private final PrintStream out;

  EventLog(PrintStream out) {
    this.out = out;
  }

  void info(String sentence) {
    out.println("INFO " + oneLine(sentence));
  }

  void error(String sentence) {
    out.println("ERROR " + oneLine(sentence));
  }

  /** A text from outside can't begin a line of its own, nor steer a terminal. */
  static String oneLine(String text) {
    StringBuilder line = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      line.append(Character.isISOControl(c) || c == '\u2028' || c == '\u2029' ? ' ' : c);
    }
    return line.toString();
  }
}
