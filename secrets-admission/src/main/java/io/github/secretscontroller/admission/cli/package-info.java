/** The program that explains manifests without a cluster. */
@NullMarked
package io.github.secretscontroller.admission.cli;

import org.jspecify.annotations.NullMarked;
