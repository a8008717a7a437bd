package io.github.secretscontroller.fetcher;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

@DisplayName("The fetcher module")
class ModuleRulesTest {

  private static final String OURS = "io.github.secretscontroller";

  private final JavaClasses classes =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages(OURS + ".fetcher");

  @Test
  @DisplayName("never sees the admission module or a Kubernetes client")
  void noAdmission() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(OURS + ".admission..", "io.kubernetes..")
        .check(classes);
  }

  @Test
  @DisplayName("knows the AWS SDK only through secrets-aws")
  void noSdk() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("software.amazon.awssdk..")
        .check(classes);
  }

  @Test
  @DisplayName("shows three public types, and keeps the rest to itself")
  void fewPublicTypes() {
    classes()
        .that()
        .arePublic()
        .and()
        .areTopLevelClasses()
        .should()
        .haveFullyQualifiedName(OURS + ".fetcher.Main")
        .orShould()
        .haveFullyQualifiedName(OURS + ".fetcher.Fetcher")
        .orShould()
        .haveFullyQualifiedName(OURS + ".fetcher.ExitCode")
        .check(classes);
  }
}
