/** Tests of the chart, the manifests and the walkthrough. */
@NullMarked
package io.github.secretscontroller.samples.deployment;

import org.jspecify.annotations.NullMarked;
