package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("Without Micrometer on the class path")
class WithoutMicrometerTest {

  private static URLClassLoader classPath() throws Exception {
    List<URL> urls = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator, -1)) {
      if (!entry.contains("micrometer")) {
        urls.add(Path.of(entry).toUri().toURL());
      }
    }
    return new URLClassLoader(urls.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
  }

  @Test
  @DisplayName("a handler answers, and a framework can reflect on it")
  void answers() throws Exception {
    try (URLClassLoader loader = classPath()) {
      assertThatThrownBy(() -> loader.loadClass("io.micrometer.core.instrument.MeterRegistry"))
          .isInstanceOf(ClassNotFoundException.class);
      Class<?> type = loader.loadClass(AdmissionHandler.class.getName());
      Object builder = type.getMethod("builder").invoke(null);
      assertThat(builder.getClass().getMethods()).isNotEmpty();
      Object handler = builder.getClass().getMethod("build").invoke(builder);
      Object reply =
          type.getMethod("handle", byte[].class)
              .invoke(handler, (Object) Pods.recorded("pod-of-deployment-create"));
      assertThat(reply.getClass().getMethod("httpStatus").invoke(reply)).isEqualTo(200);
    }
  }
}
