/**
 * The black-box tests that every program that hosts the webhook passes. Published as the test-jar
 * of this module; whoever extends it needs JUnit Jupiter, AssertJ and jackson-databind on the test
 * class path.
 */
@NullMarked
package io.github.secretscontroller.admission.testkit;

import org.jspecify.annotations.NullMarked;
