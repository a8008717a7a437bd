package io.github.secretscontroller.admission;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.github.secretscontroller.core.InjectionPlan;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Label;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import net.jqwik.api.statistics.Statistics;

@Label("Any annotations")
class AnnotationsPropertyTest {

  private static final String[] VALUES = {
    "prod/db",
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-hlRvvF",
    "a,b:/x",
    "ssm:/a",
    "kms:AQICAHh",
    "true",
    "false",
    "enabled",
    "0440",
    "json",
    "*",
    "A=a, B=b",
    "a.b | [0]",
    "{{db.user}} $(HOME) $$ \"\\\n\u2028\ud83d\ude80",
    "AWSPREVIOUS",
    "sidecar",
    "5m",
    "PT1H",
    "signal:HUP:nginx",
    "http://127.0.0.1:8080/",
    "eu-west-1",
    "100m",
    "64Mi",
    "/etc/x",
    "../x",
    "x/y",
    "- {objectName: a, objectType: secretsmanager, jmesPath: [{path: a, objectAlias: b}]}",
    "- {objectName: a, objectType: ssmparameter, filePermission: 0400}",
    "- &a [*a, *a",
    "\ud800",
    "",
  };

  @Property(tries = 3000)
  @Label("are read as a request, as nothing, or as problems: never as an exception")
  void total(@ForAll("annotations") Map<String, String> annotations) {
    Annotations.Reading reading = Annotations.read(annotations, 0444);
    assertThat(reading.problems()).hasSizeLessThanOrEqualTo(21).allMatch(this::isOneLine);
    assertThat(reading.warnings()).hasSizeLessThanOrEqualTo(21).allMatch(this::isOneLine);
    if (!reading.problems().isEmpty()) {
      assertThat(reading.request()).isNull();
    }
    if (reading.request() != null) {
      assertThat(reading.request().mounts()).isNotEmpty();
      assertThat(reading.request().plan().files()).hasSizeLessThanOrEqualTo(256);
    }
  }

  private boolean isOneLine(String sentence) {
    return sentence.length() <= 1100
        && sentence.chars().noneMatch(c -> Character.isISOControl(c) || c == 0x2028);
  }

  @Property(tries = 3000)
  @Label("give a plan whose JSON says the same, in which no $ is left for kubelet to expand")
  void escaped(@ForAll("plausible") Map<String, String> annotations) {
    InjectionRequest request = Annotations.read(annotations, 0440).request();
    // Enough of them must ask for something that can be had.
    Statistics.label("requests")
        .collect(request != null)
        .coverage(coverage -> coverage.check(true).percentage(percentage -> percentage > 30));
    if (request != null) {
      String json = request.plan().toJson();
      assertThat(json).doesNotContain("$");
      assertThat(InjectionPlan.parse(json)).isEqualTo(request.plan());
    }
  }

  @Property(tries = 1000)
  @Label("don't depend on their order")
  void ordered(@ForAll("annotations") Map<String, String> annotations) {
    Annotations.Reading reading = Annotations.read(annotations, 0444);
    Map<String, String> sorted = new TreeMap<>(Comparator.reverseOrder());
    sorted.putAll(annotations);
    assertThat(Annotations.read(sorted, 0444)).isEqualTo(reading);
  }

  @Property(tries = 300)
  @Label(
      "end as text in the pod, never as structure: the patch applies, and adds only what is ours")
  void inThePatch(@ForAll("plausible") Map<String, String> annotations) {
    ObjectNode pod = Pods.annotated(annotations);
    JsonNode response = Pods.respond(Pods.handler(), Pods.review(pod));
    ObjectNode after = Pods.apply(Pods.patch(response), pod);
    annotations.forEach(
        (key, value) -> {
          if (!key.equals(Annotations.STATUS) && !key.equals(Annotations.PLAN_DIGEST)) {
            assertThat(after.get("metadata").get("annotations").get(key).textValue())
                .isEqualTo(value);
          }
        });
    assertThat(after.get("spec").get("containers"))
        .hasSameSizeAs(pod.get("spec").get("containers"));
  }

  @Provide
  Arbitrary<Map<String, String>> annotations() {
    return Arbitraries.maps(keys(), values()).ofMaxSize(8);
  }

  /** What could be asked for, with free text wherever text is free. */
  @Provide
  Arbitrary<Map<String, String>> plausible() {
    Arbitrary<String> text = Arbitraries.strings().ofMinLength(1).ofMaxLength(30);
    return Combinators.combine(
            Arbitraries.of(
                    "secret-arn: prod/db",
                    "secret-filename: $(HOME)/$$",
                    "mode.db: 0400",
                    "file.db: x/\"y\\z",
                    "path.db: users[?name=='$'].\"a-b\" | [0]",
                    "version.db: AWSPREVIOUS",
                    "secret.e: ssm:/e",
                    "env.e: A=$a, B=b",
                    "secret.k: k",
                    "keys.k: a$, b",
                    "mode: sidecar",
                    "on-change: signal:HUP:$nginx",
                    "refresh-interval: 90s",
                    "objects: - {objectName: a, objectType: ssmparameter, objectAlias: $b}")
                .set()
                .ofMaxSize(6),
            text,
            text)
        .as(
            (lines, template, stage) -> {
              Map<String, String> annotations = new TreeMap<>();
              annotations.put(Annotations.PREFIX + "secret.db", "prod/db");
              annotations.put(Annotations.PREFIX + "template.t", template);
              annotations.put(Annotations.PREFIX + "secret.s", "s");
              annotations.put(Annotations.PREFIX + "version.s", stage);
              for (String line : lines) {
                String[] keyAndValue = line.split(": ", 2);
                annotations.put(Annotations.PREFIX + keyAndValue[0], keyAndValue[1]);
              }
              return annotations;
            });
  }

  private static Arbitrary<String> keys() {
    Arbitrary<String> names = Arbitraries.of("db", "b", "a-1", "a.b", "", "\u00e9");
    Arbitrary<String> kinds = Arbitraries.of(NamedSecrets.KINDS);
    return Arbitraries.oneOf(
        Arbitraries.of(Annotations.KNOWN),
        kinds.flatMap(kind -> names.map(name -> Annotations.PREFIX + kind + "." + name)),
        // Most of them on one name, so that they meet.
        kinds.map(kind -> Annotations.PREFIX + kind + ".db"),
        Arbitraries.just(Annotations.PREFIX + "secret.db"),
        Arbitraries.strings().ofMaxLength(12).map(Annotations.PREFIX::concat),
        Arbitraries.strings().ofMaxLength(20));
  }

  private static Arbitrary<String> values() {
    return Arbitraries.frequencyOf(
        Tuple.of(4, Arbitraries.of(VALUES)), Tuple.of(1, Arbitraries.strings().ofMaxLength(40)));
  }
}
