package io.github.secretscontroller.aws;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The aws module")
class ModuleRulesTest {

  private static final JavaClasses MODULE =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.github.secretscontroller.aws");

  @Test
  @DisplayName("depends on core, the AWS SDK and nothing else of ours or of anybody's servers")
  void dependencies() {
    classes()
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "io.github.secretscontroller.aws",
                "io.github.secretscontroller.core",
                "software.amazon.awssdk..",
                "org.slf4j",
                "org.jspecify.annotations",
                "java..",
                "javax.crypto..",
                "javax.net.ssl"))
        .check(MODULE);
  }

  @Test
  @DisplayName("keeps no state that changes in a static field")
  void noMutableStatics() {
    fields().that().areStatic().should().haveModifier(JavaModifier.FINAL).check(MODULE);
  }
}
