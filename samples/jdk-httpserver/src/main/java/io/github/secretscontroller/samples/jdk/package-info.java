/** The webhook on the JDK's own HTTPS server. */
@NullMarked
package io.github.secretscontroller.samples.jdk;

import org.jspecify.annotations.NullMarked;
