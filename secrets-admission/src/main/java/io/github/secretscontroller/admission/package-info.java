/** Kubernetes admission webhooks: AdmissionReview bytes in, AdmissionReview bytes out. */
@NullMarked
package io.github.secretscontroller.admission;

import org.jspecify.annotations.NullMarked;
