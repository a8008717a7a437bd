/** The webhook on Javalin. */
@NullMarked
package io.github.secretscontroller.samples.javalin;

import org.jspecify.annotations.NullMarked;
