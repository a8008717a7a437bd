/** JMH benchmarks; README.md tells how to run them and what they gave. */
@NullMarked
package io.github.secretscontroller.benchmarks;

import org.jspecify.annotations.NullMarked;
