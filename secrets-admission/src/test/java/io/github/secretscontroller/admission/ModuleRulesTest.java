package io.github.secretscontroller.admission;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
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
  private static final Class<?>[] CLUSTER = {
    SelfManagedCertificate.class,
    KubernetesApi.class,
    InClusterClient.class,
    NativeSecretSweeper.class,
    NativeSecretSweeper.Builder.class
  };

  @Test
  @DisplayName(
      "depends on core, Jackson, JMESPath, slf4j and the JDK only; what makes certificates on"
          + " BouncyCastle, and metrics on Micrometer, too")
  void dependencies() {
    classes()
        .that(not(belongToAnyOf(Pem.class, Authority.class, AdmissionMetrics.class)))
        .and(not(belongToAnyOf(CLUSTER).or(simpleName("OrphansCommand"))))
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(
                "io.github.secretscontroller.admission..",
                "io.github.secretscontroller.core",
                "com.fasterxml.jackson..",
                "io.burt.jmespath..",
                "org.slf4j",
                "org.jspecify.annotations",
                "javax.net.ssl",
                "javax.naming..",
                "javax.security.auth.x500",
                "java.."))
        .because("a webhook needs neither AWS nor an HTTP server to decide about a pod")
        .check(MODULE);
  }

  @Test
  @DisplayName(
      "needs the Kubernetes client for a self-managed certificate, the sweeper, and to explain"
          + " orphans: it is optional")
  void kubernetesClient() {
    noClasses()
        .that(not(belongToAnyOf(CLUSTER).or(simpleName("OrphansCommand"))))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.kubernetes..", "okhttp3..", "kotlin..")
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
  @DisplayName("logs in the handler and the certificate alone, and no object or annotation (P7)")
  void onlyTheHandlerLogs() {
    noClasses()
        .that(not(belongToAnyOf(AdmissionHandler.class, ServingCertificate.class)))
        .should()
        .dependOnClassesThat()
        .resideInAPackage("org.slf4j")
        .check(MODULE);
  }
}
