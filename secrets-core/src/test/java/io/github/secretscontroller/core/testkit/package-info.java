/**
 * Contract tests that every backend and every mutator passes. Published as the test-jar of this
 * module, written against public API only; whoever extends it needs JUnit Jupiter, AssertJ and
 * jackson-databind on the test class path.
 */
@NullMarked
package io.github.secretscontroller.core.testkit;

import org.jspecify.annotations.NullMarked;
