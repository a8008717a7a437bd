package io.github.secretscontroller.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.SecretReference;
import io.github.secretscontroller.core.WriteContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Sorts the keys of a Secret: which have values to be written, and which have references.
 *
 * <p>A reference is kept if the stored object has it at that key, or if the backend says that it
 * was written for this very object. Any other would be a way round the policy that says which
 * secrets a namespace may read, and is refused.
 */
final class NativeKeys {

  private static final Pattern KEY = Pattern.compile("[-._a-zA-Z0-9]{1,253}");
  private static final Pattern VERSION =
      Pattern.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");

  /** The longest text that is looked at: a sealed value of the largest size. */
  private static final int LONGEST_REFERENCE = 64 * 1024;

  private final NativeSecretsConfig config;
  private final NativeBackend backend;
  private final NativeNames names;

  NativeKeys(NativeSecretsConfig config, NativeBackend backend, NativeNames names) {
    this.config = config;
    this.backend = backend;
    this.names = names;
  }

  /** Which keys are intercepted; the others stay as they are. */
  Predicate<String> handled() {
    return config.handled();
  }

  /** Moves {@code stringData} to {@code data}, as the API server does before it calls a webhook. */
  static void merge(ObjectNode secret) {
    JsonNode strings = secret.path("stringData");
    if (strings instanceof ObjectNode object && !object.isEmpty()) {
      ObjectNode data =
          secret.path("data") instanceof ObjectNode present ? present : secret.putObject("data");
      object
          .properties()
          .forEach(
              entry -> data.put(entry.getKey(), ManifestCopies.base64(entry.getValue().asText())));
    }
    secret.remove("stringData");
  }

  /**
   * Sorts the keys of {@code secret}, whose {@code stringData} is merged.
   *
   * @throws NativeRefusal with all that is wrong with them
   */
  NativeContents sort(ObjectNode secret, SecretReview review, WriteContext owner) {
    Optional<NativeRecord> stored = NativeRecord.read(review.old(), handled());
    Optional<NativeRecord> claimed = NativeRecord.read(secret, handled());
    SortedMap<String, byte[]> plain = new TreeMap<>();
    SortedMap<String, SecretReference> kept = new TreeMap<>();
    List<String> problems = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : secret.path("data").properties()) {
      String key = entry.getKey();
      if (!handled().test(key)) {
        continue;
      }
      byte[] value = decode(key, entry.getValue(), problems);
      requireNoAnswer(key, value, review, problems);
      SecretReference same = unchanged(key, entry.getValue(), review, stored);
      if (same != null && stored.isPresent() && stored.get().tracking().contains(key)) {
        same = again(key, same, owner, claimed);
      }
      SecretReference other = same == null ? reference(key, value, owner, claimed) : null;
      if (same != null) {
        kept.put(key, same);
      } else if (other == null) {
        plain.put(key, value);
      } else if (backend.owns(other, owner)) {
        restore(other, owner, review);
        kept.put(key, other);
      } else {
        problems.add(
            "its key "
                + key
                + " has the reference "
                + other.describe()
                + ", which the backend doesn't know as written for this Secret of cluster "
                + owner.cluster()
                + "; give the value itself");
      }
    }
    NativeContents contents = new NativeContents(plain, kept, stored.orElse(null));
    if (!problems.isEmpty()) {
      contents.close();
      throw new NativeRefusal(String.join("; ", problems));
    }
    return contents;
  }

  private static byte[] decode(String key, JsonNode value, List<String> problems) {
    if (!KEY.matcher(key).matches()) {
      problems.add(
          "its key \""
              + key
              + "\" is no name for one: write 1 to 253 letters, digits, hyphens, underscores or"
              + " dots");
    }
    try {
      return Base64.getDecoder().decode(value.isNull() ? "" : value.asText());
    } catch (IllegalArgumentException e) {
      problems.add("its key " + key + " is not valid base64; use stringData for plain text");
      return new byte[0];
    }
  }

  /** What we wrote in place of a value, and somebody sends back as one. */
  private static void requireNoAnswer(
      String key, byte[] value, SecretReview review, List<String> problems) {
    // In a dry run we may be called again, with our own answer.
    if (is(NativeSecretInterceptor.PLACEHOLDER, value) && !review.dryRun()) {
      problems.add(
          "the value of its key " + key + " is the answer of a dry run; give the value itself");
    } else if (is(NativeSecretInterceptor.GONE, value)) {
      problems.add(
          "the value of its key "
              + key
              + " is what annotations say of a removed key; give the value itself");
    }
  }

  private static boolean is(String text, byte[] value) {
    return Arrays.equals(text.getBytes(StandardCharsets.UTF_8), value);
  }

  /** The reference at that key of the stored object, if this is it. */
  private @Nullable SecretReference unchanged(
      String key, JsonNode value, SecretReview review, Optional<NativeRecord> stored) {
    if (!value.equals(review.old().path("data").path(key))) {
      return null;
    }
    if (stored.isPresent()) {
      return stored.get().references().get(key);
    }
    if (!config.isNase()) {
      return null;
    }
    // NASE left no record, and wrote nothing but ARNs; all else is a value that it never saw.
    SecretReference reference = parse(Base64.getDecoder().decode(value.asText()));
    return reference != null
            && reference.isArn()
            && reference.scheme().equals(SecretReference.SECRETS_MANAGER)
        ? reference
        : null;
  }

  /**
   * A text that names no version is the same for each. So when the API server calls again, only the
   * annotation tells which version we have just written; but one that is older may come from a copy
   * of the object, and is no reason to go back.
   */
  private SecretReference again(
      String key, SecretReference same, WriteContext owner, Optional<NativeRecord> claimed) {
    SecretReference other = claimed.map(record -> record.references().get(key)).orElse(null);
    return other != null
            && other.withVersionId(null).equals(same.withVersionId(null))
            && !other.equals(same)
            && backend.owns(other, owner)
            && backend.isLatest(names.nameFor(owner, key), other, owner)
        ? other
        : same;
  }

  /** The reference that a value is, rather than a value that happens to look like a name. */
  private @Nullable SecretReference reference(
      String key, byte[] value, WriteContext owner, Optional<NativeRecord> claimed) {
    SecretReference reference = parse(value);
    if (reference == null) {
      return null;
    }
    if (claimed.isPresent()) {
      return claimed.get().references().getOrDefault(key, reference);
    }
    String version = reference.versionId();
    boolean sealed = reference.scheme().equals(SecretReference.KMS);
    boolean named =
        reference.scheme().equals(SecretReference.SECRETS_MANAGER)
            && (reference.isArn()
                || (version != null && VERSION.matcher(version).matches())
                || reference.id().equals(names.nameFor(owner, key)));
    return sealed || named ? reference : null;
  }

  private static @Nullable SecretReference parse(byte[] value) {
    if (value.length == 0 || value.length > LONGEST_REFERENCE) {
      return null;
    }
    for (byte b : value) {
      if (b <= ' ' || b >= 0x7f) {
        return null;
      }
    }
    try {
      return SecretReference.parse(new String(value, StandardCharsets.US_ASCII));
    } catch (IllegalArgumentException noReference) {
      return null;
    }
  }

  /** What is created with its references, from a backup, may have been deleted in the backend. */
  private void restore(SecretReference reference, WriteContext owner, SecretReview review) {
    if (review.operation().equals("CREATE") && !review.dryRun()) {
      backend.restore(reference.withSelector(null), owner);
    }
  }
}
