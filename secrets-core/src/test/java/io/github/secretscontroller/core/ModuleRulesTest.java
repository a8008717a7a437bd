package io.github.secretscontroller.core;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("secrets-core")
class ModuleRulesTest {

  private final JavaClasses core =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.github.secretscontroller.core");

  @Test
  @DisplayName("knows no AWS, no Kubernetes client, no HTTP server, and nothing else of ours")
  void dependencies() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "java..",
            "com.fasterxml.jackson.core..",
            "com.fasterxml.jackson.databind..",
            "org.slf4j..",
            "org.jspecify.annotations..",
            "com.github.benmanes.caffeine..",
            "io.github.secretscontroller.core..")
        .check(core);
  }

  @Test
  @DisplayName("has no static state that changes")
  void noStaticMutableState() {
    noFields()
        .that(
            DescribedPredicate.describe(
                "are static", f -> f.getModifiers().contains(JavaModifier.STATIC)))
        .should()
        .notBeFinal()
        .check(core);
  }
}
