import java.io.IOException;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.MethodTransform;
import java.lang.classfile.attribute.ExceptionsAttribute;
import java.lang.classfile.attribute.InnerClassesAttribute;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.PoolEntry;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.DirectMethodHandleDesc;
import java.lang.constant.DynamicCallSiteDesc;
import java.lang.constant.MethodHandleDesc;
import java.lang.constant.MethodTypeDesc;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
 * Makes the image's jar of the fetcher's: without what it can't reach of others' code, not
 * compressed, and with a build id.
 *
 * <pre>java ImageJar.java IN.jar CLASSES OUT.jar TIMESTAMP</pre>
 *
 * <p>CLASSES is a directory of classes to add, for the training run.
 *
 * <p>An SDK client has a method for each of its service's operations, Parameter Store's 153, with a
 * dozen classes each, and the SDK knows 300 services. {@link Reached} tells what of all this the
 * program can come to.
 *
 * <p>The build id is a digest of what is in the jar. It is written into the class {@code BuildId},
 * and so into any archive of classes, and as the jar's comment, where it is read in no time.
 */
final class ImageJar {

  private static final String OURS = "io/github/secretscontroller/";
  private static final String PROGRAM = OURS + "fetcher/";
  private static final String CLASS = ".class";
  private static final Pattern CLIENT =
      Pattern.compile("software/amazon/awssdk/services/\\w+/Default\\w+Client\\.class");

  /** What names exceptions without handling them. */
  private static final Pattern OPERATIONS =
      Pattern.compile(
          "software/amazon/awssdk/services/\\w+/(model/.*|\\w+Client|.*Exception[\\w$]*)\\.class");

  private static final String SERVICES = "META-INF/services/";
  private static final Pattern LEGAL =
      Pattern.compile("META-INF/(MANIFEST.MF|[^/]*(LICENSE|NOTICE)[^/]*)");
  private static final Pattern VERSIONED = Pattern.compile("META-INF/versions/(\\d+)/(.*)");
  private static final int LEAST_RELEASE = 17;
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
      jar.chooseVersions();
      jar.generalizeErrors();
      Decimals decimals = new Decimals(jar.entries, jar.classFile);
      decimals.avoid();
      BufferedRequests.arrange(jar.entries, jar.classFile);
      jar.dropUnreached();
      decimals.requireNoOtherReader();
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

  /**
   * Classes that a jar has for several releases: the one for the least that the image is made for.
   */
  private void chooseVersions() {
    Map<Integer, Map<String, byte[]>> versions = new TreeMap<>();
    entries.forEach(
        (name, content) -> {
          Matcher versioned = VERSIONED.matcher(name);
          if (versioned.matches() && Integer.parseInt(versioned.group(1)) <= LEAST_RELEASE) {
            versions
                .computeIfAbsent(Integer.valueOf(versioned.group(1)), any -> new TreeMap<>())
                .put(versioned.group(2), content);
          }
        });
    entries.keySet().removeIf(name -> VERSIONED.matcher(name).matches());
    versions.values().forEach(entries::putAll);
  }

  /**
   * Where a client makes one of its service's many exceptions of an error, it makes the one that
   * all of them extend, which has the error's code as well, unless somebody asks for it by name.
   */
  private void generalizeErrors() {
    Set<String> named = new HashSet<>();
    entries.forEach(
        (name, content) -> {
          if (name.endsWith(CLASS) && !OPERATIONS.matcher(name).matches()) {
            for (PoolEntry entry : classFile.parse(content).constantPool()) {
              if (entry instanceof ClassEntry type) {
                named.add(type.asInternalName());
              }
            }
          }
        });
    CodeTransform general =
        (code, element) -> {
          if (element instanceof InvokeDynamicInstruction dynamic
              && exceptionBuilder(dynamic).filter(e -> !named.contains(e)).isPresent()) {
            code.invokedynamic(general(dynamic));
          } else {
            code.with(element);
          }
        };
    entries.replaceAll(
        (name, content) ->
            CLIENT.matcher(name).matches()
                ? classFile.transformClass(
                    classFile.parse(content), ClassTransform.transformingMethodBodies(general))
                : content);
  }

  /** The exception whose builder an instruction makes a supplier of. */
  private static Optional<String> exceptionBuilder(InvokeDynamicInstruction dynamic) {
    return dynamic.bootstrapArgs().stream()
        .filter(DirectMethodHandleDesc.class::isInstance)
        .map(DirectMethodHandleDesc.class::cast)
        .filter(handle -> handle.methodName().equals("builder"))
        .map(handle -> internalName(handle.owner()))
        .filter(owner -> owner.endsWith("Exception"))
        .findFirst();
  }

  private DynamicCallSiteDesc general(InvokeDynamicInstruction dynamic) {
    String exception = exceptionBuilder(dynamic).orElseThrow();
    ClassDesc parent =
        classFile.parse(entries.get(exception + CLASS)).superclass().orElseThrow().asSymbol();
    MethodTypeDesc type = MethodTypeDesc.of(parent.nested("Builder"));
    return DynamicCallSiteDesc.of(
        dynamic.bootstrapMethod(),
        dynamic.name().stringValue(),
        dynamic.typeSymbol(),
        dynamic.bootstrapArgs().getFirst(),
        MethodHandleDesc.ofMethod(DirectMethodHandleDesc.Kind.STATIC, parent, "builder", type),
        type);
  }

  private static String internalName(ClassDesc type) {
    String descriptor = type.descriptorString();
    return descriptor.substring(1, descriptor.length() - 1);
  }

  /** Drops what the program can't reach, and of others' classes debug information as well. */
  private void dropUnreached() {
    Map<String, ClassModel> classes = new TreeMap<>();
    entries.forEach(
        (name, content) -> {
          if (name.endsWith(CLASS)) {
            classes.put(className(name), classFile.parse(content));
          }
        });
    Reached reached = new Reached(classes, providers(), OURS);
    classes.keySet().stream().filter(name -> name.startsWith(PROGRAM)).forEach(reached::whole);
    entries
        .keySet()
        .removeIf(
            name ->
                name.endsWith(CLASS)
                    ? !reached.isReached(className(name))
                    : !isRead(name, reached));
    entries.replaceAll(
        (name, content) ->
            name.endsWith(CLASS) && !name.startsWith(OURS)
                ? withoutUnreached(classes.get(className(name)), reached)
                : content);
  }

  private byte[] withoutUnreached(ClassModel model, Reached reached) {
    String name = model.thisClass().asInternalName();
    return classFile.transformClass(
        model,
        (builder, element) -> {
          switch (element) {
            case MethodModel method when !reached.isReached(name, method) -> {}
            // What a method throws is known to the compiler and to reflection alone.
            case MethodModel method ->
                builder.transformMethod(
                    method, MethodTransform.dropping(ExceptionsAttribute.class::isInstance));
            case InnerClassesAttribute inner ->
                builder.with(
                    InnerClassesAttribute.of(
                        inner.classes().stream()
                            .filter(one -> reached.isReached(one.innerClass().asInternalName()))
                            .toList()));
            default -> builder.with(element);
          }
        });
  }

  /** By a service's name: the classes that the jar lists for it. */
  private Map<String, List<String>> providers() {
    Map<String, List<String>> providers = new HashMap<>();
    entries.forEach(
        (name, content) -> {
          if (name.startsWith(SERVICES)) {
            providers.put(name.substring(SERVICES.length()), listed(content));
          }
        });
    return providers;
  }

  private static List<String> listed(byte[] content) {
    return new String(content, StandardCharsets.UTF_8)
        .lines()
        .map(line -> line.replaceFirst("#.*", "").strip().replace('.', '/'))
        .filter(line -> !line.isEmpty())
        .toList();
  }

  /** Whether a file that isn't a class is a licence or the like, or any code asks for its name. */
  private boolean isRead(String name, Reached reached) {
    if (name.startsWith(SERVICES)) {
      return listed(entries.get(name)).stream().anyMatch(reached::isReached);
    }
    String file = name.substring(name.lastIndexOf('/') + 1);
    return LEGAL.matcher(name).matches()
        || reached.texts().stream().anyMatch(text -> text.endsWith(file));
  }

  private static String className(String entry) {
    return entry.substring(0, entry.length() - CLASS.length());
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
