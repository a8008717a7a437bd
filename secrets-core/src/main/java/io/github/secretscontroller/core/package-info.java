/**
 * Secret references and values, the three extension points ({@link
 * io.github.secretscontroller.core.SecretSource}, {@link
 * io.github.secretscontroller.core.SecretWriter}, {@link
 * io.github.secretscontroller.core.PodMutator}) and the {@link
 * io.github.secretscontroller.core.InjectionPlan} that a webhook hands to the fetcher.
 *
 * <p>Nothing here knows AWS, an HTTP server or a Kubernetes client.
 */
@NullMarked
package io.github.secretscontroller.core;

import org.jspecify.annotations.NullMarked;
