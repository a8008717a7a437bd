import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Has the image's jar do without a {@code BigDecimal} where none is needed: to make the first one,
 * Java 25 computes five to the power of 65536, which takes a start 20 ms of CPU time.
 */
final class Decimals {

  /** Added with the training run. */
  private static final String TIMESTAMPS = "io/github/secretscontroller/fetcher/Timestamps";

  private static final String DATE_UTILS = "software/amazon/awssdk/utils/DateUtils.class";
  private static final MethodTypeDesc TIME_OF_TEXT =
      MethodTypeDesc.of(ClassDesc.of("java.time.Instant"), ConstantDescs.CD_String);

  /** Where Jackson's own constants are used, or the SDK's copy's. */
  private static final Pattern JSON_PARSER =
      Pattern.compile("(.*/jackson/core/base/)Parser\\w*Base\\.class");

  private static final ClassDesc DECIMAL = ClassDesc.of("java.math.BigDecimal");
  private static final ClassDesc INTEGER = ClassDesc.of("java.math.BigInteger");
  private static final MethodTypeDesc OF_INTEGER =
      MethodTypeDesc.of(ConstantDescs.CD_void, INTEGER);

  private static final String CLASS = ".class";

  /** What is in the jar, by name. */
  private final Map<String, byte[]> entries;

  private final ClassFile classFile;

  Decimals(Map<String, byte[]> entries, ClassFile classFile) {
    this.entries = entries;
    this.classFile = classFile;
  }

  void avoid() {
    readTimesDirectly();
    deferConstants();
  }

  /** The SDK makes a decimal of each time that AWS sends, for which a {@code long} is enough. */
  private void readTimesDirectly() {
    CodeTransform calling =
        CodeTransform.ofStateful(
            () ->
                new CodeTransform() {
                  @Override
                  public void atStart(CodeBuilder code) {
                    code.aload(0)
                        .invokestatic(
                            ClassDesc.ofInternalName(TIMESTAMPS), "parse", TIME_OF_TEXT)
                        .areturn();
                  }

                  @Override
                  public void accept(CodeBuilder code, CodeElement element) {}
                });
    ClassModel utils = classFile.parse(entries.get(DATE_UTILS));
    if (utils.methods().stream().noneMatch(Decimals::readsTime)) {
      throw new IllegalStateException("the SDK reads times in another way");
    }
    entries.put(
        DATE_UTILS,
        classFile.transformClass(
            utils, ClassTransform.transformingMethodBodies(Decimals::readsTime, calling)));
  }

  private static boolean readsTime(MethodModel method) {
    return method.methodName().equalsString("parseUnixTimestampInstant")
        && method.methodTypeSymbol().equals(TIME_OF_TEXT);
  }

  /**
   * Jackson has four decimals as constants, to check numbers of a kind that neither a plan nor AWS
   * sends. They are made where they are used.
   */
  private void deferConstants() {
    entries.replaceAll(
        (name, content) -> {
          Matcher parser = JSON_PARSER.matcher(name);
          if (!parser.matches()) {
            return content;
          }
          String constants = parser.group(1) + "ParserMinimalBase";
          Map<String, String> integers = decimals(entries.get(constants + CLASS));
          ClassDesc owner = ClassDesc.ofInternalName(constants);
          CodeTransform making =
              (code, element) -> {
                if (element instanceof FieldInstruction field
                    && field.opcode() == Opcode.GETSTATIC
                    && integers.containsKey(field.name().stringValue())) {
                  code.new_(DECIMAL)
                      .dup()
                      .getstatic(owner, integers.get(field.name().stringValue()), INTEGER)
                      .invokespecial(DECIMAL, "<init>", OF_INTEGER);
                } else {
                  code.with(element);
                }
              };
          return classFile.transformClass(
              classFile.parse(content),
              ClassTransform.transformingMethodBodies(making)
                  .andThen(
                      ClassTransform.transformingMethodBodies(
                          method -> method.methodName().equalsString("<clinit>"),
                          CodeTransform.ofStateful(WithoutDecimals::new))));
        });
  }

  /**
   * Whoever else reads the constants would find null.
   *
   * @throws IllegalStateException if a class of the jar does
   */
  void requireNoOtherReader() {
    entries.forEach(
        (name, content) -> {
          if (name.endsWith(CLASS) && !JSON_PARSER.matcher(name).matches() && reads(content)) {
            throw new IllegalStateException(name + " reads Jackson's decimal constants");
          }
        });
  }

  private boolean reads(byte[] content) {
    return classFile.parse(content).methods().stream()
        .flatMap(method -> method.code().stream())
        .flatMap(code -> code.elementStream())
        .anyMatch(
            element ->
                element instanceof FieldInstruction field
                    && field.opcode() == Opcode.GETSTATIC
                    && field.typeSymbol().equals(DECIMAL)
                    && field.owner().asInternalName().contains("/jackson/"));
  }

  /** By a decimal constant's name: that of the integer which it is made of. */
  private Map<String, String> decimals(byte[] parser) {
    WithoutDecimals found = new WithoutDecimals();
    classFile.parse(parser).methods().stream()
        .filter(method -> method.methodName().equalsString("<clinit>"))
        .flatMap(method -> method.code().orElseThrow().elementStream())
        .forEach(found::isPart);
    if (found.integers.isEmpty()) {
      throw new IllegalStateException("Jackson has no decimal constants any more");
    }
    return found.integers;
  }

  /** Leaves out {@code CONSTANT = new BigDecimal(INTEGER)}. */
  private static final class WithoutDecimals implements CodeTransform {

    private final Map<String, String> integers = new HashMap<>();
    private boolean within;
    private String integer;

    @Override
    public void accept(CodeBuilder code, CodeElement element) {
      if (!isPart(element)) {
        code.with(element);
      }
    }

    private boolean isPart(CodeElement element) {
      if (element instanceof NewObjectInstruction made
          && made.className().asSymbol().equals(DECIMAL)) {
        within = true;
        return true;
      }
      if (within && element instanceof FieldInstruction field) {
        if (field.opcode() == Opcode.PUTSTATIC) {
          integers.put(field.name().stringValue(), integer);
          within = false;
          return true;
        }
        integer = field.name().stringValue();
      }
      return within;
    }
  }
}
