package io.github.secretscontroller.fetcher;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.github.secretscontroller.core.InjectionPlan;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The file {@code .status.json} of a volume, which tells people and programs in the pod what its
 * files are; never a value.
 *
 * <pre>{@code
 * {"version":1,"plan":"sha256:...","publishedAt":"2026-01-01T00:00:00Z",
 *  "files":[{"path":"db/password","published":true,"stale":false,"checkedAt":"...",
 *            "secret":"prod/db","versionId":"...","region":"eu-west-1","fetchedAt":"...",
 *            "credentials":"IRSA, role ...","error":"only if there is one"}]}
 * }</pre>
 *
 * <p>A file that is made of several secrets, as a template's may be, has them in an array {@code
 * secrets}, each with the fields from {@code secret} on. A file of a native Secret has the path
 * {@code resolved/VOLUME/FILE}.
 */
final class StatusFile {

  /** Its path in the volume, which no plan can name. */
  static final String PATH = ".status.json";

  private static final int VERSION = 1;
  private static final int MODE = 0444;

  private final String planDigest;
  private final String credentials;
  private final Supplier<List<FileStatus>> resolved;

  /**
   * The status of a plan's files.
   *
   * @param credentials whose secrets are read with
   * @param resolved how it stands with the files of native Secrets, which lie in other volumes
   */
  StatusFile(InjectionPlan plan, String credentials, Supplier<List<FileStatus>> resolved) {
    this.planDigest = digest(plan);
    this.credentials = credentials;
    this.resolved = resolved;
  }

  /** The file for these states, and for those of the resolved files. */
  RenderedFile render(Instant publishedAt, List<FileStatus> files) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator json = new JsonFactory().createGenerator(bytes)) {
      json.writeStartObject();
      json.writeNumberField("version", VERSION);
      json.writeStringField("plan", planDigest);
      json.writeStringField("publishedAt", time(publishedAt));
      json.writeArrayFieldStart("files");
      for (FileStatus file : files) {
        write(json, file);
      }
      for (FileStatus file : resolved.get()) {
        write(json, file);
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory failed", e);
    }
    return new RenderedFile(PATH, MODE, bytes.toByteArray());
  }

  private void write(JsonGenerator json, FileStatus file) throws IOException {
    json.writeStartObject();
    json.writeStringField("path", file.path());
    json.writeBooleanField("published", file.published());
    json.writeBooleanField("stale", file.stale());
    json.writeStringField("checkedAt", time(file.checkedAt()));
    if (file.readings().size() == 1) {
      write(json, file.readings().get(0));
    } else {
      json.writeArrayFieldStart("secrets");
      for (Reading reading : file.readings()) {
        json.writeStartObject();
        write(json, reading);
        json.writeEndObject();
      }
      json.writeEndArray();
    }
    String error = file.error();
    if (error != null) {
      json.writeStringField("error", EventLog.oneLine(error));
    }
    json.writeEndObject();
  }

  private void write(JsonGenerator json, Reading reading) throws IOException {
    json.writeStringField("secret", reading.secret().describe());
    writeIfPresent(json, "versionId", reading.versionId());
    writeIfPresent(json, "region", reading.region());
    if (reading.versionId() != null) {
      json.writeStringField("fetchedAt", time(reading.at()));
    }
    json.writeStringField("credentials", credentials);
  }

  private static void writeIfPresent(JsonGenerator json, String field, @Nullable String value)
      throws IOException {
    if (value != null) {
      json.writeStringField(field, value);
    }
  }

  private static String time(Instant instant) {
    return instant.truncatedTo(ChronoUnit.MILLIS).toString();
  }

  String planDigest() {
    return planDigest;
  }

  private static String digest(InjectionPlan plan) {
    try {
      byte[] json = plan.toJson().getBytes(StandardCharsets.UTF_8);
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(json);
      return "sha256:" + Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java runtime has SHA-256", e);
    }
  }
}
