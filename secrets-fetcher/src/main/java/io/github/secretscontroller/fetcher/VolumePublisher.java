package io.github.secretscontroller.fetcher;

import io.github.secretscontroller.core.SecretFile;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** Publishes the files of a sidecar, and keeps the status that lies beside them up to date. */
final class VolumePublisher implements Rotation.Publisher {

  private final SecretVolume volume;
  private final StatusFile status;
  private final Stopper stopper;
  private final Clock clock;
  private Instant publishedAt;

  VolumePublisher(
      SecretVolume volume, StatusFile status, Stopper stopper, Clock clock, Instant publishedAt) {
    this.volume = volume;
    this.status = status;
    this.stopper = stopper;
    this.clock = clock;
    this.publishedAt = publishedAt;
  }

  @Override
  public boolean isPublished(SecretFile file, List<RenderedFile> rendered) {
    return volume.isPublished(file.path(), rendered);
  }

  @Override
  public boolean isPublished(SecretFile file) {
    return volume.isPublished(file.path());
  }

  @Override
  public boolean publish(List<RenderedFile> rendered, List<String> kept, List<FileStatus> statuses)
      throws FetchFailure {
    Instant now = clock.instant();
    List<RenderedFile> all = new ArrayList<>(rendered);
    all.add(status.render(now, statuses));
    boolean published = stopper.publish(() -> volume.publish(all, kept));
    if (published) {
      publishedAt = now;
    }
    return published;
  }

  /** Tells in the volume how it stands, without touching any file that holds a secret. */
  void update(List<FileStatus> statuses) throws FetchFailure {
    stopper.publish(() -> volume.replace(status.render(publishedAt, statuses)));
  }
}
