import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.InnerClassesAttribute;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.constantpool.Utf8Entry;
import java.lang.classfile.instruction.ConstantInstruction;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Makes the image's jar of the fetcher's: without the AWS operations that nobody calls, not
 * compressed, and with a build id.
 *
 * <pre>java ImageJar.java IN.jar CLASSES OUT.jar TIMESTAMP</pre>
 *
 * <p>CLASSES is a directory of classes to add, for the training run.
 *
 * <p>An SDK client has a method for each of its service's operations, Parameter Store's 153, with
 * a dozen classes each. Here the clients lose those that the rest of the jar doesn't call; then
 * classes of the services' packages go that no other one names any more. Everything else stays as
 * it is: the rest of the SDK finds classes by names in texts.
 *
 * <p>The build id is a digest of what is in the jar. It is written into the class {@code BuildId},
 * and so into any archive of classes, and as the jar's comment, where it is read in no time.
 */
final class ImageJar {

  private static final String SERVICES = "software/amazon/awssdk/services/";
  private static final Pattern CLIENT =
      Pattern.compile(SERVICES + "([a-z0-9]+)/\\w+Client\\.class");
  private static final Pattern CLASS_NAME = Pattern.compile("\\w+(?:[./][\\w$]+)+");
  private static final String OURS = "io/github/secretscontroller/";

  /** What gives an answer, its pages, or something that waits for it, at once or later. */
  private static final Pattern OPERATION =
      Pattern.compile(
          ".*\\)L(?:"
              + SERVICES
              + "[a-z0-9]+/(?:model/\\w+Response|paginators/\\w+|waiters/\\w+)"
              + "|java/util/concurrent/CompletableFuture);");

  private static final String MANIFEST = "META-INF/MANIFEST.MF";
  private static final String BUILD_ID = "io/github/secretscontroller/fetcher/BuildId.class";
  private static final String NO_BUILD_ID = "none";

  /** Sorted, so that the same input makes the same jar. */
  private final Map<String, byte[]> entries = new TreeMap<>();

  private final ClassFile classFile;

  private ImageJar(ClassFile classFile) {
    this.classFile = classFile;
  }

  public static void main(String[] arguments) throws Exception {
    Path in = Path.of(arguments[0]);
    // Interfaces or classes: only the class files tell.
    try (URLClassLoader loader = new URLClassLoader(new URL[] {in.toUri().toURL()}, null)) {
      ImageJar jar =
          new ImageJar(
              ClassFile.of(
                  ClassFile.ConstantPoolSharingOption.NEW_POOL,
                  ClassFile.DebugElementsOption.DROP_DEBUG,
                  ClassFile.LineNumbersOption.DROP_LINE_NUMBERS,
                  ClassFile.ClassHierarchyResolverOption.of(
                      ClassHierarchyResolver.ofResourceParsing(loader)
                          .orElse(ClassHierarchyResolver.defaultResolver()))));
      jar.read(in);
      jar.add(Path.of(arguments[1]));
      jar.dropOperations();
      jar.dropUnnamedClasses();
      jar.dropDebugInformation();
      jar.write(Path.of(arguments[2]), jar.setBuildId(), Instant.parse(arguments[3]));
    }
  }

  private void read(Path in) throws IOException {
    try (ZipFile zip = new ZipFile(in.toFile())) {
      for (ZipEntry entry : zip.stream().filter(e -> !e.isDirectory()).toList()) {
        entries.put(entry.getName(), zip.getInputStream(entry).readAllBytes());
      }
    }
  }

  private void add(Path classes) throws IOException {
    try (Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        entries.put(classes.relativize(file).toString(), Files.readAllBytes(file));
      }
    }
  }

  /** Takes from the clients the operations that nobody calls, and the lambdas in them. */
  private void dropOperations() {
    Map<String, Set<String>> calledByService = calledOperations();
    entries.replaceAll(
        (name, content) -> {
          Matcher client = CLIENT.matcher(name);
          return client.matches()
              ? withOperations(content, calledByService.getOrDefault(client.group(1), Set.of()))
              : content;
        });
  }

  /** By service: the names of methods of its clients that are called. */
  private Map<String, Set<String>> calledOperations() {
    Map<String, Set<String>> called = new HashMap<>();
    entries.forEach(
        (name, content) -> {
          if (!name.endsWith(".class") || CLIENT.matcher(name).matches() || isHelper(name)) {
            return;
          }
          for (PoolEntry entry : classFile.parse(content).constantPool()) {
            if (entry instanceof MemberRefEntry reference) {
              Matcher client = CLIENT.matcher(reference.owner().asInternalName() + ".class");
              if (client.matches()) {
                called
                    .computeIfAbsent(client.group(1), service -> new HashSet<>())
                    .add(reference.name().stringValue());
              }
            }
          }
        });
    return called;
  }

  /** Reads page by page, or polls: ready for each operation, whether it is used or not. */
  private static boolean isHelper(String name) {
    return name.startsWith(SERVICES)
        && (name.contains("/paginators/") || name.contains("/waiters/"));
  }

  private byte[] withOperations(byte[] content, Set<String> called) {
    ClassModel client = classFile.parse(content);
    Set<String> dropped = new HashSet<>();
    for (MethodModel method : client.methods()) {
      if (OPERATION.matcher(method.methodType().stringValue()).matches()) {
        dropped.add(method.methodName().stringValue());
      }
    }
    dropped.removeAll(called);
    return classFile.transformClass(
        client,
        ClassTransform.dropping(
            // The list of inner classes names the models of all operations; only reflection reads it.
            element ->
                element instanceof InnerClassesAttribute
                    || (element instanceof MethodModel method
                        && dropped.contains(operation(method.methodName().stringValue())))));
  }

  private static String operation(String method) {
    return method.startsWith("lambda$") ? method.split("\\$")[1] : method;
  }

  /** Drops the classes whose names stand in nothing that can be reached from ours. */
  private void dropUnnamedClasses() {
    Set<String> reached = new HashSet<>();
    Deque<String> todo = new ArrayDeque<>();
    entries.keySet().stream()
        .filter(name -> name.startsWith(OURS) || !name.endsWith(".class"))
        .forEach(todo::add);
    while (!todo.isEmpty()) {
      String name = todo.remove();
      if (reached.add(name) && entries.containsKey(name)) {
        todo.addAll(namedIn(name, entries.get(name)));
      }
    }
    entries.keySet().removeIf(name -> !reached.contains(name));
  }

  /** All that any text of a file could mean, a class's constants included. */
  private Set<String> namedIn(String name, byte[] content) {
    Set<String> names = new HashSet<>();
    if (name.endsWith(".class")) {
      for (PoolEntry entry : classFile.parse(content).constantPool()) {
        if (entry instanceof Utf8Entry text) {
          addNames(text.stringValue(), names);
        }
      }
    } else {
      addNames(new String(content, StandardCharsets.ISO_8859_1), names);
    }
    return names;
  }

  private static void addNames(String text, Set<String> names) {
    Matcher matcher = CLASS_NAME.matcher(text);
    while (matcher.find()) {
      String name = matcher.group().replace('.', '/') + ".class";
      names.add(name);
      if (name.startsWith("L")) { // in a descriptor
        names.add(name.substring(1));
      }
    }
  }

  /** Others' classes lose their line numbers and names of variables, a third of their size. */
  private void dropDebugInformation() {
    entries.replaceAll(
        (name, content) ->
            name.endsWith(".class") && !name.startsWith(OURS)
                ? classFile.transformClass(classFile.parse(content), ClassTransform.ACCEPT_ALL)
                : content);
  }

  private String setBuildId() throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    entries.forEach(
        (name, content) -> {
          digest.update(name.getBytes(StandardCharsets.UTF_8));
          digest.update(content);
        });
    String id = HexFormat.of().formatHex(digest.digest(), 0, 16);
    ClassModel buildId = classFile.parse(entries.get(BUILD_ID));
    CodeTransform replacing =
        (code, element) -> {
          if (element instanceof ConstantInstruction.LoadConstantInstruction constant
              && constant.constantValue().equals(NO_BUILD_ID)) {
            code.loadConstant(id);
          } else {
            code.with(element);
          }
        };
    byte[] changed =
        classFile.transformClass(
            buildId,
            ClassTransform.transformingMethodBodies(
                method -> method.methodName().equalsString("ofCode"), replacing));
    if (Arrays.equals(changed, entries.put(BUILD_ID, changed))) {
      throw new IllegalStateException(BUILD_ID + " has no constant \"" + NO_BUILD_ID + '"');
    }
    return id;
  }

  private void write(Path out, String buildId, Instant timestamp) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(out))) {
      zip.setComment(buildId);
      // The manifest comes first: that is where java -jar looks.
      put(zip, MANIFEST, timestamp);
      for (String name : entries.keySet()) {
        if (!name.equals(MANIFEST)) {
          put(zip, name, timestamp);
        }
      }
    }
  }

  private void put(ZipOutputStream zip, String name, Instant timestamp) throws IOException {
    byte[] content = entries.get(name);
    CRC32 checksum = new CRC32();
    checksum.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(checksum.getValue());
    entry.setTimeLocal(LocalDateTime.ofInstant(timestamp, ZoneOffset.UTC));
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
