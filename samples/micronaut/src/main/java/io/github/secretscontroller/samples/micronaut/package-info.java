/** The webhook on Micronaut. */
@NullMarked
package io.github.secretscontroller.samples.micronaut;

import org.jspecify.annotations.NullMarked;
