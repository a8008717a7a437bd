import java.lang.classfile.Attributes;
import java.lang.classfile.ClassModel;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeModel;
import java.lang.classfile.FieldModel;
import java.lang.classfile.MethodModel;
import java.lang.classfile.attribute.EnclosingMethodAttribute;
import java.lang.classfile.attribute.InnerClassInfo;
import java.lang.classfile.attribute.StackMapFrameInfo;
import java.lang.classfile.constantpool.ClassEntry;
import java.lang.classfile.constantpool.ConstantDynamicEntry;
import java.lang.classfile.constantpool.LoadableConstantEntry;
import java.lang.classfile.constantpool.MemberRefEntry;
import java.lang.classfile.constantpool.MethodHandleEntry;
import java.lang.classfile.constantpool.MethodTypeEntry;
import java.lang.classfile.constantpool.StringEntry;
import java.lang.classfile.instruction.ConstantInstruction.LoadConstantInstruction;
import java.lang.classfile.instruction.ExceptionCatch;
import java.lang.classfile.instruction.FieldInstruction;
import java.lang.classfile.instruction.InvokeDynamicInstruction;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.classfile.instruction.NewMultiArrayInstruction;
import java.lang.classfile.instruction.NewObjectInstruction;
import java.lang.classfile.instruction.NewReferenceArrayInstruction;
import java.lang.classfile.instruction.TypeCheckInstruction;
import java.lang.invoke.MethodType;
import java.lang.reflect.AccessFlag;
import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Which of a jar's classes and methods its program can reach, in doubt more than it does.
 *
 * <p>A method is reached if a reached one calls it, or one of its name and type that it may
 * override; or if it may override one of the JDK's, which calls it unseen. A class that a text
 * names is reached with all that is in it, and so is one that is listed as a service, as soon as
 * code mentions what it serves for.
 */
final class Reached {

  private static final Pattern CLASS_IN_TYPE = Pattern.compile("L([\\w$/]+);");
  private static final Pattern MADE = Pattern.compile("\\)L([\\w$/]+);$");
  private static final String NO_ARGUMENTS = "<init>()V";
  private static final String STATIC = "<clinit>()V";

  /** By a service's name: the classes that provide it. */
  private final Map<String, List<String>> providers;

  private final String ours;
  private final Map<String, ClassModel> all;
  private final Map<String, Map<String, MethodModel>> methods = new HashMap<>();

  private final Set<String> classes = new HashSet<>();
  private final Set<String> members = new HashSet<>();
  private final Set<String> texts = new HashSet<>();

  /** Classes of which there may be objects. */
  private final Set<String> live = new HashSet<>();

  /** Names and types of methods that are called. */
  private final Set<String> called = new HashSet<>();

  /** By a name and type that isn't called yet: the live classes that have such a method. */
  private final Map<String, List<String>> overriding = new HashMap<>();

  private final Set<String> foreign = new HashSet<>();
  private final Deque<Runnable> todo = new ArrayDeque<>();

  /**
   * Nothing is reached yet.
   *
   * @param ours how names of classes begin that are reached with all that is in them, or not at all
   */
  Reached(Map<String, ClassModel> all, Map<String, List<String>> providers, String ours) {
    this.all = all;
    this.ours = ours;
    this.providers = providers;
    all.forEach(
        (name, model) -> {
          Map<String, MethodModel> own = new HashMap<>();
          for (MethodModel method : model.methods()) {
            own.put(key(method), method);
          }
          methods.put(name, own);
        });
  }

  static String key(MethodModel method) {
    return method.methodName().stringValue() + method.methodType().stringValue();
  }

  boolean isReached(String className) {
    return classes.contains(className);
  }

  boolean isReached(String className, MethodModel method) {
    return members.contains(className + '.' + key(method));
  }

  /** All texts of the code that is reached. */
  Set<String> texts() {
    return texts;
  }

  /** A class with all that is in it. */
  void whole(String name) {
    if (all.containsKey(name)) {
      object(name);
      methods.get(name).keySet().forEach(key -> method(name, key));
    }
    work();
  }

  private void work() {
    while (!todo.isEmpty()) {
      todo.remove().run();
    }
  }

  /** A class that is named. It may never be used. */
  private void named(String name) {
    ClassModel model = all.get(name);
    if (model == null || !classes.add(name)) {
      return;
    }
    supertypes(model).forEach(this::named);
    around(model).ifPresent(this::named);
    if (name.startsWith(ours)) {
      todo.add(() -> whole(name));
    }
    for (FieldModel field : model.fields()) {
      type(field.fieldType().stringValue());
    }
  }

  /** The class that one stands in, which even asking for its simple name looks for. */
  private static Optional<String> around(ClassModel model) {
    return model
        .findAttribute(Attributes.innerClasses())
        .flatMap(
            inner ->
                inner.classes().stream()
                    .filter(one -> one.innerClass().equals(model.thisClass()))
                    .findFirst())
        .flatMap(InnerClassInfo::outerClass)
        .or(
            () ->
                model
                    .findAttribute(Attributes.enclosingMethod())
                    .map(EnclosingMethodAttribute::enclosingClass))
        .map(ClassEntry::asInternalName);
  }

  private static List<String> supertypes(ClassModel model) {
    List<String> names = new ArrayList<>();
    model.superclass().ifPresent(entry -> names.add(entry.asInternalName()));
    model.interfaces().forEach(entry -> names.add(entry.asInternalName()));
    return names;
  }

  /** A class whose static part is used. */
  private void used(String name) {
    if (all.containsKey(name)) {
      named(name);
      method(name, STATIC);
      all.get(name).superclass().ifPresent(entry -> used(entry.asInternalName()));
    }
  }

  /** A class of which there may be an object, perhaps made by reflection. */
  private void object(String name) {
    ClassModel model = all.get(name);
    if (model == null) {
      foreign(name);
      return;
    }
    if (!live.add(name)) {
      return;
    }
    used(name);
    method(name, NO_ARGUMENTS);
    if (model.flags().has(AccessFlag.ENUM)) {
      method(name, "values()[L" + name + ';');
      method(name, "valueOf(Ljava/lang/String;)L" + name + ';');
    }
    methods
        .get(name)
        .forEach(
            (key, method) -> {
              if (called.contains(key)) {
                method(name, key);
              } else if (!key.startsWith("<") && !method.flags().has(AccessFlag.STATIC)) {
                overriding.computeIfAbsent(key, any -> new ArrayList<>()).add(name);
              }
            });
    supertypes(model).forEach(this::object);
  }

  /** The JDK may call what it declares. */
  private void foreign(String name) {
    if (!foreign.add(name)) {
      return;
    }
    try {
      Class<?> type =
          Class.forName(name.replace('/', '.'), false, ClassLoader.getPlatformClassLoader());
      for (Class<?> c = type; c != null; c = c.getSuperclass()) {
        for (Method method : c.getDeclaredMethods()) {
          called(method.getName() + descriptor(method));
        }
        for (Class<?> parent : c.getInterfaces()) {
          foreign(parent.getName().replace('.', '/'));
        }
      }
    } catch (ClassNotFoundException e) {
      // Of a library that is optional and not there.
    }
  }

  private static String descriptor(Method method) {
    return MethodType.methodType(method.getReturnType(), method.getParameterTypes())
        .descriptorString();
  }

  private void called(String key) {
    if (called.add(key)) {
      List<String> owners = overriding.remove(key);
      if (owners != null) {
        owners.forEach(owner -> method(owner, key));
      }
    }
  }

  private void method(String owner, String key) {
    MethodModel method = methods.get(owner).get(key);
    if (method == null || !members.add(owner + '.' + key)) {
      return;
    }
    named(owner);
    type(method.methodType().stringValue());
    method.code().ifPresent(code -> todo.add(() -> code(code)));
  }

  private void code(CodeModel code) {
    for (CodeElement element : code) {
      switch (element) {
        case InvokeInstruction invoke -> call(invoke.method());
        case FieldInstruction field -> {
          used(field.owner().asInternalName());
          type(field.field().type().stringValue());
        }
        case NewObjectInstruction created -> object(created.className().asInternalName());
        case NewReferenceArrayInstruction array -> className(array.componentType());
        case NewMultiArrayInstruction array -> className(array.arrayType());
        case TypeCheckInstruction check -> className(check.type());
        case LoadConstantInstruction constant -> constant(constant.constantEntry());
        case ExceptionCatch handler -> handler.catchType().ifPresent(this::className);
        case InvokeDynamicInstruction dynamic -> {
          type(dynamic.type().stringValue());
          // A lambda has the default methods of its interface.
          Matcher made = MADE.matcher(dynamic.type().stringValue());
          if (made.find()) {
            object(made.group(1));
          }
          constant(dynamic.invokedynamic().bootstrap().bootstrapMethod());
          dynamic.invokedynamic().bootstrap().arguments().forEach(this::constant);
        }
        default -> {}
      }
    }
    // What the verifier compares.
    code.findAttribute(Attributes.stackMapTable())
        .ifPresent(
            table ->
                table
                    .entries()
                    .forEach(
                        frame -> {
                          frame.locals().forEach(this::verified);
                          frame.stack().forEach(this::verified);
                        }));
  }

  private void verified(StackMapFrameInfo.VerificationTypeInfo info) {
    if (info instanceof StackMapFrameInfo.ObjectVerificationTypeInfo object) {
      className(object.className());
    }
  }

  private void call(MemberRefEntry reference) {
    String owner = reference.owner().asInternalName();
    String key = reference.name().stringValue() + reference.type().stringValue();
    className(reference.owner());
    type(reference.type().stringValue());
    if (all.containsKey(owner)) {
      declared(owner, key)
          .ifPresent(
              declaring -> {
                if (methods.get(declaring).get(key).flags().has(AccessFlag.STATIC)) {
                  used(declaring);
                }
                method(declaring, key);
              });
    }
    if (!key.startsWith("<")) {
      called(key);
    }
  }

  /** The nearest class or interface that has the method. */
  private Optional<String> declared(String owner, String key) {
    if (!all.containsKey(owner)) {
      return Optional.empty();
    }
    if (methods.get(owner).containsKey(key)) {
      return Optional.of(owner);
    }
    return supertypes(all.get(owner)).stream()
        .flatMap(parent -> declared(parent, key).stream())
        .findFirst();
  }

  private void constant(LoadableConstantEntry entry) {
    switch (entry) {
      case ClassEntry type -> {
        className(type);
        object(type.asInternalName());
        List<String> served = providers.get(type.asInternalName().replace('/', '.'));
        if (served != null) {
          served.forEach(provider -> todo.add(() -> whole(provider)));
        }
      }
      case StringEntry text -> {
        texts.add(text.stringValue());
        String name = text.stringValue().replace('.', '/');
        if (all.containsKey(name)) {
          todo.add(() -> whole(name));
        }
      }
      case MethodTypeEntry type -> type(type.descriptor().stringValue());
      case MethodHandleEntry handle -> {
        MemberRefEntry reference = handle.reference();
        if (reference.type().stringValue().startsWith("(")) {
          if (reference.name().equalsString("<init>")) {
            object(reference.owner().asInternalName());
          }
          call(reference);
        } else {
          used(reference.owner().asInternalName());
          type(reference.type().stringValue());
        }
      }
      case ConstantDynamicEntry dynamic -> {
        type(dynamic.type().stringValue());
        constant(dynamic.bootstrap().bootstrapMethod());
        dynamic.bootstrap().arguments().forEach(this::constant);
      }
      default -> {}
    }
  }

  private void className(ClassEntry entry) {
    String name = entry.asInternalName();
    if (name.startsWith("[")) {
      type(name);
    } else {
      named(name);
    }
  }

  private void type(String descriptor) {
    Matcher matcher = CLASS_IN_TYPE.matcher(descriptor);
    while (matcher.find()) {
      named(matcher.group(1));
    }
  }
}
