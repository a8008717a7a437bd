package io.github.secretscontroller.fetcher;

import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.reflect.Array;
import java.lang.reflect.Method;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Sends any signal to a process, for which Java has no method of its own. From Java 22 on it calls
 * {@code kill(2)} through the foreign function interface, by reflection, since this is compiled for
 * Java 17; before, it runs the program {@code kill}, if there is one.
 */
final class Kill {

  /** Their numbers on Linux, for the architectures that Java 17 runs on. */
  private static final Map<String, Integer> NUMBERS =
      Map.of("HUP", 1, "INT", 2, "QUIT", 3, "USR1", 10, "USR2", 12, "TERM", 15, "WINCH", 28);

  private static final int FOREIGN_FUNCTIONS_SINCE = 22;
  private static final long PATIENCE_SECONDS = 2;

  /** Sends; returns {@code null}, or why that didn't work. */
  @Nullable String send(long pid, String signal) {
    Integer number = NUMBERS.get(signal);
    if (number == null) {
      return "SIG" + signal + " isn't known";
    }
    if (Runtime.version().feature() >= FOREIGN_FUNCTIONS_SINCE) {
      try {
        return explain(NativeKill.call((int) pid, number));
      } catch (ReflectiveOperationException | RuntimeException e) {
        return "this Java runtime can't call kill(2): " + e.getClass().getName();
      }
    }
    return runProgram(pid, signal);
  }

  private static @Nullable String explain(int error) {
    return switch (error) {
      case 0 -> null;
      case 1 -> "the kernel doesn't permit it (EPERM); both need the same runAsUser";
      case 3 -> "it has ended (ESRCH)";
      default -> "kill(2) failed with error " + error;
    };
  }

  private static @Nullable String runProgram(long pid, String signal) {
    try {
      Process process =
          new ProcessBuilder("kill", "-" + signal, String.valueOf(pid))
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return "the program kill didn't end";
      }
      int code = process.exitValue();
      return code == 0
          ? null
          : "the kernel doesn't permit it, or it has ended (kill exited with " + code + ")";
    } catch (IOException e) {
      return "Java "
          + Runtime.version().feature()
          + " needs the program kill for that, which isn't in this image; Java "
          + FOREIGN_FUNCTIONS_SINCE
          + " doesn't";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted";
    }
  }

  /** {@code int kill(pid_t pid, int sig)}. */
  private static final class NativeKill {

    private static final String PACKAGE = "java.lang.foreign.";

    /** The {@code errno} of the call, or 0. */
    static int call(int pid, int number) throws ReflectiveOperationException {
      Class<?> linkerType = Class.forName(PACKAGE + "Linker");
      Class<?> optionType = Class.forName(PACKAGE + "Linker$Option");
      Class<?> layoutType = Class.forName(PACKAGE + "MemoryLayout");
      Class<?> segmentType = Class.forName(PACKAGE + "MemorySegment");
      Class<?> descriptorType = Class.forName(PACKAGE + "FunctionDescriptor");
      Class<?> arenaType = Class.forName(PACKAGE + "Arena");
      Object intLayout = Class.forName(PACKAGE + "ValueLayout").getField("JAVA_INT").get(null);

      Object linker = linkerType.getMethod("nativeLinker").invoke(null);
      Object symbols = linkerType.getMethod("defaultLookup").invoke(linker);
      Object address =
          ((Optional<?>)
                  Class.forName(PACKAGE + "SymbolLookup")
                      .getMethod("find", String.class)
                      .invoke(symbols, "kill"))
              .orElseThrow();
      Object descriptor =
          descriptorType
              .getMethod("of", layoutType, layoutType.arrayType())
              .invoke(null, intLayout, arrayOf(layoutType, intLayout, intLayout));
      Object errno =
          optionType
              .getMethod("captureCallState", String[].class)
              .invoke(null, (Object) new String[] {"errno"});
      Method downcall =
          linkerType.getMethod(
              "downcallHandle", segmentType, descriptorType, optionType.arrayType());
      MethodHandle kill =
          (MethodHandle) downcall.invoke(linker, address, descriptor, arrayOf(optionType, errno));

      Object arena = arenaType.getMethod("ofAuto").invoke(null);
      try {
        Object stateLayout = optionType.getMethod("captureStateLayout").invoke(null);
        Object state = arenaType.getMethod("allocate", layoutType).invoke(arena, stateLayout);
        int result = (int) kill.invokeWithArguments(state, pid, number);
        Class<?> ofInt = Class.forName(PACKAGE + "ValueLayout$OfInt");
        Method get = segmentType.getMethod("get", ofInt, long.class);
        return result == 0 ? 0 : (int) get.invoke(state, intLayout, 0L);
      } catch (Throwable e) {
        throw new ReflectiveOperationException("kill(2) wasn't called", e);
      }
    }

    private static Object arrayOf(Class<?> type, Object... elements) {
      Object array = Array.newInstance(type, elements.length);
      for (int i = 0; i < elements.length; i++) {
        Array.set(array, i, elements[i]);
      }
      return array;
    }
  }
}
