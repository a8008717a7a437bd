package io.github.secretscontroller.core;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The grammar of {@link SecretReference}: parsing, printing, and the rules for each part. */
final class ReferenceText {

  // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html (Name),
  // https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
  // (SecretId up to 2048 characters, VersionId 32 to 64, VersionStage up to 256).
  private static final int MAX_NAME = 512;
  private static final int MAX_ARN = 2048;
  private static final int MAX_STAGE = 256;
  private static final int MAX_VERSION_ID = 256;
  private static final String NAME_PUNCTUATION = "/_+=.@-";
  private static final String PARAMETER_PUNCTUATION = "/_.-";

  private static final Pattern SCHEME = Pattern.compile("[a-z][a-z0-9-]*");
  private static final Pattern PARTITION = Pattern.compile("aws(-[a-z]+)*");
  private static final Pattern REGION = Pattern.compile("[a-z]+(-[a-z]+)+-[0-9]+");
  private static final Pattern ACCOUNT = Pattern.compile("[0-9]{12}");

  private ReferenceText() {}

  static SecretReference parse(String text) {
    if (text.isEmpty()) {
      throw invalid(text, 1, "it is empty; give an ARN, a name, or scheme:id");
    }
    int hash = text.indexOf('#');
    String selector = hash < 0 ? null : text.substring(hash + 1);
    String beforeSelector = hash < 0 ? text : text.substring(0, hash);
    if (selector != null && selector.isEmpty()) {
      throw invalid(text, hash + 1, "nothing follows '#'; name the part, or leave the '#' out");
    }
    int question = beforeSelector.indexOf('?');
    String target = question < 0 ? beforeSelector : beforeSelector.substring(0, question);
    String stage = null;
    String version = null;
    if (question >= 0) {
      int position = question + 1;
      for (String parameter : beforeSelector.substring(question + 1).split("&", -1)) {
        int equals = parameter.indexOf('=');
        String key = equals < 0 ? parameter : parameter.substring(0, equals);
        String value = equals < 0 ? "" : decode(text, position, parameter.substring(equals + 1));
        if (key.equals("stage") && stage == null) {
          stage = value;
        } else if (key.equals("version") && version == null) {
          version = value;
        } else {
          throw invalid(
              text, position + 1, "expected stage=... or version=..., each at most once, behind ?");
        }
        position += parameter.length() + 1;
      }
    }
    String scheme;
    String id;
    if (target.startsWith("arn:")) {
      scheme = arnScheme(target);
      id = target;
    } else {
      int colon = target.indexOf(':');
      scheme = colon < 0 ? SecretReference.SECRETS_MANAGER : target.substring(0, colon);
      id = target.substring(colon + 1);
    }
    return new SecretReference(scheme, id, stage, version, selector);
  }

  static String print(SecretReference reference) {
    StringBuilder text = new StringBuilder();
    if (!reference.isArn() && !reference.scheme().equals(SecretReference.SECRETS_MANAGER)) {
      text.append(reference.scheme()).append(':');
    }
    text.append(reference.id());
    char separator = '?';
    if (reference.versionStage() != null) {
      text.append(separator).append("stage=").append(encode(reference.versionStage()));
      separator = '&';
    }
    if (reference.versionId() != null) {
      text.append(separator).append("version=").append(encode(reference.versionId()));
    }
    if (reference.selector() != null) {
      text.append('#').append(reference.selector());
    }
    return text.toString();
  }

  /**
   * What is read for a reference, whatever it selects of it: two that are equal here share a read.
   * No stage and {@code AWSCURRENT} mean the same.
   */
  static SecretReference whole(SecretReference reference) {
    boolean current =
        "AWSCURRENT".equals(reference.versionStage()) && reference.versionId() == null;
    if (reference.selector() == null && !current) {
      return reference;
    }
    SecretReference whole = reference.withSelector(null);
    return current ? whole.withVersionStage(null) : whole;
  }

  /** The six fields of an ARN; the last one, the resource, may contain colons. */
  static String[] arnFields(String arn) {
    return arn.split(":", 6);
  }

  static void check(
      String scheme,
      String id,
      @Nullable String versionStage,
      @Nullable String versionId,
      @Nullable String selector) {
    if (id.startsWith("arn:")) {
      checkArn(scheme, id);
    } else {
      checkScheme(scheme, id);
      checkId(scheme, id);
    }
    checkOptional("version stage", versionStage, MAX_STAGE);
    checkOptional("version id", versionId, MAX_VERSION_ID);
    if (selector != null && selector.isEmpty()) {
      throw new IllegalArgumentException("the selector is empty; use null for the whole value");
    }
  }

  private static void checkScheme(String scheme, String id) {
    if (!SCHEME.matcher(scheme).matches()) {
      throw invalid(
          scheme + ":" + id,
          1,
          "the scheme before ':' must be a lower-case letter followed by lower-case letters, digits"
              + " or hyphens");
    }
  }

  private static void checkId(String scheme, String id) {
    int offset = scheme.equals(SecretReference.SECRETS_MANAGER) ? 0 : scheme.length() + 1;
    String whole = offset == 0 ? id : scheme + ":" + id;
    if (id.isEmpty()) {
      throw invalid(whole, offset + 1, "nothing follows the scheme");
    }
    switch (scheme) {
      case SecretReference.SECRETS_MANAGER ->
          checkName(whole, offset, id, NAME_PUNCTUATION, "a secret's name", MAX_NAME);
      case SecretReference.PARAMETER_STORE ->
          checkName(whole, offset, id, PARAMETER_PUNCTUATION, "a parameter's name", MAX_ARN);
      case SecretReference.KMS ->
          checkName(whole, offset, id, "-_", "a sealed value (base64url)", Integer.MAX_VALUE);
      default -> {
        for (int i = 0; i < id.length(); i++) {
          char c = id.charAt(i);
          if (c <= ' ' || c >= 0x7f || c == '?' || c == '#') {
            throw invalid(
                whole,
                offset + i + 1,
                show(c)
                    + " isn't allowed in an id; allowed are printable ASCII characters without"
                    + " space, ? and #");
          }
        }
      }
    }
  }

  private static String arnScheme(String arn) {
    String[] fields = arnFields(arn);
    return fields.length > 2 ? fields[2] : "";
  }

  private static void checkArn(String scheme, String arn) {
    if (arn.length() > MAX_ARN) {
      throw invalid(arn, MAX_ARN + 1, "an ARN has at most " + MAX_ARN + " characters");
    }
    String[] fields = arnFields(arn);
    if (fields.length < 6) {
      throw invalid(
          arn,
          arn.length() + 1,
          "the ARN ends too early; it has the form"
              + " arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME");
    }
    int position = "arn:".length() + 1;
    if (!PARTITION.matcher(fields[1]).matches()) {
      throw invalid(arn, position, "the partition must be aws, aws-cn, aws-us-gov or aws-iso...");
    }
    position += fields[1].length() + 1;
    String service = fields[2];
    boolean secret = service.equals(SecretReference.SECRETS_MANAGER);
    boolean parameter = service.equals(SecretReference.PARAMETER_STORE);
    if (!secret && !parameter) {
      throw invalid(
          arn,
          position,
          "the service must be secretsmanager or ssm, which hold secrets, not \"" + service + "\"");
    }
    if (!service.equals(scheme)) {
      throw invalid(arn, position, "the ARN's service isn't the scheme \"" + scheme + "\"");
    }
    position += service.length() + 1;
    if (!REGION.matcher(fields[3]).matches()) {
      throw invalid(arn, position, "the region must look like us-east-1");
    }
    position += fields[3].length() + 1;
    if (!ACCOUNT.matcher(fields[4]).matches()) {
      throw invalid(arn, position, "the account must have twelve digits");
    }
    position += fields[4].length() + 1;
    String prefix = secret ? "secret:" : "parameter/";
    if (!fields[5].startsWith(prefix) || fields[5].length() == prefix.length()) {
      throw invalid(arn, position, "the resource must be " + prefix + "NAME");
    }
    String name = fields[5].substring(prefix.length());
    checkName(
        arn,
        position + prefix.length() - 1,
        name,
        secret ? NAME_PUNCTUATION : PARAMETER_PUNCTUATION,
        secret ? "a secret's name" : "a parameter's name",
        MAX_ARN);
  }

  private static void checkName(
      String text, int offset, String name, String punctuation, String what, int longest) {
    for (int i = 0; i < name.length(); i++) {
      char c = name.charAt(i);
      boolean alphanumeric =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!alphanumeric && punctuation.indexOf(c) < 0) {
        throw invalid(
            text,
            offset + i + 1,
            show(c)
                + " isn't allowed in "
                + what
                + "; allowed are letters, digits and "
                + punctuation
                + (c == ':'
                    ? " (a part of a JSON value is named with #, a stage with ?stage=)"
                    : ""));
      }
    }
    if (name.length() > longest) {
      throw invalid(
          text,
          offset + longest + 1,
          what + " has at most " + longest + " characters, this one has " + name.length());
    }
  }

  private static void checkOptional(String what, @Nullable String value, int longest) {
    if (value != null && (value.isEmpty() || value.length() > longest)) {
      throw new IllegalArgumentException(
          "the " + what + " must have 1 to " + longest + " characters, not " + value.length());
    }
  }

  private static String encode(String value) {
    StringBuilder text = new StringBuilder();
    for (byte b : value.getBytes(StandardCharsets.UTF_8)) {
      boolean plain = b > ' ' && b < 0x7f && b != '%' && b != '&' && b != '#' && b != '?';
      if (plain) {
        text.append((char) b);
      } else {
        text.append('%')
            .append(Character.toUpperCase(Character.forDigit((b >> 4) & 0xf, 16)))
            .append(Character.toUpperCase(Character.forDigit(b & 0xf, 16)));
      }
    }
    return text.toString();
  }

  private static String decode(String text, int position, String value) {
    byte[] raw = value.getBytes(StandardCharsets.UTF_8);
    byte[] bytes = new byte[raw.length];
    int length = 0;
    for (int i = 0; i < raw.length; i++) {
      if (raw[i] == '%') {
        int high = i + 2 < raw.length ? Character.digit(raw[i + 1], 16) : -1;
        int low = i + 2 < raw.length ? Character.digit(raw[i + 2], 16) : -1;
        if (high < 0 || low < 0) {
          throw invalid(text, position + 1, "'%' must be followed by two hexadecimal digits");
        }
        bytes[length++] = (byte) (high << 4 | low);
        i += 2;
      } else {
        bytes[length++] = raw[i];
      }
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  private static String show(char c) {
    if (c == ' ') {
      return "a space";
    }
    return c < ' ' || c >= 0x7f ? String.format("the character U+%04X", (int) c) : "'" + c + "'";
  }

  private static IllegalArgumentException invalid(String text, int position, String reason) {
    String shown = text.length() <= 200 ? text : text.substring(0, 200) + "...";
    return new IllegalArgumentException(
        "not a secret reference: \"" + shown + "\", at character " + position + ": " + reason);
  }
}
