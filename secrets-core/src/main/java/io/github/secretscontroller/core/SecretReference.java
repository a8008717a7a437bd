package io.github.secretscontroller.core;

import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Where a secret value lives: a backend, an id within it, which version, and optionally which part
 * of a JSON value. Holds no secret.
 *
 * <p>The text form, which {@link #parse} reads and {@link #toString} prints, is
 *
 * <pre>{@code
 * id [?stage=STAGE][&version=VERSION-ID] [#selector]
 *
 * arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-hlRvvF
 * arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db          (no random suffix)
 * prod/db                                                               (a name)
 * prod/db?stage=AWSPREVIOUS#credentials.password
 * arn:aws:ssm:eu-west-1:123456789012:parameter/prod/db
 * ssm:/prod/db
 * kms:AQ...                                                             (a sealed value, base64url)
 * vault:kv/prod/db                                                      (a backend of your own)
 * }</pre>
 *
 * <p>An ARN with and one without the random suffix of six characters can't be told apart by their
 * syntax, since a name may end in a hyphen and six characters too; both are kept as they are given.
 *
 * @param scheme which backend: {@link #SECRETS_MANAGER}, {@link #PARAMETER_STORE}, {@link #KMS}, or
 *     the scheme of a backend of your own; never empty
 * @param id the ARN or name, or what stands behind {@code scheme:} for other schemes; never empty
 * @param versionStage a staging label such as {@code AWSPREVIOUS}; {@code null} means the backend's
 *     current version ({@code AWSCURRENT})
 * @param versionId the unique id of one version, or {@code null}
 * @param selector text that selects a part of a JSON value (JMESPath where the fetcher reads it);
 *     opaque here, and ignored by sources; {@code null} means the whole value
 */
public record SecretReference(
    String scheme,
    String id,
    @Nullable String versionStage,
    @Nullable String versionId,
    @Nullable String selector) {

  /** Scheme of AWS Secrets Manager, and of a text that is a plain name. */
  public static final String SECRETS_MANAGER = "secretsmanager";

  /** Scheme of AWS Systems Manager Parameter Store. */
  public static final String PARAMETER_STORE = "ssm";

  /** Scheme of a value that is sealed by KMS envelope encryption and stands in the id itself. */
  public static final String KMS = "kms";

  /** An id longer than this is shortened in messages; a {@code kms:} id can have kilobytes. */
  private static final int LONGEST_SHOWN = 160;

  /** Checks the parts as {@link #parse} does; throws {@link IllegalArgumentException}. */
  public SecretReference {
    Objects.requireNonNull(scheme, "scheme");
    Objects.requireNonNull(id, "id");
    ReferenceText.check(scheme, id, versionStage, versionId, selector);
  }

  /**
   * Reads the text form.
   *
   * @throws IllegalArgumentException if {@code text} is no reference; the message tells the
   *     position (counted from 1), the reason and what is allowed
   */
  public static SecretReference parse(String text) {
    return ReferenceText.parse(text);
  }

  /** The same secret at the given staging label, whatever version this reference named. */
  public SecretReference withVersionStage(@Nullable String stage) {
    return new SecretReference(scheme, id, stage, versionId, selector);
  }

  /** The same secret at exactly this version. */
  public SecretReference withVersionId(@Nullable String version) {
    return new SecretReference(scheme, id, versionStage, version, selector);
  }

  /** The same secret and version with another selector; {@code null} means the whole value. */
  public SecretReference withSelector(@Nullable String newSelector) {
    return Objects.equals(selector, newSelector)
        ? this
        : new SecretReference(scheme, id, versionStage, versionId, newSelector);
  }

  /**
   * What is read for this reference, whatever it selects of it: two that are equal here share a
   * read. No stage and {@code AWSCURRENT} mean the same.
   */
  public SecretReference whole() {
    return ReferenceText.whole(this);
  }

  /** The same secret in another region; a name, which tells no region, stays as it is. */
  public SecretReference inRegion(String region) {
    if (!isArn()) {
      return this;
    }
    String[] fields = ReferenceText.arnFields(id);
    fields[3] = region;
    return new SecretReference(scheme, String.join(":", fields), versionStage, versionId, selector);
  }

  /** Whether the id is an ARN, which names its region and account. */
  public boolean isArn() {
    return id.startsWith("arn:");
  }

  /** The partition ({@code aws}, {@code aws-cn}, ...) if the id is an ARN. */
  public Optional<String> partition() {
    return arnField(1);
  }

  /** The region if the id is an ARN. */
  public Optional<String> region() {
    return arnField(3);
  }

  /** The account's twelve digits if the id is an ARN. */
  public Optional<String> accountId() {
    return arnField(4);
  }

  /**
   * The secret's name. For an ARN of Secrets Manager it is what stands behind {@code secret:}, the
   * random suffix, if there is one, included; for a parameter's ARN it is the parameter's name.
   */
  public String name() {
    if (!isArn()) {
      return id;
    }
    String resource = ReferenceText.arnFields(id)[5];
    if (scheme.equals(PARAMETER_STORE)) {
      // AWS joins "parameter" and the name with a slash unless the name brings its own, so
      // parameter/a is the name "a", while parameter/a/b is the name "/a/b".
      String path = resource.substring("parameter".length());
      return path.indexOf('/', 1) > 0 ? path : path.substring(1);
    }
    return resource.substring("secret:".length());
  }

  private Optional<String> arnField(int index) {
    return isArn() ? Optional.of(ReferenceText.arnFields(id)[index]) : Optional.empty();
  }

  /**
   * A form for messages and logs: as {@link #toString}, but a very long id is shortened.
   *
   * @return at most about 200 characters and the selector
   */
  public String describe() {
    String text = ReferenceText.print(this);
    return text.length() <= LONGEST_SHOWN
        ? text
        : text.substring(0, LONGEST_SHOWN) + "... (" + text.length() + " characters)";
  }

  /** Written out, like {@link #hashCode}: a record's own are made at run time, at each start. */
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SecretReference that
        && scheme.equals(that.scheme)
        && id.equals(that.id)
        && Objects.equals(versionStage, that.versionStage)
        && Objects.equals(versionId, that.versionId)
        && Objects.equals(selector, that.selector);
  }

  @Override
  public int hashCode() {
    int hash = 31 * scheme.hashCode() + id.hashCode();
    hash = 31 * hash + Objects.hashCode(versionStage);
    hash = 31 * hash + Objects.hashCode(versionId);
    return 31 * hash + Objects.hashCode(selector);
  }

  /** The canonical text form; {@link #parse} of it equals this reference. */
  @Override
  public String toString() {
    return ReferenceText.print(this);
  }
}
