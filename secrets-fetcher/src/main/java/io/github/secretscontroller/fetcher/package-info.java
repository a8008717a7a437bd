/** The program in the pod: reads the plan, fetches the secrets, publishes the files. */
@NullMarked
package io.github.secretscontroller.fetcher;

import org.jspecify.annotations.NullMarked;
