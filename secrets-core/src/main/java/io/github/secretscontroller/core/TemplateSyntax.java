package io.github.secretscontroller.core;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Looks for what is wrong with a template before there is any value, so that a webhook can say it
 * without the engine that fills templates in: tags and sections, and names that no secret has. What
 * stands in a section over a value isn't looked up, since any key of that value can be meant.
 *
 * <p>It splits a text into tags exactly as the engine does. For one text; not thread-safe.
 */
final class TemplateSyntax {

  /** {@code {{db.port:-5432}}}, as in a shell. */
  private static final String DEFAULT = ":-";

  /** The engine goes down by recursion. */
  private static final int DEEPEST = 100;

  /** Whoever made that many mistakes mends these first; and finding a place takes time. */
  private static final int MOST_TOLD = 10;

  private static final int LONGEST_SHOWN = 60;

  private final String text;
  private final Set<String> names;
  private final Set<String> problems = new LinkedHashSet<>();
  private final Deque<Section> open = new ArrayDeque<>();

  // As the engine does: a text that sets delimiters may have braces that are no tags.
  private final boolean bracesAreTags;
  private String opening = "{{";
  private String closing = "}}";

  private TemplateSyntax(String text, Set<String> names) {
    this.text = text;
    this.names = names;
    this.bracesAreTags = !text.contains("{{=");
  }

  /**
   * A section that isn't closed yet.
   *
   * @param scoped whether names in it can mean what is in a value
   */
  private record Section(int at, char kind, String name, boolean scoped) {}

  /** Ends the search: behind a broken tag there is no telling what is one. */
  private static final class Broken extends Exception {
    private static final long serialVersionUID = 1L;

    Broken(String message) {
      super(message, null, false, false);
    }
  }

  /** What is wrong, a sentence each. */
  static List<String> problems(String text, Set<String> names) {
    TemplateSyntax syntax = new TemplateSyntax(text, names);
    for (String helper : new TreeSet<>(SecretFile.Template.HELPERS)) {
      if (names.contains(helper)) {
        syntax.problems.add(
            "it can't tell the secret \""
                + helper
                + "\" from the helper of that name; rename the secret");
      }
    }
    try {
      syntax.read();
    } catch (Broken e) {
      syntax.problems.add(e.getMessage());
    }
    return List.copyOf(syntax.problems);
  }

  private void read() throws Broken {
    int start = text.indexOf(opening);
    while (start >= 0 && problems.size() < MOST_TOLD) {
      int from = start + opening.length();
      int end = end(from);
      if (end >= 0 && text.startsWith(closing, end)) {
        // In two steps, since the tag may set another opening.
        int next = tag(start, from, end);
        start = text.indexOf(opening, next);
      } else if (bracesAreTags) {
        throw broken(
            start,
            shown(text.substring(start))
                + " is a tag that no }} closes; add it behind the name, or set other delimiters, as"
                + " {{=<% %>=}} does, for braces that are text");
      } else {
        start = end < 0 ? -1 : text.indexOf(opening, end);
      }
    }
    if (start < 0 && !open.isEmpty()) {
      Section section = open.getFirst();
      throw broken(
          section.at(),
          opened(section) + " is never closed; add " + closed(section) + " where it ends");
    }
  }

  /** Where the tag ends, or where the next one starts instead, or -1. */
  private int end(int from) {
    for (int i = from; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == closing.charAt(0)) {
        if (text.startsWith(closing, i)) {
          return i;
        }
      } else if (c == opening.charAt(0) && i > from && text.charAt(from) != '!') {
        return i;
      }
    }
    return -1;
  }

  /** Reads the tag whose text stands from {@code from} to {@code end}; where it goes on. */
  private int tag(int start, int from, int end) throws Broken {
    String body = text.substring(from, end);
    int next = end + closing.length();
    if (body.startsWith("=")) {
      setDelimiters(start, body);
      return next;
    }
    boolean braces = opening.equals("{{") && closing.equals("}}");
    if (braces && body.startsWith("{")) {
      if (!text.startsWith("}", next)) {
        throw broken(start, "{{" + shown(body) + "}} must end with }}}");
      }
      body = "&" + body.substring(1);
      next++;
    }
    String tag = body.trim();
    char kind = tag.isEmpty() ? ' ' : tag.charAt(0);
    if (kind == '!') {
      return next;
    }
    boolean marked = "#^$/&<>".indexOf(kind) >= 0;
    String name = marked ? tag.substring(1).trim() : tag;
    if (name.isEmpty()) {
      throw broken(start, "a tag is empty; write the name of a secret in it");
    }
    if (kind == '<' || kind == '>') {
      throw broken(
          start,
          "it includes another template, "
              + opening
              + shown(tag)
              + closing
              + ", and there are none; write its text here");
    }
    if (tag.indexOf('\n') >= 0 || tag.indexOf('\r') >= 0) {
      throw broken(start, opening + shown(tag) + closing + " must stand on one line");
    }
    switch (kind) {
      case '#', '^', '$' -> open(start, kind, name);
      case '/' -> close(start, name);
      default -> variable(start, name);
    }
    return next;
  }

  private void setDelimiters(int start, String body) throws Broken {
    String[] both = body.substring(1, Math.max(1, body.length() - 1)).split(" ", -1);
    if (both.length != 2 || !isDelimiter(both[0]) || !isDelimiter(both[1])) {
      throw broken(
          start,
          opening
              + shown(body)
              + closing
              + " must name two delimiters of one or two characters, as {{=<% %>=}} does: letters,"
              + " digits or marks of ASCII, but no =");
    }
    opening = both[0];
    closing = both[1];
  }

  /** Mustache allows neither spaces nor "="; and the engine means no character by a NUL. */
  private static boolean isDelimiter(String text) {
    return (text.length() == 1 || text.length() == 2)
        && text.chars().allMatch(c -> c > ' ' && c < 0x7f && c != '=');
  }

  private void open(int start, char kind, String name) throws Broken {
    String path = path(name);
    boolean scoped = isScoped();
    if (kind != '$' && !scoped && !isHelper(path)) {
      requireKnown(start, name);
    }
    boolean scope = kind == '#' && !isHelper(path);
    open.push(new Section(start, kind, name, scoped || scope));
    if (open.size() > DEEPEST) {
      throw broken(start, "sections are nested more than " + DEEPEST + " deep; nest fewer");
    }
  }

  private void close(int start, String name) throws Broken {
    Section section = open.poll();
    if (section == null) {
      throw broken(
          start,
          opening
              + "/"
              + shown(name)
              + closing
              + " closes no section; remove it, or add the start of the section");
    }
    if (!section.name().equals(name)) {
      throw broken(
          start,
          opening
              + "/"
              + shown(name)
              + closing
              + " stands where "
              + closed(section)
              + " must close the section of "
              + place(section.at()));
    }
  }

  private void variable(int start, String name) {
    if (isScoped()) {
      return;
    }
    String path = path(name);
    if (isHelper(path)) {
      problems.add(
          place(start)
              + ": the helper "
              + path
              + " stands without a section; write {{#"
              + path
              + "}}...{{/"
              + path
              + "}}");
    } else {
      requireKnown(start, name);
    }
  }

  private void requireKnown(int start, String name) {
    if (name.equals(".") || name.equals("this")) {
      problems.add(
          place(start)
              + ": "
              + opening
              + name
              + closing
              + " means an element of a list, and stands outside of its section; write the name of a"
              + " secret");
      return;
    }
    int dot = name.indexOf('.');
    String first = dot < 0 ? name : name.substring(0, dot);
    boolean known = names.contains(first) || first.equals("this");
    // Whether it is an element's first, last or which one, is known outside of lists as well.
    boolean special = Set.of("-first", "-last", "-index").contains(name);
    if (known || special || name.contains(DEFAULT)) {
      return;
    }
    problems.add(
        place(start)
            + ": no secret is called \""
            + shown(first)
            + "\" ("
            + (names.isEmpty()
                ? "none has a name"
                : "the names are " + shown(String.join(", ", new TreeSet<>(names))))
            + "); correct it, or give a default as in {{name:-default}}");
  }

  private boolean isScoped() {
    return !open.isEmpty() && open.getFirst().scoped();
  }

  private static boolean isHelper(String path) {
    return SecretFile.Template.HELPERS.contains(path);
  }

  private static String path(String name) {
    int colon = name.indexOf(DEFAULT);
    return colon < 0 ? name : name.substring(0, colon);
  }

  private String opened(Section section) {
    return opening + section.kind() + shown(section.name()) + closing;
  }

  private String closed(Section section) {
    return opening + "/" + shown(section.name()) + closing;
  }

  private Broken broken(int at, String reason) {
    return new Broken(place(at) + ": " + reason);
  }

  private String place(int at) {
    int line = 1;
    int lineStart = 0;
    for (int i = text.indexOf('\n'); i >= 0 && i < at; i = text.indexOf('\n', i + 1)) {
      line++;
      lineStart = i + 1;
    }
    return "line " + line + ", column " + (at - lineStart + 1);
  }

  private static String shown(String part) {
    int line = part.indexOf('\n');
    String first = line < 0 ? part : part.substring(0, line);
    return first.length() <= LONGEST_SHOWN && line < 0
        ? first
        : first.substring(0, Math.min(first.length(), LONGEST_SHOWN)) + "...";
  }
}
