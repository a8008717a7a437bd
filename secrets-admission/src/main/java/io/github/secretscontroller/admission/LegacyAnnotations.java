package io.github.secretscontroller.admission;

import io.github.secretscontroller.admission.InjectionRequest.AppMount;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretReference;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The annotations of the original injector: {@code secret-arn} with one secret, or with the list of
 * its never-merged multi-secret dialect.
 */
final class LegacyAnnotations {

  static final String SECRET_ARN = Annotations.PREFIX + "secret-arn";
  static final String SECRET_FILENAME = Annotations.PREFIX + "secret-filename";

  /** Ours: which dialect a single ARN without a path is written in. */
  static final String LAYOUT = Annotations.PREFIX + "layout";

  /** The keys that say more about {@link #SECRET_ARN}. */
  static final List<String> DETAILS = List.of(SECRET_FILENAME, LAYOUT);

  private static final String SINGLE = "single-secret";
  private static final String MULTI = "multi-secret";

  private static final String FILE = "secret";
  private static final String MULTI_DIRECTORY = "/secrets/";

  private final Map<String, String> ours;
  private final int fileMode;
  private final RequestDraft draft;
  private final Findings findings;
  private final AnnotationValues values;

  private LegacyAnnotations(
      Map<String, String> ours, int fileMode, RequestDraft draft, Findings findings) {
    this.ours = ours;
    this.fileMode = fileMode;
    this.draft = draft;
    this.findings = findings;
    this.values = new AnnotationValues(findings);
  }

  /** Adds what they ask for; whether the secret goes to the volume's mount, as one file of it. */
  static boolean read(
      Map<String, String> ours, int fileMode, RequestDraft draft, Findings findings) {
    return new LegacyAnnotations(ours, fileMode, draft, findings).read();
  }

  private boolean read() {
    String secretArn = ours.get(SECRET_ARN);
    if (secretArn == null) {
      return false;
    }
    if (isMultiSecret(secretArn)) {
      readMultiSecret(secretArn);
      return false;
    }
    readSingleSecret(secretArn);
    return true;
  }

  private boolean isMultiSecret(String secretArn) {
    boolean written = secretArn.indexOf(',') >= 0 || pathStart(secretArn) >= 0;
    String layout = ours.get(LAYOUT);
    if (layout == null) {
      return written;
    }
    if (!layout.equals(SINGLE) && !layout.equals(MULTI)) {
      findings.problem(LAYOUT, layout, "it must be " + SINGLE + " or " + MULTI);
    } else if (written && layout.equals(SINGLE)) {
      findings.problem(
          LAYOUT,
          layout,
          SECRET_ARN
              + " lists several secrets or a path, which is the layout "
              + MULTI
              + "; remove this annotation");
    }
    return written || layout.equals(MULTI);
  }

  /** One secret, one file, in the layout of the original injector. */
  private void readSingleSecret(String text) {
    SecretReference secret = values.reference(SECRET_ARN, text, text).orElse(AnnotationValues.ANY);
    String filename = ours.get(SECRET_FILENAME);
    String subject = filename == null ? SECRET_ARN : SECRET_FILENAME;
    String value = filename == null ? text : filename;
    addFile(subject, value, secret, pathOf(filename == null ? "" : filename));
  }

  private Optional<SecretFile> addFile(
      String subject, String value, SecretReference secret, String path) {
    Optional<SecretFile> file =
        values.file(subject, value, () -> SecretFile.of(secret, path).withMode(fileMode));
    file.ifPresent(added -> draft.addFile(subject, value, added));
    return file;
  }

  /**
   * The original's meaning, without its escapes: a leading slash is the volume's root, and a
   * directory gets a file named {@code secret}. {@code x/b} used to become {@code /tmpx/b}, outside
   * of the volume; it is {@code /tmp/x/b} here.
   */
  private static String pathOf(String filename) {
    String path = relative(filename);
    return path.isEmpty() || path.endsWith("/") ? path + FILE : path;
  }

  /** Where {@code :/path} starts behind a secret's name; a scheme's own colon is none. */
  private static int pathStart(String entry) {
    String parameterStore = SecretReference.PARAMETER_STORE + ":";
    return entry.indexOf(":/", entry.startsWith(parameterStore) ? parameterStore.length() : 0);
  }

  /** {@code ARN[:/path],...}: each secret a file, mounted for itself at its path. */
  private void readMultiSecret(String text) {
    if (ours.containsKey(SECRET_FILENAME)) {
      findings.warn(
          SECRET_FILENAME
              + " is ignored, since "
              + SECRET_ARN
              + " has the layout "
              + MULTI
              + "; write the path behind each ARN, as in ARN:/path");
    }
    for (String element : values.list(SECRET_ARN, text)) {
      int colon = pathStart(element);
      Optional<SecretReference> secret =
          values.reference(SECRET_ARN, text, colon < 0 ? element : element.substring(0, colon));
      if (secret.isPresent()) {
        String path =
            colon < 0
                ? MULTI_DIRECTORY + relative(secret.get().name())
                : element.substring(colon + 1);
        MountPath.problem(path).ifPresent(reason -> findings.problem(SECRET_ARN, text, reason));
        addFile(SECRET_ARN, text, secret.get(), relative(path))
            .ifPresent(file -> draft.addMount(new AppMount(SECRET_ARN, path, file.path(), true)));
      }
    }
  }

  private static String relative(String path) {
    return path.startsWith("/") ? path.substring(1) : path;
  }
}
