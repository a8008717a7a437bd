/** One annotated Pod on its whole way, on one machine. */
@NullMarked
package io.github.secretscontroller.samples.quickstart;

import org.jspecify.annotations.NullMarked;
