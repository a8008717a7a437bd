@NullMarked
package io.github.secretscontroller.admission;

import org.jspecify.annotations.NullMarked;
