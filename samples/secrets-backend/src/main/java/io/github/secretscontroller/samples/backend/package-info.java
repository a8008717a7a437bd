/** Where the values of native Secrets go, for each of the sample webhooks. */
@NullMarked
package io.github.secretscontroller.samples.backend;

import org.jspecify.annotations.NullMarked;
