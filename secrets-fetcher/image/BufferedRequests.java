import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.instruction.ConstantInstruction.LoadConstantInstruction;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Has the SDK's HTTP client give the JDK a request as a whole rather than as a stream.
 *
 * <p>Of a connection that it kept, the JDK reads for a millisecond or two before it streams another
 * request over it, since it couldn't send that again if the connection turned out to be closed.
 * That is as long as Secrets Manager's answer takes. What the fetcher sends is small, and nothing
 * but questions.
 */
final class BufferedRequests {

  private static final String CLIENT =
      "software/amazon/awssdk/http/urlconnection/UrlConnectionHttpClient.class";

  /** What the client looks for in a request, to have it streamed if it is there. */
  private static final String LENGTH = "Content-Length";

  private static final String NOWHERE = "Content-Length-Of-A-Stream";

  private BufferedRequests() {}

  static void arrange(Map<String, byte[]> entries, ClassFile classFile) {
    AtomicInteger found = new AtomicInteger();
    CodeTransform looking =
        (code, element) -> {
          if (element instanceof LoadConstantInstruction constant
              && constant.constantValue().equals(LENGTH)) {
            found.incrementAndGet();
            code.loadConstant(NOWHERE);
          } else {
            code.with(element);
          }
        };
    entries.put(
        CLIENT,
        classFile.transformClass(
            classFile.parse(entries.get(CLIENT)),
            ClassTransform.transformingMethodBodies(
                method -> method.methodName().equalsString("createAndConfigureConnection"),
                looking)));
    if (found.get() != 1) {
      throw new IllegalStateException("the SDK's client streams requests in another way");
    }
  }
}
