package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import io.github.secretscontroller.core.SecretFile;
import io.github.secretscontroller.core.SecretFile.Formatted;
import io.github.secretscontroller.core.SecretReference;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The {@code objects} of AWS's provider for the Secrets Store CSI Driver, unchanged: each object is
 * a file, and each of its {@code jmesPath} entries is one besides.
 *
 * @see <a href="https://github.com/aws/secrets-store-csi-driver-provider-aws">its description</a>
 */
final class CsiObjects {

  static final String OBJECTS = Annotations.PREFIX + "objects";
  static final String PATH_TRANSLATION = Annotations.PREFIX + "path-translation";

  private static final String SECRETS_MANAGER_TYPE = "secretsmanager";
  private static final String PARAMETER_TYPE = "ssmparameter";

  private static final List<String> FIELDS =
      List.of(
          "objectName",
          "objectType",
          "objectAlias",
          "objectVersion",
          "objectVersionLabel",
          "filePermission",
          "jmesPath",
          "failoverObject");
  private static final List<String> PATH_FIELDS = List.of("path", "objectAlias", "filePermission");
  private static final List<String> FAILOVER_FIELDS =
      List.of("objectName", "objectVersion", "objectVersionLabel");

  private final PodWide podWide;
  private final @Nullable String translation;
  private final int fileMode;
  private final RequestDraft draft;
  private final Findings findings;
  private final AnnotationValues values;

  private CsiObjects(
      PodWide podWide,
      @Nullable String translation,
      int fileMode,
      RequestDraft draft,
      Findings findings) {
    this.podWide = podWide;
    this.translation = translation;
    this.fileMode = fileMode;
    this.draft = draft;
    this.findings = findings;
    this.values = new AnnotationValues(findings);
  }

  /** Adds what they ask for. */
  static void read(
      Map<String, String> ours,
      PodWide podWide,
      int fileMode,
      RequestDraft draft,
      Findings findings) {
    String text = ours.get(OBJECTS);
    if (text == null) {
      return;
    }
    String translation = translation(ours.getOrDefault(PATH_TRANSLATION, ""), findings);
    new CsiObjects(podWide, translation, fileMode, draft, findings).read(text);
  }

  /** What takes the place of each slash in a file's name; {@code null} for the slash itself. */
  private static @Nullable String translation(String value, Findings findings) {
    if (value.equalsIgnoreCase("false")) {
      return null;
    }
    if (value.isEmpty()) {
      return "_";
    }
    if (value.length() != 1 || value.equals("/")) {
      findings.problem(
          PATH_TRANSLATION, value, "it must be one character that replaces each /, or False");
      return "_";
    }
    return value;
  }

  private void read(String text) {
    JsonNode tree = values.checked(OBJECTS, text, "", () -> ObjectsYaml.read(text)).orElse(null);
    if (tree == null) {
      return;
    }
    if (!tree.isArray() || tree.isEmpty()) {
      findings.problem(
          OBJECTS,
          text,
          "it must be a YAML list of objects, each beginning with \"- objectName:\"");
      return;
    }
    int number = 1;
    for (JsonNode object : tree) {
      readObject(OBJECTS + ", object " + number, object);
      number++;
    }
  }

  private void readObject(String where, JsonNode object) {
    Fields fields = fields(where, object, FIELDS);
    String name = fields.text("objectName");
    if (name.isEmpty()) {
      findings.problem(
          where + ", objectName", name, "it must be the name or the ARN of a secret or parameter");
      return;
    }
    SecretReference secret = reference(fields, name, fields.text("objectType"));
    SecretReference failover = failover(fields, secret);
    int mode = mode(fields, fileMode);
    String alias = fields.text("objectAlias");
    addFile(
        alias.isEmpty() ? where + ", objectName" : where + ", objectAlias",
        alias.isEmpty() ? name : alias,
        secret,
        failover,
        mode);
    readPaths(where, fields, secret, failover, mode);
  }

  private void readPaths(
      String where,
      Fields object,
      SecretReference secret,
      @Nullable SecretReference failover,
      int mode) {
    JsonNode paths = object.node("jmesPath");
    if (paths.isNull()) {
      return;
    }
    if (!paths.isArray()) {
      findings.problem(
          where + ", jmesPath", paths.toString(), "it must be a list of path and objectAlias");
      return;
    }
    int number = 1;
    for (JsonNode entry : paths) {
      String whereEntry = where + ", jmesPath " + number;
      Fields fields = fields(whereEntry, entry, PATH_FIELDS);
      String path = fields.text("path");
      String alias = fields.text("objectAlias");
      boolean valid = values.isSelector(whereEntry + ", path", path, path);
      if (alias.isEmpty()) {
        findings.problem(whereEntry + ", objectAlias", alias, "it must be the name of a file");
      } else {
        String selector = valid ? path : null;
        addFile(
            whereEntry + ", objectAlias",
            alias,
            secret.withSelector(selector),
            failover == null ? null : failover.withSelector(selector),
            mode(fields, mode));
      }
      number++;
    }
  }

  private SecretReference reference(Fields fields, String name, String type) {
    String whereName = fields.where() + ", objectName";
    boolean isArn = name.startsWith("arn:");
    String scheme = SecretReference.SECRETS_MANAGER;
    if (type.equals(PARAMETER_TYPE)) {
      scheme = SecretReference.PARAMETER_STORE;
    } else if (type.isEmpty() && isArn) {
      scheme = name.contains(":ssm:") ? SecretReference.PARAMETER_STORE : scheme;
    } else if (!type.equals(SECRETS_MANAGER_TYPE)) {
      findings.problem(
          fields.where() + ", objectType",
          type,
          "it must be " + SECRETS_MANAGER_TYPE + " or " + PARAMETER_TYPE);
      return AnnotationValues.ANY;
    }
    String theScheme = scheme;
    String version = fields.text("objectVersion");
    String label = fields.text("objectVersionLabel");
    if (!version.isEmpty() && !label.isEmpty() && scheme.equals(SecretReference.PARAMETER_STORE)) {
      findings.problem(
          fields.where() + ", objectVersionLabel",
          label,
          "a parameter has a version or a label, not both; remove one");
      return AnnotationValues.ANY;
    }
    return values
        .checked(
            whereName,
            name,
            "; give the name or the ARN as AWS shows it",
            () ->
                new SecretReference(
                    theScheme,
                    name,
                    label.isEmpty() ? null : label,
                    version.isEmpty() ? null : version,
                    null))
        .orElse(AnnotationValues.ANY);
  }

  private @Nullable SecretReference failover(Fields object, SecretReference secret) {
    JsonNode node = object.node("failoverObject");
    if (node.isNull()) {
      return null;
    }
    Fields fields = fields(object.where() + ", failoverObject", node, FAILOVER_FIELDS);
    String whereName = fields.where() + ", objectName";
    String name = fields.text("objectName");
    String region = podWide.failoverRegion();
    if (name.isEmpty()) {
      findings.problem(whereName, name, "it must be what is read in the failover region");
      return null;
    }
    if (region == null) {
      findings.problem(
          whereName, name, "it needs a region to be read in; set " + PodWide.FAILOVER_REGION);
    }
    if (object.text("objectAlias").isEmpty()) {
      findings.problem(
          whereName,
          name,
          "with a failover the file needs a name of its own; set the object's objectAlias");
    }
    String version = fields.text("objectVersion");
    if (!version.equals(object.text("objectVersion"))) {
      findings.problem(
          fields.where() + ", objectVersion", version, "it must be the same as the object's own");
    }
    SecretReference failover = reference(fields, name, object.text("objectType"));
    failover
        .region()
        .filter(own -> region != null && !own.equals(region))
        .ifPresent(
            own ->
                findings.problem(
                    whereName,
                    name,
                    "its region isn't the one of " + PodWide.FAILOVER_REGION + ", " + region));
    if (failover.versionStage() == null && secret.versionStage() != null) {
      return failover.withVersionStage(secret.versionStage());
    }
    return failover;
  }

  private int mode(Fields fields, int otherwise) {
    String text = fields.text("filePermission");
    return text.isEmpty()
        ? otherwise
        : values.mode(fields.where() + ", filePermission", text).orElse(otherwise);
  }

  private void addFile(
      String where,
      String name,
      SecretReference secret,
      @Nullable SecretReference failover,
      int mode) {
    String path = translation == null ? withoutSlash(name) : name.replace("/", translation);
    Optional<SecretFile> file =
        values.file(
            where,
            name,
            () -> new SecretFile(null, secret, failover, path, Formatted.RAW, mode, false));
    file.ifPresent(added -> draft.addFile(where, name, added));
  }

  private static String withoutSlash(String name) {
    int start = 0;
    while (start < name.length() && name.charAt(start) == '/') {
      start++;
    }
    return name.substring(start);
  }

  /** The known fields of a YAML mapping; that provider reads names in any case, so this does. */
  private Fields fields(String where, JsonNode node, List<String> known) {
    Map<String, JsonNode> byName = new LinkedHashMap<>();
    if (!node.isObject()) {
      findings.problem(where, node.asText(), "it must have the fields " + String.join(", ", known));
    }
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      Optional<String> name =
          known.stream().filter(candidate -> candidate.equalsIgnoreCase(field.getKey())).findAny();
      if (name.isPresent()) {
        byName.put(name.get(), field.getValue());
      } else {
        findings.warn(
            "annotation "
                + where
                + ": the field "
                + Findings.quoted(field.getKey())
                + " is unknown and ignored"
                + NearMiss.of(field.getKey(), known)
                    .map(meant -> "; did you mean " + meant + "?")
                    .orElse(""));
      }
    }
    return new Fields(where, byName, findings);
  }

  /** Fields by their names, each of which may be missing. */
  private record Fields(String where, Map<String, JsonNode> byName, Findings findings) {

    JsonNode node(String name) {
      JsonNode node = byName.get(name);
      return node == null ? NullNode.instance : node;
    }

    String text(String name) {
      JsonNode node = node(name);
      if (node.isContainerNode()) {
        findings.problem(where + ", " + name, node.toString(), "it must be a single text");
      }
      return node.isTextual() ? node.textValue() : "";
    }
  }
}
