package io.github.secretscontroller.admission;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The admission module")
class ModuleRulesTest {

  private static final JavaClasses MODULE =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.github.secretscontroller.admission");

  @Test
  @DisplayName(
      "depends on core, Jackson, slf4j and the JDK only, its certificate on BouncyCastle, and its"
          + " metrics on Micrometer")
  void dependencies() {
    classes()
        .that()
        .doNotHaveFullyQualifiedName(ServingCertificate.class.getName())
        .and()
        .doNotHaveFullyQualifiedName(AdmissionMetrics.class.getName())
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "io.github.secretscontroller.admission..",
                "io.github.secretscontroller.core",
                "com.fasterxml.jackson..",
                "org.slf4j",
                "org.jspecify.annotations",
                "org.bouncycastle..",
                "javax.net.ssl",
                "java.."))
        .because("a webhook needs neither AWS nor an HTTP server to decide about a pod")
        .check(MODULE);
  }

  @Test
  @DisplayName("sees no HTTP server")
  void noServer() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("com.sun.net..", "jakarta.servlet..", "java.net.http..")
        .check(MODULE);
  }

  @Test
  @DisplayName("keeps no state that changes in a static field")
  void noMutableStatics() {
    fields().that().areStatic().should().haveModifier(JavaModifier.FINAL).check(MODULE);
  }

  @Test
  @DisplayName("logs in the handler alone, which logs no object and no annotation (P7)")
  void onlyTheHandlerLogs() {
    noClasses()
        .that()
        .doNotHaveFullyQualifiedName(AdmissionHandler.class.getName())
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.slf4j")
        .check(MODULE);
  }
}
