@NullMarked
package io.github.secretscontroller.fetcher;

import org.jspecify.annotations.NullMarked;
