package io.github.secretscontroller.core;

import static org.assertj.core.api.Assertions.assertThat;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class SecretReferencePropertyTest {

  private static final String ARN =
      "arn:aws:secretsmanager:us-east-1:123456789012:secret:prod/db-hlRvvF";

  @Property
  void whatIsPrintedIsRead(@ForAll("references") SecretReference reference) {
    assertThat(SecretReference.parse(reference.toString())).isEqualTo(reference);
  }

  @Property
  void anyTextIsReadOrRefusedButNeverElse(@ForAll String text) {
    try {
      assertThat(SecretReference.parse(text).toString()).isNotEmpty();
    } catch (IllegalArgumentException e) {
      assertThat(e).hasMessageStartingWith("not a secret reference");
    }
  }

  @Property
  void aChangedArnIsReadOrRefusedButNeverElse(
      @ForAll("positions") int position, @ForAll char replacement) {
    anyTextIsReadOrRefusedButNeverElse(
        ARN.substring(0, position) + replacement + ARN.substring(position + 1));
  }

  @Provide
  Arbitrary<Integer> positions() {
    return Arbitraries.integers().between(0, ARN.length() - 1);
  }

  @Provide
  Arbitrary<SecretReference> references() {
    Arbitrary<String> names =
        Arbitraries.strings().alpha().numeric().withChars("/_+=.@-").ofMinLength(1).ofMaxLength(40);
    Arbitrary<SecretReference> ids =
        Arbitraries.oneOf(
            names.map(n -> new SecretReference("secretsmanager", n, null, null, null)),
            names.map(
                n ->
                    SecretReference.parse(
                        "arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:" + n)),
            Arbitraries.strings()
                .withCharRange('!', '~')
                .excludeChars('?', '#')
                .ofMinLength(1)
                .map(n -> "x" + n)
                .map(n -> new SecretReference("vault", n, null, null, null)));
    Arbitrary<String> stages =
        Arbitraries.strings().ascii().withChars("%&#?=\u00e4\u20ac").ofMinLength(1).ofMaxLength(20);
    return Combinators.combine(
            ids, stages.injectNull(0.5), stages.injectNull(0.5), stages.injectNull(0.5))
        .as(
            (id, stage, version, selector) ->
                id.withVersionStage(stage).withVersionId(version).withSelector(selector));
  }
}
